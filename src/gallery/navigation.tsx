import { useSignal } from '@preact/signals';

import { attentionCount } from './attention-count.js';
import { at } from './base.js';
import { liveState } from './live.js';
import { Dialog } from './parts/dialog.js';
import { Icon, type IconName } from './parts/icon.js';
import { ThemeSwitch } from './parts/theme-switch.js';
import { path } from './router.js';
import { isAdmin, signOut } from './session.js';

interface Place {
  readonly to: string;
  readonly name: string;
  readonly icon: IconName;
  readonly admin: boolean;
}

const places: readonly Place[] = [
  { to: at('/admin'), name: 'Gallery', icon: 'gallery', admin: false },
  { to: at('/admin/sent'), name: 'Sent', icon: 'send', admin: false },
  { to: at('/admin/attention'), name: 'Attention', icon: 'attention', admin: true },
  { to: at('/admin/overview'), name: 'Overview', icon: 'overview', admin: true },
  { to: at('/admin/channels'), name: 'Channels', icon: 'channels', admin: true },
  { to: at('/admin/subscriptions'), name: 'Subscriptions', icon: 'subscriptions', admin: true },
  { to: at('/admin/tokens'), name: 'Tokens', icon: 'tokens', admin: true },
  { to: at('/admin/audit'), name: 'Audit', icon: 'audit', admin: true },
];
/** So many have room at the bottom of a telephone; the others are behind "More". */
const atTheBottom = 4;

export function Navigation() {
  const open = useSignal(false);
  const shown = places.filter(({ admin }) => !admin || isAdmin.value);
  const close = (): void => {
    open.value = false;
  };
  return (
    <header class="nav">
      <a class="brand" href={at('/admin')} aria-label="Inlet, to the gallery">
        <svg width="26" height="26" viewBox="0 0 26 26" aria-hidden="true">
          <rect class="brand-ground" width="26" height="26" rx="7" />
          <path
            class="brand-wave"
            d="M4 11.500c3 0 3 3 6 3s3-3 6-3 3 3 6 3M4 17c3 0 3 3 6 3s3-3 6-3 3 3 6 3"
          />
          <circle class="brand-sun" cx="13" cy="7" r="2.200" />
        </svg>
        <span>Inlet</span>
      </a>
      <nav aria-label="Pages">
        {shown.map((place, index) => (
          <PlaceLink key={place.to} place={place} class={index < atTheBottom ? '' : 'wide-only'} />
        ))}
        <button
          type="button"
          class="nav-link narrow-only"
          aria-haspopup="dialog"
          onClick={() => {
            open.value = true;
          }}
        >
          <Icon name="more" />
          <span>More</span>
        </button>
      </nav>
      <div class="nav-end wide-only">
        <ThemeSwitch />
        <SignOut />
        <LiveLight />
      </div>
      {open.value && (
        <Dialog label="More" class="sheet" onClose={close}>
          <div class="sheet-body" onClick={close}>
            {shown.slice(atTheBottom).map((place) => (
              <PlaceLink key={place.to} place={place} />
            ))}
            <hr />
            <div
              onClick={(event) => {
                event.stopPropagation();
              }}
            >
              <ThemeSwitch />
            </div>
            <SignOut />
          </div>
        </Dialog>
      )}
    </header>
  );
}

function PlaceLink({ place, class: name = '' }: { readonly place: Place; readonly class?: string }) {
  const here =
    path.value === place.to || (place.to === at('/admin') && path.value.startsWith(at('/admin/media/')));
  const count = place.icon === 'attention' ? attentionCount.value : 0;
  return (
    <a class={`nav-link ${name}`} href={place.to} aria-current={here ? 'page' : undefined}>
      <Icon name={place.icon} />
      <span>{place.name}</span>
      {count > 0 && (
        <b class="count">
          {count > 999 ? '999+' : count}
          <span class="unseen"> to look at</span>
        </b>
      )}
    </a>
  );
}

function SignOut() {
  return (
    <button type="button" class="nav-link" onClick={() => void signOut()}>
      <Icon name="leave" />
      <span>Sign out</span>
    </button>
  );
}

function LiveLight() {
  const words = { off: 'Not live', live: 'Live', broken: 'Reconnecting …' } as const;
  return (
    <p class={`live ${liveState.value}`}>
      <i aria-hidden="true" />
      {words[liveState.value]}
    </p>
  );
}
