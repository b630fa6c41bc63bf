import { attentionCount } from './attention-count.js';
import { at } from './base.js';
import { liveState } from './live.js';
import { BrandMark } from './parts/brand-mark.js';
import { Dialog } from './parts/dialog.js';
import { Icon, type IconName } from './parts/icon.js';
import { ThemeSwitch } from './parts/theme-switch.js';
import { path } from './router.js';
import { isAdmin, signOut } from './session.js';
import { useOpen } from './use-open.js';

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
/** Number of links in the bar at the bottom of a phone; the dialog "More" has the others. */
const linksInBar = 4;

export function Navigation() {
  const more = useOpen();
  const shown = places.filter(({ admin }) => !admin || isAdmin.value);
  return (
    <header class="nav">
      <a class="brand" href={at('/admin')} aria-label="Inlet, to the gallery">
        <BrandMark size={26} />
        <span>Inlet</span>
      </a>
      <nav aria-label="Pages">
        {shown.map((place, index) => (
          <PlaceLink key={place.to} place={place} class={index < linksInBar ? '' : 'wide-only'} />
        ))}
        <button type="button" class="nav-link narrow-only" aria-haspopup="dialog" onClick={more.open}>
          <Icon name="more" />
          <span>More</span>
        </button>
      </nav>
      <div class="nav-end wide-only">
        <ThemeSwitch />
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

/** The pages and settings that a phone has no room for. Every click closes it, except one on the theme. */
function MoreDialog({ places: hidden, onClose }: MoreDialogProps) {
  return (
    <Dialog label="More" class="sheet" onClose={onClose}>
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
        </div>
        <SignOut />
      </div>
    </Dialog>
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
          <span class="unseen"> that need attention</span>
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
