/**
 * Webhooks with the largest number of attachments and more: the process continues to respond, small webhooks
 * are accepted in the meantime, and every acknowledged webhook is stored.
 */
import { randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import type { BenchService } from '../../bench/service.js';
import { standBetween, type Spoiling } from '../proxy.js';
import type { Check, Context, Mutation, Outcome } from '../check.js';
import { eventually } from '../eventually.js';
import { countKept, countMedia } from '../rows.js';
import { crowdedWebhook, type CrowdedProvider, type CrowdedWebhook } from './webhooks.js';

/** The contract's limit of attachments. */
const maxAttachments = 10_000;

interface Extent {
  readonly providers: readonly CrowdedProvider[];
  readonly large: number;
  readonly tooLarge: number;
}

const full: Extent = { providers: ['blip', 'sobot', 'z-api'], large: maxAttachments, tooLarge: 30_000 };
const short: Extent = { providers: ['blip'], large: 3_000, tooLarge: 30_000 };

/** The response time of a healthy process. */
const maxHealthMs = 2_000;
const pauseMs = 20;
const largeAnswerMs = 60_000;
const smallAnswerMs = 15_000;
/** The timeout until acknowledged webhooks have left the disk. */
const emptyMs = 30_000;

interface Receipt {
  readonly delivery: string;
  readonly outcome: string;
  readonly duplicate: boolean;
  readonly media: readonly string[];
}

interface Answered {
  readonly status: number;
  readonly receipt: Receipt | undefined;
}

async function tryCrowd(context: Context, extent: Extent, spoiling?: Spoiling): Promise<Outcome> {
  const service = await context.start({});
  const between = spoiling && (await standBetween(service.port, spoiling));
  const base = between ? `http://127.0.0.1:${String(between.port)}` : service.baseUrl;
  try {
    return await judge(service, { base, extent });
  } finally {
    between?.close();
    await service.stop();
  }
}

interface Tried {
  readonly base: string;
  readonly extent: Extent;
}

async function judge(service: BenchService, { base, extent }: Tried): Promise<Outcome> {
  const watch = startWatch(service, base);
  const failures: string[] = [];
  const media: string[] = [];
  const times: string[] = [];
  const folder = join(service.inletDir, 'spool');
  const spooled = async (): Promise<number> => (await readdir(folder).catch(() => [])).length;
  for (const provider of extent.providers) {
    const large = crowdedWebhook(service, provider, extent.large);
    const tooLarge = crowdedWebhook(service, provider, extent.tooLarge);
    for (const webhook of [large, tooLarge]) {
      const began = performance.now();
      const first = await post(base, webhook, largeAnswerMs);
      times.push(`${webhook.what} ${((performance.now() - began) / 1000).toFixed(1)} s`);
      // On a busy machine, the first one may have been acknowledged from the spool. It is recognised once it is
      // in the database.
      await eventually(async () => (await spooled()) === 0, emptyMs);
      const again = await post(base, webhook, largeAnswerMs);
      failures.push(
        ...differences(webhook, { first, again, expected: webhook === large ? extent.large : null }),
      );
      media.push(...(first.receipt?.media ?? []));
    }
  }
  const seen = await watch.end();
  failures.push(...seen.failures);
  if (!(await eventually(async () => (await spooled()) === 0, emptyMs)))
    failures.push(`${String(await spooled())} files are still in the spool`);
  const lost =
    media.length -
    (await countMedia(service, media)) +
    (seen.small.length - (await countKept(service, seen.small)));
  if (lost > 0) failures.push(`${String(lost)} were acknowledged and not kept`);
  return {
    tried: extent.providers.length * 4 + seen.small.length,
    lost,
    doubled: 0,
    failures,
    worstMs: seen.worstHealthMs,
    worstMemoryMb: service.memory()?.peak ?? null,
    notes: [
      `${times.join(', ')}; health took at most ${seen.worstHealthMs.toFixed(0)} ms, ` +
        `the slowest of ${String(seen.small.length)} small webhooks ${seen.worstSmallMs.toFixed(0)} ms`,
    ],
  };
}

interface Twice {
  readonly first: Answered;
  readonly again: Answered;
  /** The number of its media; null if there are too many. */
  readonly expected: number | null;
}

function differences({ what }: CrowdedWebhook, { first, again, expected }: Twice): string[] {
  if (!first.receipt || !again.receipt)
    return [`${what}: answered ${String(first.status)} and ${String(again.status)}`];
  const outcome = expected === null ? 'malformed' : 'accepted';
  const told = first.receipt;
  const failures: string[] = [];
  if (told.outcome !== outcome) failures.push(`${what}: is ${told.outcome}, not ${outcome}`);
  if (told.media.length !== (expected ?? 0))
    failures.push(`${what}: brings ${String(told.media.length)} media`);
  if (!again.receipt.duplicate || told.media.join() !== again.receipt.media.join())
    failures.push(`${what}: is not recognised when it comes again`);
  return failures;
}

interface Seen {
  readonly worstHealthMs: number;
  readonly worstSmallMs: number;
  /** The acknowledged deliveries of small webhooks. */
  readonly small: readonly string[];
  readonly failures: readonly string[];
}

/** Requests the health of the process and sends small webhooks, one after another, until it is stopped. */
function startWatch(service: BenchService, base: string): { readonly end: () => Promise<Seen> } {
  let isOver = false;
  const small: string[] = [];
  const failures: string[] = [];
  let worstHealthMs = 0;
  let worstSmallMs = 0;
  const timed = async (work: () => Promise<void>): Promise<number> => {
    const began = performance.now();
    await work();
    return performance.now() - began;
  };
  const askHealth = async (): Promise<void> => {
    while (!isOver) {
      const ms = await timed(async () => {
        const signal = AbortSignal.timeout(largeAnswerMs);
        await fetch(`${base}/health/live`, { signal }).then(
          (answer) => answer.text(),
          () => undefined,
        );
      });
      worstHealthMs = Math.max(worstHealthMs, ms);
      await delay(pauseMs);
    }
  };
  const sendSmall = async (): Promise<void> => {
    while (!isOver) {
      const webhook = service.simulator.providers.sobot.webhook({
        kind: 'text',
        id: randomUUID(),
        text: randomUUID(),
      });
      const ms = await timed(async () => {
        const { status, receipt } = await post(base, { ...webhook, what: 'small' }, smallAnswerMs);
        if (receipt) small.push(receipt.delivery);
        else failures.push(`a small webhook was answered ${String(status)}`);
      });
      worstSmallMs = Math.max(worstSmallMs, ms);
      await delay(pauseMs);
    }
  };
  const working = [askHealth(), sendSmall()];
  return {
    end: async () => {
      isOver = true;
      await Promise.all(working);
      if (worstHealthMs > maxHealthMs) failures.push(`health took ${worstHealthMs.toFixed(0)} ms`);
      return { worstHealthMs, worstSmallMs, small, failures: [...new Set(failures)] };
    },
  };
}

async function post(
  base: string,
  { path, headers, body }: Omit<CrowdedWebhook, 'body'> & { readonly body: string | Buffer },
  withinMs: number,
): Promise<Answered> {
  const signal = AbortSignal.timeout(withinMs);
  try {
    const answer = await fetch(base + path, { method: 'POST', headers, body, signal });
    const receipt = answer.status === 200 ? ((await answer.json()) as Receipt) : undefined;
    return { status: answer.status, receipt };
  } catch {
    return { status: 0, receipt: undefined };
  }
}

/** Larger bodies belong to crowded webhooks. */
const largeBytes = 100_000;

/** Delays every request during a crowded webhook, and somewhat longer. */
function blocking(): Spoiling {
  let underWay = Promise.resolve();
  return {
    request: (request) => {
      if (request.body.length > largeBytes) underWay = delay(maxHealthMs + 500);
      return request;
    },
    answer: async (answer) => {
      await underWay;
      return answer;
    },
  };
}

/** Acknowledges crowded webhooks without passing them to the service. */
const dropping: Spoiling = {
  request: (request) =>
    request.body.length > largeBytes
      ? { ...request, method: 'GET', path: '/health/live', body: '' }
      : request,
  answer: (answer, { body }) =>
    body.length > largeBytes
      ? {
          status: 200,
          text: JSON.stringify({
            delivery: randomUUID(),
            outcome: 'accepted',
            duplicate: false,
            media: Array.from({ length: short.large }, () => randomUUID()),
          }),
        }
      : answer,
};

const refusingSmall: Spoiling = {
  answer: (answer, { body }) =>
    body.length > 0 && body.length <= largeBytes ? { status: 503, text: '{}' } : answer,
};

const unbounded: Spoiling = {
  answer: (answer) => ({ ...answer, text: answer.text.replace('"malformed"', '"accepted"') }),
};

function weakened(mutation: Omit<Mutation, 'run'>, spoiling: () => Spoiling): Mutation {
  return { ...mutation, run: (context) => tryCrowd(context, short, spoiling()) };
}

export const crowd: Check = {
  id: 'crowd',
  title: 'stays responsive during webhooks with thousands of attachments',
  run: (context) => tryCrowd(context, context.short ? short : full),
  mutations: [
    weakened(
      { title: 'every request waits for a large webhook', caughtBy: /^health took \d{4,} ms/ },
      blocking,
    ),
    weakened(
      {
        title: 'a large webhook is acknowledged and dropped',
        caughtBy: /^\d+ were acknowledged and not kept/,
      },
      () => dropping,
    ),
    weakened(
      { title: 'small webhooks are refused', caughtBy: /^a small webhook was answered 503/ },
      () => refusingSmall,
    ),
    weakened(
      {
        title: 'no number of attachments is refused',
        caughtBy: /^blip with 30000: is accepted, not malformed/,
      },
      () => unbounded,
    ),
  ],
};
