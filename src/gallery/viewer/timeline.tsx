import { useState } from 'preact/hooks';

import { api, type MediaHistory, type MediaView } from '../api.js';
import { ago, fullTime } from '../format.js';
import { t } from '../languages/text.js';
import { Details } from '../parts/details.js';
import { Problem } from '../parts/problem.js';
import { messageOfCode } from '../problem-text.js';
import { useLoad, type Loaded } from '../use-load.js';

interface Entry {
  readonly at: string;
  readonly title: string;
  readonly more?: string | undefined;
  /** Technical details. */
  readonly details?: string;
  readonly tone: 'plain' | 'good' | 'bad' | 'next';
}

/** The history of a media item: received, each failed attempt, ready. */
export function Timeline({
  media,
  history,
}: {
  readonly media: MediaView;
  readonly history: Loaded<MediaHistory>;
}) {
  return (
    <section>
      <h3>{t('history.title')}</h3>
      {history.error !== undefined && <Problem error={history.error} retry={history.reload} />}
      <ol class="timeline">
        {entriesOf(history.value ?? { ...media, attempts: [], delivery: null, erasedAt: null }).map(
          (entry) => (
            <li key={`${entry.at} ${entry.title}`} class={entry.tone}>
              <b>{entry.title}</b>
              <time dateTime={entry.at}>{entry.tone === 'next' ? ago(entry.at) : fullTime(entry.at)}</time>
              {entry.more !== undefined && <p>{entry.more}</p>}
              {entry.details !== undefined && <Details lines={[entry.details]} />}
            </li>
          ),
        )}
      </ol>
    </section>
  );
}

function entriesOf(history: MediaHistory): Entry[] {
  const failures = history.attempts.flatMap(({ at, error }, index): Entry[] =>
    error === null
      ? []
      : [
          {
            at,
            title: t('history.attempt_failed', { number: index + 1 }),
            more: messageOfCode(error.code),
            details: [error.code, error.message].filter((text) => text !== null && text !== '').join(': '),
            tone: 'bad',
          },
        ],
  );
  const moment = (at: string | null, title: string, tone: Entry['tone']): Entry[] =>
    at === null ? [] : [{ at, title, tone }];
  return [
    ...moment(history.receivedAt, t('history.received'), 'plain'),
    ...failures,
    ...moment(history.readyAt, t('history.ready'), 'good'),
    ...moment(history.deletedBySenderAt, t('media.deleted_by_sender'), 'plain'),
    ...moment(history.erasedAt, t('history.erased'), 'plain'),
    ...moment(history.nextAttemptAt, t('history.next'), 'next'),
  ];
}

/** The webhook that announced the media item, as it was received. */
export function RawDelivery({ id }: { readonly id: string }) {
  const [open, setOpen] = useState(false);
  return (
    <details
      class="raw"
      onToggle={(event) => {
        setOpen(event.currentTarget.open);
      }}
    >
      <summary>{t('raw.title')}</summary>
      {open && <RawBody id={id} />}
    </details>
  );
}

export function RawBody({ id }: { readonly id: string }) {
  const { value, error, reload } = useLoad(() => api.deliveries.get(id), id);
  if (error !== undefined) return <Problem error={error} retry={reload} />;
  if (!value) return <p class="hint">{t('common.loading')}</p>;
  return (
    <>
      <p class="hint">
        {t(`outcome.${value.outcome}`)}
        {value.reason === null ? '' : `: ${value.reason}`} · {fullTime(value.receivedAt)}
      </p>
      {value.erasedAt === null ? (
        <pre tabIndex={0} aria-label={t('raw.body')}>
          {pretty(value.body)}
        </pre>
      ) : (
        <p>{t('raw.erased', { ago: ago(value.erasedAt) })}</p>
      )}
    </>
  );
}

function pretty(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
}
