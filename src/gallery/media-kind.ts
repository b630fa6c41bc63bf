/** Decides how a media item is shown. */
import { isInline } from '../domain/media.js';
import type { MediaView } from './api.js';

export type Showing = 'picture' | 'video' | 'audio' | 'file' | 'nothing';

/** The page shows only types that the service serves inline; everything else is a download. */
export function showingOf(media: MediaView): Showing {
  if (media.state !== 'ready' || media.contentUrl === null) return 'nothing';
  const type = media.type ?? '';
  if (isInline(type) && type.startsWith('video/')) return 'video';
  if (media.previews.large ?? media.previews.small) return 'picture';
  if (!isInline(type)) return 'file';
  return type.startsWith('audio/') ? 'audio' : 'picture';
}
