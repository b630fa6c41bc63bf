import type { MediaView } from '../api.js';
import { at } from '../base.js';
import { describe } from '../format.js';
import { t } from '../languages/text.js';
import { showingOf } from '../media-kind.js';
import { StateBadge } from '../parts/badge.js';
import { Details } from '../parts/details.js';
import { messageOfCode, sentence } from '../problem-text.js';
import { AudioPlayer } from './audio-player.js';
import { DocumentView } from './document-view.js';
import { PdfView, type PdfViewProps } from './pdf-view.js';
import { ZoomPicture } from './zoom-picture.js';

interface StageProps {
  readonly media: MediaView;
  readonly onPage: PdfViewProps['onPage'];
}

/** The picture, the player, or an explanation if there is nothing to show. */
export function Stage({ media, onPage }: StageProps) {
  switch (showingOf(media)) {
    case 'picture':
      return media.type === 'application/pdf' ? (
        <PdfView media={media} onPage={onPage} />
      ) : (
        <ZoomPicture media={media} />
      );
    case 'video':
      return <Player media={media} />;
    case 'audio':
      return <AudioPlayer media={media} />;
    case 'file':
      return <DocumentView media={media} />;
    case 'nothing':
      return (
        <div class="stand-in">
          <StateBadge state={media.state} />
          <p>{explanation(media)}</p>
          {media.state !== 'erased' && <ErrorDetails media={media} />}
        </div>
      );
  }
}

/** The words of the provider or of the service, for support. */
function ErrorDetails({ media: { error } }: { readonly media: MediaView }) {
  if (!error) return null;
  const lines = [error.message === null ? '' : sentence(error.message), error.code];
  return <Details lines={lines.filter((line) => line !== '')} />;
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
  if (state === 'erased') return t('viewer.erased');
  if (state === 'pending') return error ? t('viewer.retrying') : t('viewer.downloading');
  return messageOfCode(error?.code ?? '') ?? t('viewer.not_downloaded');
}
