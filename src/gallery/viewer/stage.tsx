import { typeName } from '../../domain/type-names.js';
import type { MediaView } from '../api.js';
import { at } from '../base.js';
import { bytes, describe, kindNames } from '../format.js';
import { showingOf } from '../media-kind.js';
import { StateBadge } from '../parts/badge.js';
import { Icon } from '../parts/icon.js';
import { ZoomPicture } from './zoom-picture.js';

/** The picture, the player, or an explanation if there is nothing to show. */
export function Stage({ media }: { readonly media: MediaView }) {
  const url = at(media.contentUrl ?? '');
  switch (showingOf(media)) {
    case 'picture':
      return <ZoomPicture media={media} />;
    case 'video':
      return <Player media={media} />;
    case 'audio':
      return (
        <div class="stand-in">
          <Icon name="sound" size={64} />
          <audio src={url} controls preload="metadata" aria-label={describe(media)} />
        </div>
      );
    case 'file':
      return <Download media={media} />;
    case 'nothing':
      return (
        <div class="stand-in">
          <StateBadge state={media.state} />
          <p>{explanation(media)}</p>
        </div>
      );
  }
}

/** The name of a file that browsers must not show, with a button that downloads it. */
function Download({ media }: { readonly media: MediaView }) {
  const { filename, kind, type, contentUrl } = media;
  return (
    <div class="stand-in">
      <Icon name="document" size={64} />
      <p>{filename ?? kindNames[kind]}</p>
      {type !== null && <p class="stand-in-type">{typeName(type)}</p>}
      <a class="button primary" href={at(contentUrl ?? '')} download={filename ?? ''}>
        <Icon name="download" size={18} />
        Download{media.bytes === null ? '' : ` (${bytes(media.bytes)})`}
      </a>
    </div>
  );
}

function Player({ media }: { readonly media: MediaView }) {
  const { contentUrl, previews } = media;
  return (
    <video
      class="player"
      src={at(contentUrl ?? '')}
      poster={previews.large && at(previews.large.url)}
      controls
      preload="metadata"
      aria-label={describe(media)}
    />
  );
}

function explanation({ state, error }: MediaView): string {
  if (state === 'erased') return 'The file, its previews and all personal data were erased.';
  if (state === 'pending')
    return error ? 'The last attempt failed; Inlet will retry.' : 'The file is being downloaded.';
  return error?.message ?? error?.code ?? 'The file could not be downloaded.';
}
