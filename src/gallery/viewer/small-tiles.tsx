import { type MediaView } from '../api.js';
import { at } from '../base.js';
import { describe } from '../format.js';
import { t } from '../languages/text.js';
import { navigate } from '../router.js';

interface SmallTile {
  readonly media: MediaView;
  /** A line below the picture. */
  readonly label?: string;
}

interface SmallTilesProps {
  readonly title: string;
  readonly tiles: readonly SmallTile[];
  readonly hrefOf: (id: string) => string;
}

/** Other media items that the viewer opens in place of this one; nothing if there are none. */
export function SmallTiles({ title, tiles, hrefOf }: SmallTilesProps) {
  if (tiles.length === 0) return null;
  return (
    <section>
      <h3>{title}</h3>
      <div class="small-tiles">
        {tiles.map(({ media, label }) => (
          <a
            key={media.id}
            href={hrefOf(media.id)}
            aria-label={label === undefined ? describe(media) : `${label}: ${describe(media)}`}
            onClick={(event) => {
              event.preventDefault();
              navigate(hrefOf(media.id), { replace: true });
            }}
          >
            <span class="small-tile">
              {media.previews.small ? (
                <img src={at(media.previews.small.url)} alt="" />
              ) : (
                t(`kind.${media.kind}`)
              )}
            </span>
            {label !== undefined && <span class="small-tile-label">{label}</span>}
          </a>
        ))}
      </div>
    </section>
  );
}
