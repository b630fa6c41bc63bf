import type { ComponentType } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

import { ownValue } from '../domain/own-value.js';
import { refreshAttention } from './attention-count.js';
import { at } from './base.js';
import { t } from './languages/text.js';
import { announcement, onEvent, startLive } from './live.js';
import { Navigation } from './navigation.js';
import { AccountPage } from './pages/account.js';
import { AttentionPage } from './pages/attention.js';
import { AuditPage } from './pages/audit.js';
import { ChannelsPage } from './pages/channels.js';
import { CustomChannelPage } from './pages/custom-channel.js';
import { GalleryPage } from './pages/gallery.js';
import { InvitationPage } from './pages/invitation.js';
import { NotFoundPage } from './pages/not-found.js';
import { OverviewPage } from './pages/overview.js';
import { SentPage } from './pages/sent.js';
import { SharesPage } from './pages/shares.js';
import { SignInPage } from './pages/sign-in.js';
import { SubscriptionsPage } from './pages/subscriptions.js';
import { TokensPage } from './pages/tokens.js';
import { UsersPage } from './pages/users.js';
import { PersonPage } from './pages/person.js';
import { path } from './router.js';
import { findSession, invitation, isAdmin, mayManage, session, takeInvitation } from './session.js';

const pages: Readonly<Record<string, ComponentType>> = {
  [at('/admin')]: GalleryPage,
  [at('/admin/sent')]: SentPage,
  [at('/admin/overview')]: OverviewPage,
  [at('/admin/account')]: AccountPage,
};
const managerPages: Readonly<Record<string, ComponentType>> = {
  [at('/admin/attention')]: AttentionPage,
  [at('/admin/shares')]: SharesPage,
};
const adminPages: Readonly<Record<string, ComponentType>> = {
  [at('/admin/channels')]: ChannelsPage,
  [at('/admin/channels/custom')]: CustomChannelPage,
  [at('/admin/subscriptions')]: SubscriptionsPage,
  [at('/admin/users')]: UsersPage,
  [at('/admin/tokens')]: TokensPage,
  [at('/admin/audit')]: AuditPage,
};

function pageAt(place: string): ComponentType {
  if (place.startsWith(at('/admin/people/'))) return PersonPage;
  if (place.startsWith(at('/admin/media/'))) return GalleryPage;
  const found =
    ownValue(pages, place) ??
    (mayManage.value ? ownValue(managerPages, place) : undefined) ??
    (isAdmin.value ? ownValue(adminPages, place) : undefined);
  return found ?? NotFoundPage;
}

export function App() {
  useEffect(() => {
    void findSession();
    // A link that is opened in a tab of the gallery changes only what is behind the `#`.
    window.addEventListener('hashchange', takeInvitation);
    const stopLive = startLive();
    return () => {
      window.removeEventListener('hashchange', takeInvitation);
      stopLive();
    };
  }, []);
  if (session.value === undefined) return <p class="starting">Inlet</p>;
  if (invitation.value !== null) return <InvitationPage secret={invitation.value} />;
  if (session.value === null) return <SignInPage />;
  return <Shell />;
}

function Shell() {
  const Page = pageAt(path.value);
  useFocusOnHeading(Page);
  useEffect(() => {
    if (!mayManage.value) return undefined;
    void refreshAttention();
    return onEvent(({ type }) => {
      if (type === 'media.failed' || type === 'media.rejected' || type.startsWith('alert.'))
        void refreshAttention();
    });
  }, []);
  return (
    <div class="shell">
      <a class="skip" href="#main">
        {t('nav.skip')}
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

/**
 * Moves the focus to the heading of a new page, for users of a keyboard; the first page keeps the focus that
 * the browser gave it.
 */
function useFocusOnHeading(page: ComponentType): void {
  const before = useRef(page);
  useEffect(() => {
    if (before.current !== page)
      document.querySelector<HTMLElement>('main h1')?.focus({ preventScroll: true });
    before.current = page;
  }, [page]);
}
