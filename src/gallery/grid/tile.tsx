import { memo } from 'preact/compat';
import { useMemo, useState } from 'preact/hooks';

import { typeName } from '../../domain/type-names.js';
import type { MediaView } from '../api.js';
import { at } from '../base.js';
import { bytes, capital, clock, describe, kindNames, personOf } from '../format.js';
import { Badges, WarningBadge } from '../parts/badge.js';
import { Icon, type IconName } from '../parts/icon.js';
import { placeholder } from '../placeholder.js';

interface TileProps {
  readonly media: MediaView;
  readonly href: string;
  readonly width: number;
  readonly height: number;
}

const icons = {
  image: 'gallery',
  sticker: 'sticker',
  video: 'play',
  audio: 'sound',
  document: 'document',
} as const satisfies Record<MediaView['kind'], IconName>;

/** One media item of the grid: its picture, or its name and size if it has none. */
export const Tile = memo(function Tile({ media, href, width, height }: TileProps) {
  const preview = media.previews.small;
  return (
    <a
      id={`media-${media.id}`}
      class={`tile ${media.kind} ${media.state}`}
      href={href}
      style={{ width, height }}
      data-over
    >
      <span class="unseen">{describe(media)}</span>
      <span class="tile-face" aria-hidden="true">
        {preview ? <Picture url={preview.url} thumbhash={media.thumbhash} /> : <Facts media={media} />}
        <span class="tile-badges">
          <Badges media={media} />
          <WarningBadge media={media} />
          {media.kind === 'document' && preview && media.type !== null && (
            <span class="badge">
              <Icon name="document" size={14} />
              {typeName(media.type)}
            </span>
          )}
        </span>
        {media.kind === 'video' && preview && (
          <span class="play">
            <Icon name="play" size={22} />
          </span>
        )}
        <span class="tile-caption">
          <b>{personOf(media)}</b>
          <span>{clock(media.receivedAt)}</span>
        </span>
      </span>
    </a>
  );
});

function Picture({ url, thumbhash }: { readonly url: string; readonly thumbhash: string | null }) {
  const blurred = useMemo(() => placeholder(thumbhash), [thumbhash]);
  const [broken, setBroken] = useState(false);
  return (
    <span class="picture" style={blurred === undefined ? {} : { backgroundImage: `url(${blurred})` }}>
      {!broken && (
        <img
          src={at(url)}
          alt=""
          loading="lazy"
          decoding="async"
          draggable={false}
          onError={() => {
            setBroken(true);
          }}
        />
      )}
    </span>
  );
}

/** An icon, a name and a size for a media item without a picture. */
function Facts({ media }: { readonly media: MediaView }) {
  const name = media.filename ?? shortError(media.error?.code) ?? kindNames[media.kind];
  const details = [
    media.type === null ? null : typeName(media.type),
    media.bytes === null ? null : bytes(media.bytes),
  ];
  return (
    <span class="facts">
      <Icon name={icons[media.kind]} size={30} />
      <span class="facts-name">{name}</span>
      <span class="facts-more">{details.filter((text) => text !== null).join(' · ')}</span>
    </span>
  );
}

/** Turns `media.type_mismatch` into `Type mismatch`. */
function shortError(code: string | undefined): string | undefined {
  return code && capital(code.replace(/^media\./, '').replaceAll('_', ' '));
}
