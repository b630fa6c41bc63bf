/** Compares received webhooks with sent ones: acknowledged webhooks are stored once and unchanged. */
import { createHash } from 'node:crypto';

import type { SentWebhook } from './claims.js';
import { countsOver, grouped, type Finding } from './finding.js';
import type { DeliveryRecord, MediaRecord, MessageRecord, Records } from './records.js';

/** Checks the rows by themselves. */
export function inspectRows(records: Records): Finding[] {
  const damaged = records.deliveries.filter(
    ({ erasedAt, contentHash, bodyHash }) => erasedAt === null && contentHash !== bodyHash,
  );
  return [
    ...damaged.map(({ id }): Finding => {
      return { kind: 'wrong bytes', what: `the body of delivery ${id} is not what came` };
    }),
    ...inspectKeys(records),
    ...inspectMediaRows(records),
  ];
}

/** Indexes forbid duplicates, but they may be damaged or missing, and none covers contents. */
function inspectKeys({ deliveries, messages, media }: Records): Finding[] {
  const kept = deliveries.filter(({ erasedAt }) => erasedAt === null);
  const attached = media.filter(({ messageRowId }) => messageRowId !== null);
  const counts = [
    ...countsOver(kept, ({ channel, bodyHash }) => `the webhook ${bodyHash} of ${channel}`),
    ...countsOver(deliveries, ({ channel, contentHash }) => `the delivery ${contentHash} of ${channel}`),
    ...countsOver(messages, ({ channel, messageId }) => `the message ${messageId} of ${channel}`),
    ...countsOver(
      attached,
      ({ messageRowId, kind, position }) => `${kind} ${String(position)} of message ${String(messageRowId)}`,
    ),
  ];
  return counts
    .filter(([, times]) => times > 1)
    .map(([what, times]) => ({ kind: 'doubled', what: `${what} is there ${String(times)} times` }));
}

function inspectMediaRows({ messages, media, blobs }: Records): Finding[] {
  const known = new Set(messages.map(({ id }) => id));
  const stored = new Set(blobs.map(({ sha256 }) => sha256));
  return media.flatMap(({ id, state, messageRowId, sha256 }): Finding[] => {
    if (messageRowId !== null && !known.has(messageRowId))
      return [{ kind: 'orphaned', what: `media ${id} belongs to a message that is not there` }];
    if (state === 'pending') return [{ kind: 'lost', what: `media ${id} is still pending` }];
    const isWhole = state !== 'ready' || (sha256 !== null && stored.has(sha256));
    return isWhole ? [] : [{ kind: 'lost', what: `media ${id} is ready and has no object` }];
  });
}

/** Compares rows with the webhooks that were sent. */
export function inspectInbound(records: Records, webhooks: readonly SentWebhook[]): Finding[] {
  const { deliveries, messages, media } = records;
  const find = {
    deliveries: grouped(deliveries, ({ channel, contentHash }) => `${channel} ${contentHash}`),
    messages: grouped(messages, nameOf),
    media: grouped(media, ({ messageRowId }) => messageRowId),
  };
  const findings = webhooks.flatMap((webhook) => inspectWebhook(webhook, find));
  const sent = new Set(webhooks.map(nameOf));
  const strangers = messages.filter((one) => one.direction === 'inbound' && !sent.has(nameOf(one)));
  return [
    ...findings,
    ...strangers.map(({ id, channel }): Finding => {
      return { kind: 'doubled', what: `message ${id} of ${channel} is one that nobody has sent` };
    }),
  ];
}

const nameOf = ({ channel, messageId }: Pick<MessageRecord, 'channel' | 'messageId'>): string =>
  `${channel} ${messageId}`;

interface Find {
  readonly deliveries: ReadonlyMap<string, readonly DeliveryRecord[]>;
  readonly messages: ReadonlyMap<string, readonly MessageRecord[]>;
  readonly media: ReadonlyMap<string, readonly MediaRecord[]>;
}

function inspectWebhook(webhook: SentWebhook, find: Find): Finding[] {
  const { channel, body, messageId, pictures, acknowledged } = webhook;
  const hash = createHash('sha256').update(body).digest('hex');
  const hasDelivery = find.deliveries.has(`${channel} ${hash}`);
  const rows = (find.messages.get(nameOf(webhook)) ?? []).flatMap(({ id }) => find.media.get(id) ?? []);
  const name = `message ${messageId} of ${channel}`;
  if (!hasDelivery && rows.length === 0)
    return acknowledged ? [{ kind: 'lost', what: `${name} was acknowledged and is not there` }] : [];
  const findings: Finding[] = [];
  if (!hasDelivery) findings.push({ kind: 'lost', what: `the delivery of ${name} is not there` });
  if (rows.length < pictures.length)
    findings.push({ kind: 'lost', what: `${name} lacks ${String(pictures.length - rows.length)} media` });
  if (rows.length > pictures.length)
    findings.push({
      kind: 'doubled',
      what: `${name} has ${String(rows.length)} media, and brought ${String(pictures.length)}`,
    });
  return [...findings, ...rows.flatMap((row) => inspectMedia(row, webhook))];
}

function inspectMedia(
  { id, state, sha256, position, errorCode }: MediaRecord,
  webhook: SentWebhook,
): Finding[] {
  const { channel, erased, pictures } = webhook;
  if (state === 'erased')
    return erased === 'no' ? [{ kind: 'lost', what: `media ${id} of ${channel} is erased, unasked` }] : [];
  if (erased === 'yes')
    return [{ kind: 'not erased', what: `media ${id} of ${channel} was to be erased and is ${state}` }];
  if (state !== 'ready')
    // Pending items are reported where all rows are checked.
    return state === 'pending'
      ? []
      : [
          {
            kind: 'lost',
            what: `media ${id} of ${channel} is ${state} (${String(errorCode)}), its picture was good`,
          },
        ];
  if (sha256 !== pictures[position])
    return [{ kind: 'wrong bytes', what: `media ${id} of ${channel} is not the picture that was served` }];
  return [];
}
