import type { MediaView } from '../api.js';
import { deletedBySender, isDeletedBySender, stateNames } from '../format.js';
import { Icon, type IconName } from './icon.js';

const icons = {
  pending: 'clock',
  ready: 'check',
  failed: 'failed',
  rejected: 'rejected',
  erased: 'erased',
} as const satisfies Record<MediaView['state'], IconName>;

/** What is out of the ordinary with a media. */
export function Badges({ media }: { readonly media: MediaView }) {
  return (
    <>
      {media.state !== 'ready' && <StateBadge state={media.state} />}
      {isDeletedBySender(media) && <DeletedBadge />}
    </>
  );
}

/** Marks a file that its sender has deleted; Inlet keeps it. */
function DeletedBadge() {
  return (
    <span class="badge deleted">
      <Icon name="erased" size={14} />
      {deletedBySender}
    </span>
  );
}

/** The state of a media, in a word and a drawing: never by colour alone. */
export function StateBadge({ state }: { readonly state: MediaView['state'] }) {
  return (
    <span class={`badge ${state}`}>
      <Icon name={icons[state]} size={14} />
      {stateNames[state]}
    </span>
  );
}
