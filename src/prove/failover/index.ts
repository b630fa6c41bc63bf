/**
 * The database fails over to its standby under load: no acknowledged webhook is lost or duplicated, and
 * everything recovers by itself.
 */
import { createHash, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import type { BenchService } from '../../bench/service.js';
import { uniquePhotos } from '../../demo/photos.js';
import { audit, type SentWebhook } from '../auditor/index.js';
import type { Check, Context, Outcome } from '../check.js';
import { eventually } from '../eventually.js';
import { startMoodyHost } from '../faults/moody-host.js';
import { openPair, type Pair } from './pair.js';

interface Extent {
  readonly beforeMs: number;
  /**
   * How long the standby is disconnected before it is promoted: longer than a webhook waits for the database.
   */
  readonly behindMs: number;
  readonly afterMs: number;
}

const full: Extent = { beforeMs: 10_000, behindMs: 6_000, afterMs: 10_000 };
const short: Extent = { beforeMs: 1_000, behindMs: 3_000, afterMs: 1_000 };

interface Weakness {
  readonly isAsynchronous?: boolean;
  readonly settings?: Readonly<Record<string, string>>;
}

const senders = 4;
const betweenWebhooksMs = 50;
const webhookMs = 15_000;
const timeoutMs = 60_000;
/** The guaranteed times on an otherwise idle machine. */
const maxUnreadyMs = 10_000;
const photos = 2_000;

async function failOver(context: Context, weakness: Weakness = {}): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), 'inlet-failover-'));
  const pair = await openPair(weakness.isAsynchronous !== true);
  const host = await startMoodyHost();
  try {
    const places = { UPLOADS_DIR: join(folder, 'uploads'), INLET_DIR: join(folder, 'inlet') };
    const service = await context.start({
      DATABASE_URL: pair.connectionString,
      FETCH_ALLOW_PRIVATE_HOSTS: host.host,
      ...places,
      ...weakness.settings,
    });
    try {
      const pictures = await uniquePhotos(photos, { seed: context.seed % 1_000, width: 160, height: 120 });
      const load = startLoad(service, (index) => {
        const content = pictures.at(index % photos);
        return { link: host.serve({ content }), sha256: createHash('sha256').update(content).digest('hex') };
      });
      return await watch({ context, pair, service, load, places });
    } finally {
      await service.stop();
    }
  } finally {
    host.close();
    await pair.close();
    await rm(folder, { recursive: true, force: true });
  }
}

interface Load {
  readonly sent: readonly SentWebhook[];
  /** Each status other than 200, and how often it occurred. */
  readonly refused: ReadonlyMap<number, number>;
  readonly worstMs: () => number;
  readonly stop: () => Promise<unknown>;
}

type Picture = (index: number) => { readonly link: string; readonly sha256: string };

function startLoad(service: BenchService, picture: Picture): Load {
  const provider = service.simulator.providers['z-api'];
  const sent: SentWebhook[] = [];
  const refused = new Map<number, number>();
  let worstMs = 0;
  let isOver = false;
  const sendOne = async (): Promise<void> => {
    const { link, sha256 } = picture(sent.length);
    const messageId = randomUUID();
    const { path, headers, body } = provider.webhook({ kind: 'image', id: messageId, url: link });
    const claim = { channel: 'z-api', body, messageId, pictures: [sha256], erased: 'no' } as const;
    const place = sent.push({ ...claim, acknowledged: false }) - 1;
    const began = performance.now();
    const signal = AbortSignal.timeout(webhookMs);
    const status = await fetch(service.baseUrl + path, { method: 'POST', headers, body, signal }).then(
      async (answer) => {
        await answer.text();
        return answer.status;
      },
      () => 0,
    );
    worstMs = Math.max(worstMs, performance.now() - began);
    sent[place] = { ...claim, acknowledged: status === 200 };
    if (status !== 200) refused.set(status, (refused.get(status) ?? 0) + 1);
  };
  const loops = Array.from({ length: senders }, async () => {
    while (!isOver) {
      await sendOne();
      await delay(betweenWebhooksMs);
    }
  });
  return {
    sent,
    refused,
    worstMs: () => worstMs,
    stop: () => {
      isOver = true;
      return Promise.all(loops);
    },
  };
}

interface Watched {
  readonly context: Context;
  readonly pair: Pair;
  readonly service: BenchService;
  readonly load: Load;
  readonly places: { readonly UPLOADS_DIR: string; readonly INLET_DIR: string };
}

async function watch({ context, pair, service, load, places }: Watched): Promise<Outcome> {
  const { beforeMs, behindMs, afterMs } = context.short ? short : full;
  await delay(beforeMs);
  pair.leaveBehind();
  await delay(behindMs);
  await pair.promote();
  const unreadyMs = await timeOf(() => isReady(service));
  await delay(afterMs);
  await load.stop();
  const settleMs = await timeOf(() => isSettled(pair));
  const spoolDir = join(places.INLET_DIR, 'spool');
  const { found, failures } = await audit({
    databaseUrl: pair.standby.connectionString,
    uploadsDir: places.UPLOADS_DIR,
    spoolDir,
    claims: { webhooks: load.sent },
  });
  const acknowledged = load.sent.filter((one) => one.acknowledged).length;
  return {
    tried: load.sent.length,
    lost: found.lost,
    doubled: found.doubled,
    worstMs: load.worstMs(),
    worstMemoryMb: service.memory()?.peak ?? null,
    failures: [
      ...[...load.refused].map(
        ([status, times]) =>
          `${String(times)} webhooks were answered ${status === 0 ? 'nothing' : String(status)}`,
      ),
      ...tooLate('the service is not ready', unreadyMs, context.short ? timeoutMs : maxUnreadyMs),
      ...tooLate('pictures are still pending', settleMs, timeoutMs),
      ...failures,
    ],
    notes: [
      `${String(acknowledged)} of ${String(load.sent.length)} webhooks acknowledged; ready ${unreadyMs.toFixed(0)} ms after the promotion, ` +
        `all pictures ${settleMs.toFixed(0)} ms after the last webhook`,
    ],
  };
}

/** The milliseconds until the condition was true; more than the timeout if it never was. */
async function timeOf(look: () => Promise<boolean>): Promise<number> {
  const began = performance.now();
  await eventually(look, timeoutMs);
  return performance.now() - began;
}

function tooLate(what: string, tookMs: number, maxMs: number): string[] {
  return tookMs > maxMs ? [`${what} after ${maxMs.toFixed(0)} ms`] : [];
}

async function isReady({ baseUrl }: BenchService): Promise<boolean> {
  return fetch(`${baseUrl}/health/ready`).then(
    async (answer) => {
      await answer.text();
      return answer.status === 200;
    },
    () => false,
  );
}

async function isSettled({ standby }: Pair): Promise<boolean> {
  return (await standby.query(`select from media where state = 'pending' limit 1`)).length === 0;
}

export const failover: Check = {
  id: 'failover',
  title: 'loses and duplicates nothing when the database fails over to its standby',
  run: (context) => failOver(context),
  mutations: [
    {
      title: 'webhooks are acknowledged before the standby has them',
      caughtBy: /^lost: message .* was acknowledged and is not there/,
      run: (context) => failOver(context, { isAsynchronous: true }),
    },
    {
      title: 'there is no spool',
      caughtBy: /webhooks were answered 503/,
      run: (context) => failOver(context, { settings: { SPOOL_MAX_BYTES: '0' } }),
    },
  ],
};
