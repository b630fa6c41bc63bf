import type { ComponentChildren } from 'preact';

import type { PersonDetails } from '../api.js';
import { fullTime, nameOf, number as digits, phone, shortTime } from '../format.js';
import { t } from '../languages/text.js';
import { personAddress } from '../person-address.js';

/** Who somebody is, when they were seen, and how much was exchanged. */
export function PersonFacts({ person }: { readonly person: PersonDetails }) {
  const { channel, id, ids, names, number, elsewhere } = person;
  const otherNames = names.slice(1).join(', ');
  const otherIds = ids.filter((one) => one !== number && one !== id).map(shown);
  return (
    <dl class="card person-facts">
      <Fact name={person.kind === 'group' ? t('person.group_id') : t('person.number')}>
        {number === null ? id : phone(number)}
      </Fact>
      {otherIds.length > 0 && <Fact name={t('person.also')}>{otherIds.join(', ')}</Fact>}
      {otherNames !== '' && <Fact name={t('person.former')}>{otherNames}</Fact>}
      <Fact name={t('fact.channel')}>{channel}</Fact>
      <Fact name={t('person.first_seen')}>
        <Moment at={person.firstSeenAt} />
      </Fact>
      <Fact name={t('person.last_seen')}>
        <Moment at={person.lastSeenAt} />
      </Fact>
      <Fact name={t('person.counts')}>{countsOf(person)}</Fact>
      {person.pending + person.failed > 0 && <Fact name={t('person.open')}>{openOf(person)}</Fact>}
      {elsewhere.length > 0 && (
        <Fact name={t('person.elsewhere')}>
          {elsewhere.map((other) => (
            <a key={`${other.channel} ${other.id}`} href={personAddress(other.channel, other.id)}>
              {other.channel}: {nameOf({ ...other, number: null })}
            </a>
          ))}
        </Fact>
      )}
    </dl>
  );
}

function shown(id: string): string {
  return /^\d{10,15}$/.test(id) ? phone(id) : id;
}

function countsOf({ received, sent, texts }: PersonDetails): string {
  return t('person.counted', { received, sent, texts });
}

function openOf({ pending, failed }: PersonDetails): string {
  return t('person.open_counted', { pending: digits(pending), failed: digits(failed) });
}

function Moment({ at }: { readonly at: string }) {
  return (
    <time dateTime={at} title={fullTime(at)}>
      {shortTime(at)}
    </time>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
