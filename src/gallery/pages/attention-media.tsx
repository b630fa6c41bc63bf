import { useEffect, useMemo } from 'preact/hooks';

import { createAnnounced } from '../announced.js';
import { api, type MediaQuery, type MediaView } from '../api.js';
import { at } from '../base.js';
import { ago, describe, kindAndPerson } from '../format.js';
import { t } from '../languages/text.js';
import { onEvent } from '../live.js';
import { StateBadge } from '../parts/badge.js';
import { Details } from '../parts/details.js';
import { Empty } from '../parts/empty.js';
import { More } from '../parts/more.js';
import { messageOfCode } from '../problem-text.js';
import { usePages } from '../use-pages.js';
import { BulkBar } from './bulk-bar.js';
import { useBulk, type Bulk } from '../use-bulk.js';

/** A media item that waits longer is late. */
const lateMs = 600_000;

interface TroubledMediaProps {
  readonly kind: 'failed' | 'rejected' | 'late';
  readonly onDone: () => void;
}

function queryOf(kind: TroubledMediaProps['kind']): MediaQuery {
  return kind === 'late' ? { state: 'pending', until: new Date(Date.now() - lateMs) } : { state: kind };
}

/** Media items that could not be downloaded. Failed and rejected ones can be retried. */
export function TroubledMedia({ kind, onDone }: TroubledMediaProps) {
  const announced = useMemo(createAnnounced, []);
  const pages = usePages<MediaView>(async (cursor) => {
    const request = api.media.list({ ...queryOf(kind), limit: 100, cursor }).page();
    const { page, latest } = await announced.during(request);
    return { ...page, items: page.items.map(latest) };
  }, kind);
  const { replace } = pages;
  const put = (media: MediaView): void => {
    replace((items) => items.map((item) => (item.id === media.id ? media : item)));
  };
  useEffect(
    () =>
      onEvent((event) => {
        if (!('kind' in event.data)) return;
        announced.take(event.data);
        put(event.data);
      }),
    [],
  );
  const bulk = useBulk(async (id) => {
    put(await api.media.retry(id));
    return t('attention.retry_started');
  });
  const canRetry = kind !== 'late';
  const again = pages.items.filter(({ state }) => state === 'failed' || state === 'rejected');
  if (pages.status === 'end' && pages.items.length === 0) {
    return (
      <Empty icon="check" title={t('attention.nothing')}>
        {t('attention.no_files')}
      </Empty>
    );
  }
  return (
    <>
      {canRetry && pages.items.length > 0 && (
        <BulkBar bulk={bulk} ids={again.map(({ id }) => id)} action={t('common.try_again')} onDone={onDone} />
      )}
      <ul class="card lines">
        {pages.items.map((media) => (
          <Line key={media.id} media={media} bulk={canRetry ? bulk : null} />
        ))}
      </ul>
      <More pages={pages} />
    </>
  );
}

function Line({ media, bulk }: { readonly media: MediaView; readonly bulk: Bulk | null }) {
  const { id, state, error } = media;
  const result = bulk?.results.get(id);
  const canRetry = state === 'failed' || state === 'rejected';
  return (
    <li>
      {bulk && (
        <input
          type="checkbox"
          aria-label={t('attention.select', { media: describe(media) })}
          checked={bulk.selected.has(id)}
          disabled={!canRetry}
          onChange={() => {
            bulk.toggle(id);
          }}
        />
      )}
      <div class="line-main">
        <p>
          <a href={at(`/admin/media/${id}`)}>{kindAndPerson(media)}</a>
          <span class="soft">
            {' '}
            · {media.channel} · {ago(media.receivedAt)}
          </span>
        </p>
        <p class="soft small-text">{reasonOf(media)}</p>
        {error && <Details lines={[`${error.code}: ${error.message ?? ''}`]} />}
        {result && <p class={result.ok ? 'small-text good-text' : 'error-text'}>{result.words}</p>}
      </div>
      <StateBadge state={state} />
    </li>
  );
}

function reasonOf({ error, attempts, nextAttemptAt, state }: MediaView): string {
  const parts = [
    messageOfCode(error?.code ?? ''),
    t('attention.attempts', { count: attempts }),
    state === 'pending' && nextAttemptAt !== null
      ? t('attention.next', { ago: ago(nextAttemptAt) })
      : undefined,
  ];
  return parts.filter((text) => text !== undefined).join(' · ');
}
