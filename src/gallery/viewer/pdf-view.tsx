import { useEffect, useState } from 'preact/hooks';

import { api, type DocumentPages, type MediaView } from '../api.js';
import { t } from '../languages/text.js';
import { Icon, type IconName } from '../parts/icon.js';
import { useLoad, type Loaded } from '../use-load.js';
import { ZoomPicture } from './zoom-picture.js';

export interface PdfViewProps {
  readonly media: MediaView;
  /** Receives the media item with the page in sight as its preview; undefined for the first page. */
  readonly onPage: (page: MediaView | undefined) => void;
}

/** A PDF, page by page. The preview is its first page; the service renders the others when they are shown. */
export function PdfView({ media, onPage }: PdfViewProps) {
  const loaded = useLoad(() => api.media.pages(media.id), media.id);
  const [number, setNumber] = useState(1);
  const page = number === 1 ? undefined : loaded.value?.items[number - 1];
  useEffect(() => {
    onPage(page && withPicture(media, page));
    return () => {
      onPage(undefined);
    };
  }, [media.id, page]);
  return (
    <>
      <ZoomPicture key={number} media={page ? withPicture(media, page) : media} />
      {loaded.value && loaded.value.items.length > 1 && (
        <Pager number={number} count={loaded.value.items.length} onTurn={setNumber} />
      )}
      {isIncomplete(loaded) && <p class="page-note">{t('viewer.pages_missing')}</p>}
    </>
  );
}

/** Whether there are pages that the viewer cannot show. */
function isIncomplete({ value, error }: Loaded<DocumentPages>): boolean {
  return value ? value.items.length < value.count : error !== undefined;
}

/** The document with the picture of another page in place of its preview. */
function withPicture(media: MediaView, { url, width, height }: DocumentPages['items'][number]): MediaView {
  const picture = { url, type: 'image/jpeg', width, height };
  return { ...media, width, height, thumbhash: null, previews: { large: picture } };
}

interface PagerProps {
  readonly number: number;
  readonly count: number;
  readonly onTurn: (number: number) => void;
}

function Pager({ number, count, onTurn }: PagerProps) {
  return (
    <div class="pager" role="group" aria-label={t('viewer.pages')}>
      <PageTurn name="left" label={t('viewer.page_before')} to={number - 1} count={count} onTurn={onTurn} />
      <output>{t('viewer.page_of', { number, count })}</output>
      <PageTurn name="right" label={t('viewer.page_after')} to={number + 1} count={count} onTurn={onTurn} />
    </div>
  );
}

interface PageTurnProps extends Omit<PagerProps, 'number'> {
  readonly name: IconName & ('left' | 'right');
  readonly label: string;
  readonly to: number;
}

function PageTurn({ name, label, to, count, onTurn }: PageTurnProps) {
  const isThere = to >= 1 && to <= count;
  return (
    <button
      type="button"
      aria-label={label}
      aria-disabled={!isThere}
      data-key={name === 'left' ? 'pageup' : 'pagedown'}
      onClick={() => {
        if (isThere) onTurn(to);
      }}
    >
      <Icon name={name} size={18} />
    </button>
  );
}
