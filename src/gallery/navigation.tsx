import type { ReadonlySignal } from '@preact/signals';

import { attentionCount } from './attention-count.js';
import { at } from './base.js';
import { t, type MessageId } from './languages/text.js';
import { liveState } from './live.js';
import { BrandMark } from './parts/brand-mark.js';
import { Dialog } from './parts/dialog.js';
import { Icon, type IconName } from './parts/icon.js';
import { LanguageChoice } from './parts/language-choice.js';
import { ThemeSwitch } from './parts/theme-switch.js';
import { path } from './router.js';
import { isAdmin, mayManage, session, signOut } from './session.js';
import { useOpen } from './use-open.js';

interface Place {
  readonly to: string;
  readonly name: MessageId;
  readonly icon: IconName;
  /** Whether the user may see the page; absent for a page that everybody sees. */
  readonly visible?: ReadonlySignal<boolean>;
}

const places: readonly Place[] = [
  { to: at('/admin'), name: 'nav.gallery', icon: 'gallery' },
  { to: at('/admin/sent'), name: 'nav.sent', icon: 'send' },
  { to: at('/admin/attention'), name: 'nav.attention', icon: 'attention', visible: mayManage },
  { to: at('/admin/overview'), name: 'nav.overview', icon: 'overview' },
  { to: at('/admin/shares'), name: 'nav.shares', icon: 'share', visible: mayManage },
  { to: at('/admin/channels'), name: 'nav.channels', icon: 'channels', visible: isAdmin },
  { to: at('/admin/subscriptions'), name: 'nav.subscriptions', icon: 'subscriptions', visible: isAdmin },
  { to: at('/admin/users'), name: 'nav.users', icon: 'group', visible: isAdmin },
  { to: at('/admin/tokens'), name: 'nav.tokens', icon: 'tokens', visible: isAdmin },
  { to: at('/admin/audit'), name: 'nav.audit', icon: 'audit', visible: isAdmin },
];
/** Number of links in the bar at the bottom of a phone; the dialog "More" has the others. */
const linksInBar = 4;

export function Navigation() {
  const more = useOpen();
  const shown = places.filter(({ visible }) => visible?.value ?? true);
  return (
    <header class="nav">
      <a class="brand" href={at('/admin')} aria-label={t('nav.home')}>
        <BrandMark size={26} />
        <span>Inlet</span>
      </a>
      <nav aria-label={t('nav.pages')}>
        {shown.map((place, index) => (
          <PlaceLink key={place.to} place={place} class={index < linksInBar ? '' : 'wide-only'} />
        ))}
        <button type="button" class="nav-link narrow-only" aria-haspopup="dialog" onClick={more.open}>
          <Icon name="more" />
          <span>{t('nav.more')}</span>
        </button>
      </nav>
      <div class="nav-end wide-only">
        <ThemeSwitch />
        <LanguageChoice />
        <AccountLink />
        <SignOut />
        <LiveLight />
      </div>
      {more.isOpen && <MoreDialog places={shown.slice(linksInBar)} onClose={more.close} />}
    </header>
  );
}

interface MoreDialogProps {
  readonly places: readonly Place[];
  readonly onClose: () => void;
}

/** The pages and settings that a phone has no room for. Every click closes it, except one on the theme or
 * the language. */
function MoreDialog({ places: hidden, onClose }: MoreDialogProps) {
  return (
    <Dialog label={t('nav.more')} class="sheet" onClose={onClose}>
      <div class="sheet-body" onClick={onClose}>
        {hidden.map((place) => (
          <PlaceLink key={place.to} place={place} />
        ))}
        <hr />
        <div
          onClick={(event) => {
            event.stopPropagation();
          }}
        >
          <ThemeSwitch />
          <LanguageChoice />
        </div>
        <AccountLink />
        <SignOut />
      </div>
    </Dialog>
  );
}

function PlaceLink({ place, class: name = '' }: { readonly place: Place; readonly class?: string }) {
  const here =
    path.value === place.to ||
    (place.to === at('/admin')
      ? ['/admin/media/', '/admin/people/'].some((start) => path.value.startsWith(at(start)))
      : path.value.startsWith(`${place.to}/`));
  const count = place.icon === 'attention' ? attentionCount.value : 0;
  return (
    <a class={`nav-link ${name}`} href={place.to} aria-current={here ? 'page' : undefined}>
      <Icon name={place.icon} />
      <span>{t(place.name)}</span>
      {count > 0 && (
        <b class="count">
          {count > 999 ? '999+' : count}
          <span class="unseen">{t('nav.need_attention')}</span>
        </b>
      )}
    </a>
  );
}

/** Who is signed in, with a link to their page. */
function AccountLink() {
  const user = session.value?.user;
  const to = at('/admin/account');
  return (
    <a class="nav-link" href={to} aria-current={path.value === to ? 'page' : undefined}>
      <Icon name="person" />
      <span class="signed-in">
        <span class="unseen">{t('nav.account')} </span>
        <b>{user?.name ?? t('account.token')}</b>
        {user && <small>{t(`role.${user.role}`)}</small>}
      </span>
    </a>
  );
}

function SignOut() {
  return (
    <button type="button" class="nav-link" onClick={() => void signOut()}>
      <Icon name="leave" />
      <span>{t('nav.sign_out')}</span>
    </button>
  );
}

function LiveLight() {
  return (
    <p class={`live ${liveState.value}`}>
      <i aria-hidden="true" />
      {t(`live.${liveState.value}`)}
    </p>
  );
}
