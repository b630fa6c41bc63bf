import type { MediaView } from '../api.js';
import { isDeletedBySender } from '../format.js';
import { t } from '../languages/text.js';
import { Icon, type IconName } from './icon.js';

const icons = {
  pending: 'clock',
  ready: 'check',
  failed: 'failed',
  rejected: 'rejected',
  erased: 'erased',
} as const satisfies Record<MediaView['state'], IconName>;

/** The state of a media item that is not ready, and marks such as a deletion by the sender. */
export function Badges({ media }: { readonly media: MediaView }) {
  return (
    <>
      {media.state !== 'ready' && <StateBadge state={media.state} />}
      {isDeletedBySender(media) && <DeletedBadge />}
      {media.held && <HeldBadge />}
    </>
  );
}

/** Marks a file that has warnings, with the name of the first one; the viewer explains them all. */
export function WarningBadge({ media: { warnings } }: { readonly media: MediaView }) {
  const [first] = warnings;
  if (!first) return null;
  return (
    <span class="badge warning">
      <Icon name="attention" size={14} />
      {t(`warning.${first.code}`)}
    </span>
  );
}

/** Marks a file that its sender has deleted; Inlet keeps it. */
function DeletedBadge() {
  return (
    <span class="badge deleted">
      <Icon name="erased" size={14} />
      {t('media.deleted_by_sender')}
    </span>
  );
}

/** Marks a file that a legal hold keeps. */
function HeldBadge() {
  return (
    <span class="badge held">
      <Icon name="held" size={14} />
      {t('media.held')}
    </span>
  );
}

/** The state of a media item as a word and an icon, because colour alone is not accessible. */
export function StateBadge({ state }: { readonly state: MediaView['state'] }) {
  return (
    <span class={`badge ${state}`}>
      <Icon name={icons[state]} size={14} />
      {t(`state.${state}`)}
    </span>
  );
}
