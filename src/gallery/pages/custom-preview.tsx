import type { PreviewView } from '../api.js';
import { bytes, fullTime } from '../format.js';
import { t } from '../languages/text.js';
import { Problem } from '../parts/problem.js';
import type { PreviewState } from './use-preview.js';

type Event = PreviewView['events'][number];
type Media = Extract<Event, { type: 'message' }>['media'][number];

/** The events of the sample, or what is wrong. */
export function CustomPreview({ preview }: { readonly preview: PreviewState }) {
  const { value, error, isOld } = preview;
  return (
    <section class="card panel" aria-busy={isOld} aria-live="polite">
      <h2>{t('custom.preview')}</h2>
      {error !== undefined && <Problem error={error} />}
      {value === undefined && error === undefined && (
        <p class="hint">{isOld ? t('common.loading') : t('custom.paste')}</p>
      )}
      {value && <Result value={value} />}
    </section>
  );
}

function Result({ value }: { readonly value: PreviewView }) {
  const { problems, outcome, reason, events, omitted } = value;
  return (
    <>
      {problems.length > 0 && (
        <div class="problem" role="alert">
          {problems.map(({ field, message }) => (
            <p key={field}>
              <b>{field.replace(/^settings\./, '')}</b> {message}
            </p>
          ))}
        </div>
      )}
      {outcome !== null && (
        <p>
          <span class={`badge ${outcome}`}>{t(`outcome.${outcome}`)}</span> {t(`custom_outcome.${outcome}`)}
        </p>
      )}
      {reason !== null && <p class="preview-reason">{reason}</p>}
      <ol class="preview-events">
        {events
          .filter(({ type }) => type !== 'malformed')
          .map((event, index) => (
            <li key={index}>
              <EventFacts event={event} />
            </li>
          ))}
      </ol>
      {omitted > 0 && <p class="hint">{t('custom.more', { count: omitted })}</p>}
    </>
  );
}

function EventFacts({ event }: { readonly event: Event }) {
  return (
    <>
      <h3>{event.type}</h3>
      <Facts facts={factsOf(event)} />
      {event.type === 'message' &&
        event.media.map((media, index) => <Facts key={index} facts={factsOfMedia(media)} />)}
    </>
  );
}

type Fact = readonly [name: string, value: string | null];

function Facts({ facts }: { readonly facts: readonly Fact[] }) {
  const known = facts.filter((fact): fact is [string, string] => fact[1] !== null);
  return (
    <dl class="preview-facts">
      {known.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function factsOf(event: Event): readonly Fact[] {
  switch (event.type) {
    case 'message':
      return [
        ['id', event.id],
        ['direction', event.direction],
        ['from', event.from],
        ['to', event.to],
        ['chat', event.chat],
        ['name', event.name],
        ['caption', event.caption],
        ['sent', event.sentAt && fullTime(event.sentAt)],
      ];
    case 'status':
      return [
        ['id', event.id],
        ['status', event.status],
        ['at', event.at && fullTime(event.at)],
        ['error', event.error && `${event.error.code}: ${event.error.message}`],
      ];
    case 'deletion':
      return [
        ['id', event.id],
        ['at', event.at && fullTime(event.at)],
      ];
    case 'ignored':
    case 'malformed':
      return [['reason', event.reason]];
  }
}

function factsOfMedia({
  kind,
  url,
  reference,
  embedded,
  type,
  filename,
  sha256,
  problem,
}: Media): readonly Fact[] {
  const size = embedded?.bytes == null ? '' : `, ${bytes(embedded.bytes)}`;
  return [
    ['file', kind],
    ['link', url],
    ['file id', reference],
    ['in the webhook', embedded && `${embedded.pointer}${size}`],
    ['type', type],
    ['file name', filename],
    ['sha256', sha256],
    ['problem', problem],
  ];
}
