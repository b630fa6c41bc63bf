import { api, type MediaView } from '../api.js';
import { t } from '../languages/text.js';
import { useLoad } from '../use-load.js';
import { SmallTiles } from './small-tiles.js';

interface SiblingsProps {
  readonly media: MediaView;
  readonly hrefOf: (id: string) => string;
}

/** The other media items of the same message. */
export function Siblings({ media, hrefOf }: SiblingsProps) {
  const { channel, message } = media;
  const loaded = useLoad(
    async () =>
      message && message.id !== ''
        ? (await api.media.list({ channel, messageId: message.id }).page()).items
        : [],
    media.id,
  );
  const others = (loaded.value ?? []).filter(({ id }) => id !== media.id);
  return (
    <SmallTiles
      title={t('viewer.siblings')}
      tiles={others.map((other) => ({ media: other }))}
      hrefOf={hrefOf}
    />
  );
}
