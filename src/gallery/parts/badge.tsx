import type { MediaView } from '../api.js';
import { stateNames } from '../format.js';
import { Icon, type IconName } from './icon.js';

const icons = {
  pending: 'clock',
  ready: 'check',
  failed: 'failed',
  rejected: 'rejected',
  erased: 'erased',
} as const satisfies Record<MediaView['state'], IconName>;

/** The state of a media, in a word and a drawing: never by colour alone. */
export function StateBadge({ state }: { readonly state: MediaView['state'] }) {
  return (
    <span class={`badge ${state}`}>
      <Icon name={icons[state]} size={14} />
      {stateNames[state]}
    </span>
  );
}
