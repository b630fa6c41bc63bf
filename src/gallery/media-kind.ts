/** How a media can be shown. */
import { isInline } from '../domain/media.js';
import type { MediaView } from './api.js';

export type Showing = 'picture' | 'video' | 'audio' | 'file' | 'nothing';

/** Only what the service serves in place is shown in place; everything else is a file to download. */
export function showingOf(media: MediaView): Showing {
  if (media.state !== 'ready' || media.contentUrl === null) return 'nothing';
  const type = media.type ?? '';
  if (isInline(type) && type.startsWith('video/')) return 'video';
  if (media.previews.large ?? media.previews.small) return 'picture';
  if (!isInline(type)) return 'file';
  return type.startsWith('audio/') ? 'audio' : 'picture';
}
