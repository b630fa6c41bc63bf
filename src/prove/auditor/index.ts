/**
 * Compares everything that a service stores with itself and with the knowledge of the other side: rows,
 * objects, previews, events, and the records of senders and receivers. It does not use the service and
 * changes nothing.
 *
 * Run it when the service has nothing left to do, or on a restored copy of such a service.
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
  /** The URL of a PostgreSQL with the service's tables. */
  readonly databaseUrl: string;
  readonly uploadsDir: string;
  /** `INLET_DIR/spool`; if given, it must be empty. */
  readonly spoolDir?: string;
  readonly claims?: Claims;
  /** Unowned files count from this age on, in milliseconds; by default the age of the sweep. */
  readonly minAgeMs?: number;
}

export interface Audit {
  /** How much was checked. */
  readonly checked: Readonly<
    Record<'deliveries' | 'media' | 'objects' | 'events' | 'sent' | 'erased', number>
  >;
  readonly found: Readonly<Record<FindingKind, number>>;
  /** Texts that begin with the kind of the finding. */
  readonly failures: readonly string[];
}

/**
 * Temporary files are swept after ten minutes plus the longest download (see maintain.ts), which takes at
 * most one.
 */
const sweepMs = 11 * 60_000;

export async function audit({
  databaseUrl,
  uploadsDir,
  spoolDir,
  claims = {},
  ...rest
}: Audited): Promise<Audit> {
  const records = await readRecords(databaseUrl);
  const { minAgeMs = sweepMs } = rest;
  const findings = [
    ...inspectRows(records),
    ...inspectSendRows(records),
    ...inspectEvents(records),
    ...inspectErased(records),
    ...(await inspectFiles(records, { uploadsDir, minAgeMs })),
    ...(claims.webhooks ? inspectInbound(records, claims.webhooks) : []),
    ...inspectOutbound(records, claims),
    ...(claims.heard ? inspectHeard(records, claims.heard) : []),
    ...(spoolDir === undefined ? [] : await inspectSpool(spoolDir)),
  ];
  const count = (kind: FindingKind): number => findings.filter((one) => one.kind === kind).length;
  return {
    checked: {
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
