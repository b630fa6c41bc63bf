import { api, type MediaView, type SimilarView } from '../api.js';
import { dayName } from '../format.js';
import { t } from '../languages/text.js';
import { useLoad } from '../use-load.js';
import { SmallTiles } from './small-tiles.js';

interface CopiesProps {
  readonly media: MediaView;
  readonly hrefOf: (id: string) => string;
}

/** More would be a page of their own. */
const mostShown = 12;

/** The same file or the same picture at other times, those of earlier times apart. */
export function Copies({ media, hrefOf }: CopiesProps) {
  const { id, state } = media;
  const loaded = useLoad(
    async () => (state === 'ready' ? await api.media.similar(id) : []),
    `${id} ${state}`,
  );
  const found = loaded.value ?? [];
  // Ids sort by the time of receipt.
  const earlier = found.filter((one) => one.media.id < id).slice(0, mostShown);
  const later = found.filter((one) => one.media.id > id).slice(0, mostShown);
  return (
    <>
      <SmallTiles title={t('viewer.sent_before')} tiles={earlier.map(tileOf)} hrefOf={hrefOf} />
      <SmallTiles title={t('viewer.sent_again')} tiles={later.map(tileOf)} hrefOf={hrefOf} />
    </>
  );
}

function tileOf({ media, distance }: SimilarView) {
  const isSame = distance === 0;
  const label = t(isSame ? 'viewer.copy_same' : 'viewer.copy_similar', { day: dayName(media.receivedAt) });
  return { media, label };
}
