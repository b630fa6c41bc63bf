import { useEffect, useState } from 'preact/hooks';

import type { MediaView } from '../api.js';
import { at } from '../base.js';
import { bytes, typeLabel } from '../format.js';
import { t } from '../languages/text.js';
import { Icon } from '../parts/icon.js';
import { downloadName } from './download-name.js';

/** Types that people can read as they are. They are shown as text, never as a page. */
const textTypes: ReadonlySet<string> = new Set(['text/plain', 'text/csv', 'text/vcard', 'text/calendar']);
/** The beginning of a text that is shown, in bytes. */
const shownBytes = 65_536;

/** A file that browsers must not open: its name, its size and a download; of a text, also the beginning. */
export function DocumentView({ media }: { readonly media: MediaView }) {
  const { kind, filename, type } = media;
  const text = useText(media);
  return (
    <div class={`stand-in ${text === undefined ? '' : 'with-text'}`}>
      <Icon name="document" size={text === undefined ? 64 : 32} />
      <p class="stand-in-name">{filename ?? t(`kind.${kind}`)}</p>
      {type !== null && <p class="stand-in-type">{typeLabel(type)}</p>}
      <Download media={media} />
      {text !== undefined && (
        <pre class="text-view" tabIndex={0} aria-label={t('viewer.text')}>
          {text}
        </pre>
      )}
      {text !== undefined && (media.bytes ?? 0) > shownBytes && (
        <p class="stand-in-type">{t('viewer.text_begins')}</p>
      )}
    </div>
  );
}

function Download({ media }: { readonly media: MediaView }) {
  return (
    <a class="button primary" href={at(media.contentUrl ?? '')} download={downloadName(media)}>
      <Icon name="download" size={18} />
      {media.bytes === null ? t('viewer.download') : t('viewer.download_size', { size: bytes(media.bytes) })}
    </a>
  );
}

/** The beginning of a text; undefined for other files. */
function useText({ contentUrl, type }: MediaView): string | undefined {
  const [text, setText] = useState<string>();
  useEffect(() => {
    if (contentUrl === null || !textTypes.has(type?.split(';')[0] ?? '')) return undefined;
    const leaving = new AbortController();
    const headers = { Range: `bytes=0-${String(shownBytes - 1)}` };
    fetch(at(contentUrl), { headers, signal: leaving.signal })
      .then(async (response) => {
        if (response.ok) setText(await response.text());
      })
      .catch(() => undefined);
    return () => {
      leaving.abort();
    };
  }, [contentUrl, type]);
  return text;
}
