import { memo } from 'preact/compat';
import { useMemo, useState } from 'preact/hooks';

import type { MediaView } from '../api.js';
import { at } from '../base.js';
import { bytes, clock, dayOfMonth, describe, personOf, typeLabel } from '../format.js';
import { t } from '../languages/text.js';
import { Badges, WarningBadge } from '../parts/badge.js';
import { Icon, type IconName } from '../parts/icon.js';
import { placeholder } from '../placeholder.js';
import { sharpEnough } from './preview-choice.js';

interface TileProps {
  readonly media: MediaView;
  readonly href: string;
  readonly width: number;
  readonly height: number;
  /** Whether the caption shows the day, which no heading does. */
  readonly withDay: boolean;
  readonly isFavourite: boolean;
}

const icons = {
  image: 'gallery',
  sticker: 'sticker',
  video: 'play',
  audio: 'sound',
  document: 'document',
} as const satisfies Record<MediaView['kind'], IconName>;

/** Below this width, in pixels, the person and the time do not fit into one line. */
const narrow = 170;

/** One media item of the grid: its picture, or its name and size if it has none. */
export const Tile = memo(function Tile(props: TileProps) {
  const { media, href, width, height, withDay, isFavourite } = props;
  const density = window.devicePixelRatio;
  const preview = sharpEnough(media.previews, { width: width * density, height: height * density });
  return (
    <a
      id={`media-${media.id}`}
      class={`tile ${media.kind} ${media.state} ${width < narrow ? 'narrow' : ''}`}
      href={href}
      style={{ width, height }}
      draggable={false}
      data-over
    >
      <span class="unseen">
        {isFavourite ? `${describe(media)}, ${t('favourite.marker')}` : describe(media)}
      </span>
      <span class="tile-face" aria-hidden="true">
        {preview ? <Picture url={preview.url} thumbhash={media.thumbhash} /> : <Facts media={media} />}
        <span class="tile-badges">
          {isFavourite && (
            <span class="badge favourite">
              <Icon name="star" size={14} />
            </span>
          )}
          <Badges media={media} />
          <WarningBadge media={media} />
          {media.kind === 'document' && preview && media.type !== null && (
            <span class="badge">
              <Icon name="document" size={14} />
              {typeLabel(media.type)}
            </span>
          )}
        </span>
        {media.kind === 'video' && preview && (
          <span class="play">
            <Icon name="play" size={22} />
          </span>
        )}
        <Caption media={media} withDay={withDay} />
      </span>
    </a>
  );
});

/** Who sent it and when. What was sent from here has an arrow and names the recipient. */
function Caption({ media, withDay }: Pick<TileProps, 'media' | 'withDay'>) {
  return (
    <span class="tile-caption">
      <span class="tile-person">
        {media.direction === 'outbound' && <Icon name="outbound" size={14} />}
        <b>{personOf(media)}</b>
      </span>
      <span class="tile-time">{withDay ? dayOfMonth(media.receivedAt) : clock(media.receivedAt)}</span>
    </span>
  );
}

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
  const name = media.filename ?? t(`kind.${media.kind}`);
  const details = [
    media.type === null ? null : typeLabel(media.type),
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
