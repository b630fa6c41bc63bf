/** Compares the messages that the service accepted with the records of the providers. */
import type { AskedMessage, Claims, TakenMessage } from './claims.js';
import { countsOver, type Finding } from './finding.js';
import type { OutboundRecord, Records } from './records.js';

/** States in which the provider may have the message although its id was never received. */
const mayBeTaken: ReadonlySet<string> = new Set(['unknown', 'erased']);

/** Checks the rows by themselves. */
export function inspectSendRows({ outbound, messages }: Records): Finding[] {
  const findings: Finding[] = [];
  const shown = new Set(messages.map(({ channel, messageId }) => `${channel} ${messageId}`));
  for (const { id, state, channel, messageId } of outbound) {
    if (state === 'queued' || state === 'sending')
      findings.push({ kind: 'lost', what: `message ${id} is still ${state}` });
    if (state === 'sent' && !shown.has(`${channel} ${String(messageId)}`))
      findings.push({ kind: 'lost', what: `message ${id} was sent and is not shown` });
  }
  const named = outbound.filter(({ messageId }) => messageId !== null);
  for (const [name, times] of countsOver(
    named,
    ({ channel, messageId }) => `${channel} ${String(messageId)}`,
  ))
    if (times > 1) findings.push({ kind: 'doubled', what: `${name} is ${String(times)} messages of ours` });
  return findings;
}

/** Compares rows with the requests, and with what the providers have accepted and reported. */
export function inspectOutbound(records: Records, { asked, taken, reports = [] }: Claims): Finding[] {
  const { outbound } = records;
  const rows = new Map(outbound.map((row) => [row.id, row]));
  const findings: Finding[] = (asked ?? [])
    .filter(({ id }) => !rows.has(id))
    .map(({ id }) => ({ kind: 'lost', what: `message ${id} was taken on and is not there` }));
  if (taken) findings.push(...inspectTaken(outbound, asked ?? [], taken));
  const leftNameless = erasedUnheard(outbound, asked ?? [], taken ?? []);
  return [
    ...findings,
    ...inspectReports(
      records,
      reports.filter(({ channel, messageId }) => !leftNameless.has(`${channel} ${messageId}`)),
    ),
  ];
}

const digits = (name: string): string => name.replace(/@.*$/, '').replace(/\D/g, '') || name;

function inspectTaken(
  outbound: readonly OutboundRecord[],
  asked: readonly AskedMessage[],
  taken: readonly TakenMessage[],
): Finding[] {
  const theirs = countsOver(taken, ({ channel, id }) => `${channel} ${id}`);
  const unknown = outbound.filter(
    ({ state, channel, messageId }) => state === 'sent' && !theirs.has(`${channel} ${String(messageId)}`),
  );
  return [
    ...unknown.map(({ id, channel }): Finding => {
      return { kind: 'lost', what: `message ${id} is sent, and ${channel} does not know it` };
    }),
    ...inspectPersons(outbound, asked, taken),
  ];
}

/** Compares the messages that each person received with the rows. */
function inspectPersons(
  outbound: readonly OutboundRecord[],
  asked: readonly AskedMessage[],
  taken: readonly TakenMessage[],
): Finding[] {
  // Only the client that requested an erased message knows its recipient.
  const recipients = new Map(asked.map(({ id, to }) => [id, to]));
  const personOf = ({ id, channel, recipient }: OutboundRecord): string =>
    `${channel} ${digits(recipient === '' ? (recipients.get(id) ?? '') : recipient)}`;
  const recipientOf = ({ channel, to }: TakenMessage): string => `${channel} ${digits(to)}`;
  const expected = countsOver(outbound, personOf);
  const unheard = countsOver(
    outbound.filter(({ state, messageId }) => messageId === null && mayBeTaken.has(state)),
    personOf,
  );
  const ours = new Set(outbound.map(({ channel, messageId }) => `${channel} ${String(messageId)}`));
  const nameless = taken.filter(({ channel, id }) => !ours.has(`${channel} ${id}`));
  const anonymous = outbound.filter(({ id, recipient }) => recipient === '' && !recipients.has(id));
  const tooMany = exceptAnonymous(countsOver(taken, recipientOf), { known: expected, anonymous });
  const untold = exceptAnonymous(countsOver(nameless, recipientOf), { known: unheard, anonymous });
  return [
    ...tooMany.map(([who, times]): Finding => {
      return {
        kind: expected.has(who) ? 'doubled' : 'lost',
        what: `${who} got ${String(times)} messages, of which ${String(expected.get(who) ?? 0)} were to be sent`,
      };
    }),
    ...untold.map(([who]): Finding => {
      return { kind: 'lost', what: `${who} got a message whose row does not say so` };
    }),
  ];
}

/**
 * The persons who got more messages than the rows of which they are known to be the recipients. Nobody knows the
 * recipient of a message whose request was not answered and which was erased afterwards: as many messages of
 * its channel are explained by such rows.
 */
function exceptAnonymous(
  got: ReadonlyMap<string, number>,
  {
    known,
    anonymous,
  }: { readonly known: ReadonlyMap<string, number>; readonly anonymous: readonly OutboundRecord[] },
): (readonly [string, number])[] {
  const left = countsOver(anonymous, ({ channel }) => channel);
  return [...got].filter(([who, times]) => {
    const excess = times - (known.get(who) ?? 0);
    const [channel = ''] = who.split(' ');
    const explained = Math.min(Math.max(0, excess), left.get(channel) ?? 0);
    left.set(channel, (left.get(channel) ?? 0) - explained);
    return excess > explained;
  });
}

/**
 * Messages that providers accepted and that were erased before their id was received: their reports were
 * erased, too.
 */
function erasedUnheard(
  outbound: readonly OutboundRecord[],
  asked: readonly AskedMessage[],
  taken: readonly TakenMessage[],
): Set<string> {
  const recipients = new Map(asked.map(({ id, to }) => [id, to]));
  const persons = new Set(
    outbound
      .filter(({ state, messageId }) => state === 'erased' && messageId === null)
      .map(({ id, channel }) => `${channel} ${digits(recipients.get(id) ?? '')}`),
  );
  return new Set(
    taken
      .filter(({ channel, to }) => persons.has(`${channel} ${digits(to)}`))
      .map(({ channel, id }) => `${channel} ${id}`),
  );
}

function inspectReports(
  { statuses, messages, outbound }: Records,
  reports: NonNullable<Claims['reports']>,
): Finding[] {
  const key = (one: { channel: string; messageId: string | null }): string =>
    `${one.channel} ${String(one.messageId)}`;
  const known = new Set(statuses.map((one) => `${key(one)} ${one.status}`));
  const erased = new Set([
    ...messages.filter(({ erasedAt }) => erasedAt !== null).map(key),
    ...outbound.filter(({ state }) => state === 'erased').map(key),
  ]);
  return reports
    .filter((one) => !known.has(`${key(one)} ${one.status}`) && !erased.has(key(one)))
    .map((one) => ({
      kind: 'lost',
      what: `that ${key(one)} is ${one.status} was acknowledged and is not there`,
    }));
}
