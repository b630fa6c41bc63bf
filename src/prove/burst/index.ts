/**
 * One token requests thousands of lists at the same moment. Each request is answered, some with a refusal
 * that names a retry time; meanwhile, webhooks are acknowledged in time and another token is served.
 */
import { setTimeout as delay } from 'node:timers/promises';

import { startCompanion, type BenchService, type Companion, type Sibling } from '../../bench/service.js';
import { bytes } from '../../demo/media-host.js';
import { uniquePhotos } from '../../demo/photos.js';
import { providerIds } from '../../demo/providers/registry.js';
import { askingForReceipt, type Webhook } from '../../demo/providers/simulated-provider.js';
import { standBetween, type Spoiling } from '../proxy.js';
import type { Check, Context, Mutation, Outcome } from '../check.js';
import { countReady } from '../rows.js';
import type { WireAnswer } from '../wire.js';
import type { Verdict } from './caller.js';
import { send, type Answer, type Question } from './request.js';

interface Burst {
  readonly requests: number;
  /** The longest time until a webhook is answered meanwhile. */
  readonly webhookMs: number;
}

const full: Burst = { requests: 2_000, webhookMs: 4_000 };
const short: Burst = { requests: 1_000, webhookMs: Infinity };

/** The number of webhooks during the burst, and the pause between them. */
const webhooks = 10;
const pauseMs = 100;
/** The timeout until the pictures of the webhooks are ready. */
const readyMs = 60_000;
/**
 * The token of the burst may send more requests than that per minute, so that only the simultaneous ones
 * count.
 */
const perMinute = 60_000;

const listPath = '/v1/media?limit=50';

interface Weakness {
  readonly between?: Spoiling;
  readonly settings?: Readonly<Record<string, string>>;
}

async function tryBurst(
  context: Context,
  burst: Burst,
  { between, settings }: Weakness = {},
): Promise<Outcome> {
  const service = await context.service();
  const target = await service.beside({ API_REQUESTS_PER_MINUTE: String(perMinute), ...settings });
  const double = between && (await standBetween(target.port, between));
  const caller = await startCompanion('../prove/burst/caller.js');
  try {
    const port = double?.port ?? target.port;
    return await judge({ context, service, target, caller, port }, burst);
  } finally {
    caller.stop();
    double?.close();
    await target.stop();
  }
}

interface Stage {
  readonly context: Context;
  readonly service: BenchService;
  readonly target: Sibling;
  /** The process that sends the burst. */
  readonly caller: Companion;
  /** The URL of the service, or of the proxy in front of it. */
  readonly port: number;
}

async function judge(stage: Stage, burst: Burst): Promise<Outcome> {
  const { context, service, target, caller, port } = stage;
  const other = await anotherToken(service);
  const coming = await webhooksOf(context, service);
  const listing = (authorization: string): Question => ({
    method: 'GET',
    path: listPath,
    headers: { authorization },
  });
  const began = performance.now();
  const question = listing(service.authorization);
  const lists = caller.ask({ port, question, times: burst.requests });
  const acknowledging: Promise<Answer>[] = [];
  const serving: Promise<Answer>[] = [];
  for (const { path, headers, body } of coming) {
    await delay(pauseMs);
    acknowledging.push(
      send(port, { method: 'POST', path, headers: { ...headers, ...askingForReceipt }, body }),
    );
    serving.push(send(port, listing(other)));
  }
  const [{ verdicts }, acknowledged, served] = await Promise.all([
    lists,
    Promise.all(acknowledging),
    Promise.all(serving),
  ]);
  const seconds = (performance.now() - began) / 1000;
  const listed = verdicts as readonly Verdict[];
  const afterwards = await send(port, question);
  const { lost, failures } = await judgeWebhooks(service, acknowledged, burst);
  const worst = Math.max(...acknowledged.map(({ tookMs }) => tookMs));
  const refused = listed.filter(({ status }) => status !== 200).length;
  return {
    tried: listed.length + acknowledged.length + served.length,
    lost,
    doubled: 0,
    worstMemoryMb: target.memory()?.peak ?? null,
    worstMs: worst,
    notes: [
      `${String(listed.length)} lists at once in ${seconds.toFixed(1)} s, ${String(refused)} of them refused; ` +
        `a webhook took at most ${worst.toFixed(0)} ms`,
    ],
    failures: [
      ...judgeLists(listed),
      ...failures,
      ...notServed('lists of another token were', served),
      ...notServed('lists afterwards were', [afterwards]),
    ],
  };
}

