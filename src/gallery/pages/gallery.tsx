import { useCallback, useEffect, useMemo } from 'preact/hooks';

import { at } from '../base.js';
import { listFor } from '../current-list.js';
import { filterText } from '../filters.js';
import { Grid } from '../grid/grid.js';
import { announcement, onEvent, onReconnected } from '../live.js';
import type { MediaList } from '../media-list.js';
import { Icon } from '../parts/icon.js';
import { PageHead } from '../parts/page-head.js';
import { Problem } from '../parts/problem.js';
import { addressWith, path, query } from '../router.js';
import { Viewer } from '../viewer/viewer.js';
import { FilterBar } from './gallery-filters.js';
import { NothingToSee } from './gallery-empty.js';

/** Beyond this distance from the top, in pixels, new pictures would move the ones in sight. */
const nearTop = 120;

export function GalleryPage() {
  const list = listFor(query.value);
  const opened = /\/admin\/media\/([^/]+)$/.exec(path.value)?.[1];
  useNews(list);
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
      <PageHead title="Gallery" />
      <FilterBar list={list} />
      <NewPill list={list} />
      <Grid list={list} hrefOf={hrefOf} />
      <ListEnd list={list} />
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
      {status === 'end' ? 'End of the list' : 'Loading …'}
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
      {count} new
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
      if (event.type === 'message.status') return;
      if (list.take(event.data, atTop()) && event.type === 'media.ready') announceNew();
    });
    const stopCatchingUp = onReconnected(() => void list.catchUp(atTop()).catch(() => undefined));
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
    announcement.value =
      arrived === 1 ? 'One new picture or file' : `${String(arrived)} new pictures and files`;
    arrived = 0;
    soon = undefined;
  }, 1_000);
}
