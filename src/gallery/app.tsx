import type { ComponentType } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

import { ownValue } from '../domain/own-value.js';
import { refreshAttention } from './attention-count.js';
import { at } from './base.js';
import { announcement, onEvent, startLive } from './live.js';
import { Navigation } from './navigation.js';
import { AttentionPage } from './pages/attention.js';
import { AuditPage } from './pages/audit.js';
import { ChannelsPage } from './pages/channels.js';
import { GalleryPage } from './pages/gallery.js';
import { NotFoundPage } from './pages/not-found.js';
import { OverviewPage } from './pages/overview.js';
import { SentPage } from './pages/sent.js';
import { SignInPage } from './pages/sign-in.js';
import { SubscriptionsPage } from './pages/subscriptions.js';
import { TokensPage } from './pages/tokens.js';
import { path } from './router.js';
import { findSession, isAdmin, session } from './session.js';

const adminPages: Readonly<Record<string, ComponentType>> = {
  [at('/admin/attention')]: AttentionPage,
  [at('/admin/overview')]: OverviewPage,
  [at('/admin/channels')]: ChannelsPage,
  [at('/admin/subscriptions')]: SubscriptionsPage,
  [at('/admin/tokens')]: TokensPage,
  [at('/admin/audit')]: AuditPage,
};

function pageAt(place: string): ComponentType {
  if (place === at('/admin/sent')) return SentPage;
  if (place === at('/admin') || place.startsWith(at('/admin/media/'))) return GalleryPage;
  return (isAdmin.value ? ownValue(adminPages, place) : undefined) ?? NotFoundPage;
}

export function App() {
  useEffect(() => {
    void findSession();
    return startLive();
  }, []);
  if (session.value === undefined) return <p class="starting">Inlet</p>;
  if (session.value === null) return <SignInPage />;
  return <Shell />;
}

function Shell() {
  const Page = pageAt(path.value);
  useFocusOnHeading(Page);
  useEffect(() => {
    if (!isAdmin.value) return undefined;
    void refreshAttention();
    return onEvent(({ type }) => {
      if (type === 'media.failed' || type === 'media.rejected') void refreshAttention();
    });
  }, []);
  return (
    <div class="shell">
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <Navigation />
      <main id="main" tabIndex={-1}>
        <Page />
      </main>
      <p class="unseen" role="status" aria-live="polite">
        {announcement.value}
      </p>
    </div>
  );
}

/** Moves the focus to the heading of a new page, for users of a keyboard; the first page keeps the focus that the browser gave it. */
function useFocusOnHeading(page: ComponentType): void {
  const before = useRef(page);
  useEffect(() => {
    if (before.current !== page)
      document.querySelector<HTMLElement>('main h1')?.focus({ preventScroll: true });
    before.current = page;
  }, [page]);
}