/** Every list is answered, or refused as documented. */
function judgeLists(listed: readonly Verdict[]): string[] {
  const refused = listed.filter(({ status }) => status === 429 || status === 503);
  const unforeseen = listed.filter(({ status }) => ![200, 429, 503].includes(status));
  const silent = refused.filter(({ retryAfter }) => !(Number(retryAfter) > 0));
  const nameless = refused.filter(({ code = '' }) => !documented.has(code));
  return [
    ...notServed('lists of the burst were', unforeseen),
    ...(silent.length > 0 ? [`${String(silent.length)} refusals do not say when to come back`] : []),
    ...(nameless.length > 0 ? [`${String(nameless.length)} refusals have another code`] : []),
  ];
}

const documented = new Set(['request.too_many_at_once', 'service.unavailable']);

/** One line for each status other than 200. */
function notServed(what: string, answers: readonly Pick<Answer, 'status'>[]): string[] {
  const wrong = answers.map(({ status }) => status).filter((status) => status !== 200);
  return [...new Set(wrong)].map((status) => {
    const count = wrong.filter((one) => one === status).length;
    return `${String(count)} ${what} ${status === 0 ? 'not answered' : `answered ${String(status)}`}`;
  });
}

async function judgeWebhooks(
  service: BenchService,
  answers: readonly Answer[],
  { webhookMs }: Burst,
): Promise<{ readonly lost: number; readonly failures: readonly string[] }> {
  const media = answers
    .filter(({ status }) => status === 200)
    .flatMap(({ text }) => (JSON.parse(text) as { readonly media: readonly string[] }).media);
  const lost = media.length - (await countReady(service, media, readyMs));
  const late = answers.filter(({ tookMs }) => tookMs > webhookMs).map(({ tookMs }) => tookMs);
  return {
    lost,
    failures: [
      ...notServed('webhooks were', answers),
      ...late.map((ms) => `a webhook was answered after ${ms.toFixed(0)} ms`),
      ...(lost > 0 ? [`${String(lost)} pictures of the webhooks did not become ready`] : []),
    ],
  };
}

/** Pictures of all providers. */
async function webhooksOf({ seed }: Context, { simulator }: BenchService): Promise<Webhook[]> {
  const photos = await uniquePhotos(webhooks, { seed: seed % 1000 });
  return Array.from({ length: webhooks }, (_, index) => {
    const provider = simulator.providers[providerIds[index % providerIds.length] ?? 'blip'];
    const url = provider.publish(bytes('image/jpeg', () => photos.at(index)));
    return provider.webhook({ kind: 'image', url });
  });
}

async function anotherToken({ baseUrl, authorization }: BenchService): Promise<string> {
  const response = await fetch(`${baseUrl}/v1/tokens`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'another', scopes: ['media:read'], expiresIn: 3_600 }),
  });
  const { token } = (await response.json()) as { readonly token: string };
  return `Bearer ${token}`;
}

function weakened(mutation: Omit<Mutation, 'run'>, weakness: Weakness): Mutation {
  const burst: Burst = { requests: 300, webhookMs: full.webhookMs };
  return { ...mutation, run: (context) => tryBurst(context, burst, weakness) };
}

/**
 * Refuses each list. The double passes on no response headers, and it refuses by itself because the number of
 * lists that the service refuses depends on the speed of the double.
 */
function refusingLists(refusal: WireAnswer): Weakness {
  return {
    between: { answer: (answer, { path }) => (path === listPath ? refusal : answer) },
  };
}

export const burst: Check = {
  id: 'burst',
  title: 'serves webhooks and other tokens during a burst of one token',
  run: (context) => tryBurst(context, context.short ? short : full),
  mutations: [
    weakened(
      { title: 'a refused list is answered with 500', caughtBy: /^\d+ lists of the burst were answered 500/ },
      refusingLists({ status: 500, text: '{"code":"internal"}' }),
    ),
    weakened(
      { title: 'a refused list has no Retry-After', caughtBy: /^\d+ refusals do not say when/ },
      refusingLists({ status: 429, text: '{"code":"request.too_many_at_once"}' }),
    ),
    weakened(
      { title: 'a webhook waits for the lists', caughtBy: /^a webhook was answered after \d{4,} ms/ },
      {
        between: {
          answer: async (answer, { path }) => {
            if (path.startsWith('/webhooks/')) await delay(full.webhookMs + 500);
            return answer;
          },
        },
      },
    ),
    weakened(
      { title: 'a token is refused after its burst', caughtBy: /^1 lists afterwards were answered 429/ },
      { settings: { API_REQUESTS_PER_MINUTE: '100' } },
    ),
  ],
};
