import { api, type MediaView } from '../api.js';
import { at } from '../base.js';
import { describe, kindNames } from '../format.js';
import { navigate } from '../router.js';
import { useLoad } from '../use-load.js';

/** The other media items of the same message. */
export function Siblings({
  media,
  hrefOf,
}: {
  readonly media: MediaView;
  readonly hrefOf: (id: string) => string;
}) {
  const { channel, message } = media;
  const loaded = useLoad(
    async () =>
      message && message.id !== ''
        ? (await api.media.list({ channel, messageId: message.id }).page()).items
        : [],
    media.id,
  );
  const others = (loaded.value ?? []).filter(({ id }) => id !== media.id);
  if (others.length === 0) return null;
  return (
    <section>
      <h3>In the same message</h3>
      <div class="siblings">
        {others.map((other) => (
          <a
            key={other.id}
            href={hrefOf(other.id)}
            aria-label={describe(other)}
            onClick={(event) => {
              event.preventDefault();
              navigate(hrefOf(other.id), { replace: true });
            }}
          >
            {other.previews.small ? <img src={at(other.previews.small.url)} alt="" /> : kindNames[other.kind]}
          </a>
        ))}
      </div>
    </section>
  );
}
