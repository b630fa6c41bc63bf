/**
 * Compares everything that a service keeps with itself and with what the other side knows: rows, objects, previews, events,
 * and the ledgers of those who sent and received. It asks the service nothing, and changes nothing.
 *
 * To be run when the service has nothing left to do, or on a restored copy of one that had.
 */
import { readdir } from 'node:fs/promises';

import type { Claims } from './claims.js';
import { inspectErased } from './erased.js';
import { inspectEvents, inspectHeard } from './events.js';
import { inspectFiles } from './files.js';
import type { Finding, FindingKind } from './finding.js';
import { inspectInbound, inspectRows } from './inbound.js';
import { inspectOutbound, inspectSendRows } from './outbound.js';
import { readRecords } from './records.js';

export type { Claims, SentWebhook } from './claims.js';

export interface Audited {
  /** Of a PostgreSQL with the service's tables. */
  readonly databaseUrl: string;
  readonly uploadsDir: string;
  /** `INLET_DIR/spool`; when it is given, nothing may be left in it. */
  readonly spoolDir?: string;
  readonly claims?: Claims;
  /** Files that nobody owns count when they are at least so old, in milliseconds; by default as old as the sweep wants them. */
  readonly patienceMs?: number;
}

export interface Audit {
  /** How much was looked at. */
  readonly looked: Readonly<
    Record<'deliveries' | 'media' | 'objects' | 'events' | 'sent' | 'erased', number>
  >;
  readonly found: Readonly<Record<FindingKind, number>>;
  /** In words, each beginning with its kind. */
  readonly failures: readonly string[];
}

/** Temporary files are swept after ten minutes and the time of a download (see maintain.ts), which is one at most. */
const sweepMs = 11 * 60_000;

export async function audit({
  databaseUrl,
  uploadsDir,
  spoolDir,
  claims = {},
  ...rest
}: Audited): Promise<Audit> {
  const records = await readRecords(databaseUrl);
  const { patienceMs = sweepMs } = rest;
  const findings = [
    ...inspectRows(records),
    ...inspectSendRows(records),
    ...inspectEvents(records),
    ...inspectErased(records),
    ...(await inspectFiles(records, { uploadsDir, patienceMs })),
    ...(claims.webhooks ? inspectInbound(records, claims.webhooks) : []),
    ...inspectOutbound(records, claims),
    ...(claims.heard ? inspectHeard(records, claims.heard) : []),
    ...(spoolDir === undefined ? [] : await inspectSpool(spoolDir)),
  ];
  const count = (kind: FindingKind): number => findings.filter((one) => one.kind === kind).length;
  return {
    looked: {
      deliveries: records.deliveries.length,
      media: records.media.length,
      objects: records.blobs.length,
      events: records.events.length,
      sent: records.outbound.filter(({ state }) => state === 'sent').length,
      erased: records.media.filter(({ state }) => state === 'erased').length,
    },
    found: {
      lost: count('lost'),
      doubled: count('doubled'),
      orphaned: count('orphaned'),
      'wrong bytes': count('wrong bytes'),
      event: count('event'),
      'not erased': count('not erased'),
    },
    failures: findings.map(({ kind, what }) => `${kind}: ${what}`),
  };
}

async function inspectSpool(spoolDir: string): Promise<Finding[]> {
  const names = await readdir(spoolDir).catch(() => []);
  return names.map((name) => ({ kind: 'lost', what: `${name} is still in the spool` }));
}
