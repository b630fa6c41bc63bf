import { useState } from 'preact/hooks';

import { api, type MediaHistory, type MediaView } from '../api.js';
import { ago, fullTime } from '../format.js';
import { Problem } from '../parts/problem.js';
import { useLoad, type Loaded } from '../use-load.js';

interface Entry {
  readonly at: string;
  readonly title: string;
  readonly more?: string;
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
      <h3>History</h3>
      {history.error !== undefined && <Problem error={history.error} retry={history.reload} />}
      <ol class="timeline">
        {entriesOf(history.value ?? { ...media, attempts: [], delivery: null, erasedAt: null }).map(
          (entry) => (
            <li key={`${entry.at} ${entry.title}`} class={entry.tone}>
              <b>{entry.title}</b>
              <time dateTime={entry.at}>{entry.tone === 'next' ? ago(entry.at) : fullTime(entry.at)}</time>
              {entry.more !== undefined && <p>{entry.more}</p>}
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
            title: `Attempt ${String(index + 1)} failed`,
            more: [error.code, error.message].filter((text) => text !== null && text !== '').join(': '),
            tone: 'bad',
          },
        ],
  );
  const moment = (at: string | null, title: string, tone: Entry['tone']): Entry[] =>
    at === null ? [] : [{ at, title, tone }];
  return [
    ...moment(history.receivedAt, 'Received', 'plain'),
    ...failures,
    ...moment(history.readyAt, 'Ready', 'good'),
    ...moment(history.deletedBySenderAt, 'Deleted by the sender', 'plain'),
    ...moment(history.erasedAt, 'Erased', 'plain'),
    ...moment(history.nextAttemptAt, 'Next attempt', 'next'),
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
      <summary>Raw webhook</summary>
      {open && <RawBody id={id} />}
    </details>
  );
}

export function RawBody({ id }: { readonly id: string }) {
  const { value, error, reload } = useLoad(() => api.deliveries.get(id), id);
  if (error !== undefined) return <Problem error={error} retry={reload} />;
  if (!value) return <p class="hint">Loading …</p>;
  return (
    <>
      <p class="hint">
        {value.outcome}
        {value.reason === null ? '' : `: ${value.reason}`} · {fullTime(value.receivedAt)}
      </p>
      {value.erasedAt === null ? (
        <pre tabIndex={0} aria-label="Body of the webhook">
          {pretty(value.body)}
        </pre>
      ) : (
        <p>Its content was erased {ago(value.erasedAt)}.</p>
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
