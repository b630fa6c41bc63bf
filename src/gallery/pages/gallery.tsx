import { useCallback, useEffect, useMemo } from 'preact/hooks';

import { at } from '../base.js';
import { listFor, showNewest } from '../current-list.js';
import { filterText, isSearch } from '../filters.js';
import { Grid } from '../grid/grid.js';
import { GridHelp } from '../grid/grid-help.js';
import { t } from '../languages/text.js';
import { announcement, onEvent, onStreamBegun } from '../live.js';
import type { MediaList } from '../media-list.js';
import { Icon } from '../parts/icon.js';
import { PageHead } from '../parts/page-head.js';
import { Problem } from '../parts/problem.js';
import { addressWith, path, query } from '../router.js';
import { createSelection } from '../selection.js';
import { usePlaceInAddress } from '../use-place.js';
import { Viewer } from '../viewer/viewer.js';
import { FilterBar } from './gallery-filters.js';
import { NothingToSee } from './gallery-empty.js';
import { SelectionBar } from './selection-bar.js';

/** Beyond this distance from the top, in pixels, new pictures would move the ones in sight. */
const nearTop = 120;

export function GalleryPage() {
  const list = listFor(query.value);
  const opened = /\/admin\/media\/([^/]+)$/.exec(path.value)?.[1];
  useNews(list);
  usePlaceInAddress({ entries: '.tile', isWhole: list.begin === undefined, page: at('/admin') });
  const selection = useMemo(createSelection, [list]);
  const search = filterText(list.filters);
  const hrefOf = useCallback(
    (id: string) => at(`/admin/media/${id}${search === '' ? '' : `?${search}`}`),
    [search],
  );
  const gallery = useMemo(
    () => addressWith({}, { path: at('/admin'), query: new URLSearchParams(search) }),
    [search],
  );
  return (
    <>
      <PageHead title={t('gallery.title')} />
      <FilterBar list={list} />
      {list.begin === undefined ? <NewPill list={list} /> : <NewestPill />}
      <Grid
        list={list}
        selection={selection}
        hrefOf={hrefOf}
        headings={isSearch(list.filters) ? 'month' : 'day'}
      />
      <ListEnd list={list} />
      <SelectionBar list={list} selection={selection} />
      <GridHelp />
      {opened !== undefined && (
        <Viewer key="viewer" id={opened} list={list} hrefOf={hrefOf} closedAt={gallery} />
      )}
    </>
  );
}

function ListEnd({ list }: { readonly list: MediaList }) {
  const status = list.status.value;
  if (status === 'error') return <Problem error={list.error.value} retry={() => void list.loadMore()} />;
  if (status === 'end' && list.items.value.length === 0) return <NothingToSee filters={list.filters} />;
  return (
    <p class="list-end" aria-hidden="true">
      {status === 'end' ? t('gallery.end') : t('common.loading')}
    </p>
  );
}

function NewPill({ list }: { readonly list: MediaList }) {
  const count = list.waiting.value;
  if (count === 0) return null;
  return (
    <button
      type="button"
      class="new-pill"
      onClick={() => {
        list.showWaiting();
        window.scrollTo({ top: 0, behavior: scrollBehavior() });
      }}
    >
      <Icon name="up" size={16} />
      {t('gallery.new', { count })}
    </button>
  );
}

/** Leads back to the beginning, for a list that begins in the middle. */
function NewestPill() {
  return (
    <button type="button" class="new-pill" onClick={showNewest}>
      <Icon name="up" size={16} />
      {t('gallery.newest')}
    </button>
  );
}

function scrollBehavior(): ScrollBehavior {
  return window.matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth';
}

/** New pictures appear at once while the user is at the top. Further down they wait behind a button. */
function useNews(list: MediaList): void {
  useEffect(() => {
    const atTop = (): boolean => window.scrollY < nearTop;
    const stopListening = onEvent((event) => {
      if (!('kind' in event.data)) return;
      if (list.take(event.data, atTop()) && event.type === 'media.ready') announceNew();
    });
    const stopCatchingUp = onStreamBegun(() => void list.catchUp(atTop()).catch(() => undefined));
    // Scrolling back to the top shows the items that arrived meanwhile.
    const showAtTop = (): void => {
      if (list.waiting.value > 0 && window.scrollY === 0) list.showWaiting();
    };
    window.addEventListener('scroll', showAtTop, { passive: true });
    return () => {
      stopListening();
      stopCatchingUp();
      window.removeEventListener('scroll', showAtTop);
    };
  }, [list]);
}

let arrived = 0;
let soon: number | undefined;

/** Announces several pictures that arrive within a second in one sentence. */
function announceNew(): void {
  arrived += 1;
  soon ??= window.setTimeout(() => {
    announcement.value = t('gallery.arrived', { count: arrived });
    arrived = 0;
    soon = undefined;
  }, 1_000);
}
