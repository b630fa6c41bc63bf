/**
 * An object store that fails in different ways during webhooks: none of them is lost or refused, no request
 * ends in an internal error, readiness and the log name the reason, and everything recovers by itself.
 */
import { createHash, randomUUID } from 'node:crypto';
import { buffer } from 'node:stream/consumers';

import type { BenchService } from '../../bench/service.js';
import { uniquePhotos, type UniquePhotos } from '../../demo/photos.js';
import { blobKey } from '../../infra/files/blob-store.js';
import { standBetween, type Spoiling } from '../proxy.js';
import type { Check, Context, Mutation, Outcome } from '../check.js';
import { eventually } from '../eventually.js';
import { startMoodyHost, type MoodyHost } from '../faults/moody-host.js';
import { startBucket, type Bucket, type StoreMood } from './bucket.js';

interface Trouble {
  readonly mood: StoreMood;
  /** The name in readiness and the log. */
  readonly reason: RegExp;
}

const troubles: readonly Trouble[] = [
  { mood: 'refuses', reason: /SlowDown/ },
  { mood: 'denies', reason: /AccessDenied/ },
  { mood: 'forgets', reason: /ObjectLost/ },
  { mood: 'has lost its bucket', reason: /NoSuchBucket/ },
  { mood: 'resets', reason: /ECONNRESET/ },
  { mood: 'answers garbage', reason: /Wrong(Bytes|Answer)/ },
  { mood: 'hangs', reason: /TimeoutError/ },
];
/** The failures that are detected quickly. */
const forShort: ReadonlySet<StoreMood> = new Set<StoreMood>(['refuses', 'forgets']);

interface Weakness {
  readonly between?: Spoiling;
  /** The behaviour of the store after everything is over. */
  readonly afterwards?: (bucket: Bucket) => void;
  readonly timeoutMs?: number;
}

interface Stage {
  readonly service: BenchService;
  /** The URL of the service, or of the proxy in front of it. */
  readonly baseUrl: string;
  readonly bucket: Bucket;
  readonly host: MoodyHost;
  readonly photos: UniquePhotos;
  readonly sent: Sent[];
  readonly patienceMs: number;
}

interface Sent {
  readonly media: string;
  readonly sha256: string;
}

const photo = { width: 320, height: 240 };
const maxPhotos = 1_000;
const webhooksEach = { short: 3, full: 20 } as const;
/**
 * The timeout of readiness, the log and the pictures. In a weakened service, the awaited state never comes.
 */
const patienceMs = { check: 60_000, mutation: 10_000 } as const;

async function tryMoods(context: Context, weakness: Weakness = {}): Promise<Outcome> {
  const [bucket, host] = await Promise.all([startBucket(), startMoodyHost()]);
  const service = await context.start({ ...bucket.settings, FETCH_ALLOW_PRIVATE_HOSTS: host.host });
  const between = weakness.between && (await standBetween(service.port, weakness.between));
  try {
    const baseUrl = between ? `http://127.0.0.1:${String(between.port)}` : service.baseUrl;
    const photos = await uniquePhotos(maxPhotos, { seed: context.seed % 1_000, ...photo });
    const maxMs = weakness.timeoutMs ?? patienceMs.check;
    const stage = { service, baseUrl, bucket, host, photos, sent: [], patienceMs: maxMs };
    return await endureAll(context, stage, weakness);
  } finally {
    between?.close();
    await service.stop();
    host.close();
    bucket.close();
  }
}

async function endureAll(context: Context, stage: Stage, weakness: Weakness): Promise<Outcome> {
  const { service, bucket, sent } = stage;
  const failures: string[] = [];
  const count = context.short ? webhooksEach.short : webhooksEach.full;
  failures.push(...(await sendMany(stage, count)), ...(await allArrive(stage)));
  const chosen = troubles.filter(({ mood }) => !context.short || forShort.has(mood));
  let worstMs = 0;
  for (const trouble of chosen) {
    const { found, recoveredMs } = await endure(stage, trouble, count);
    failures.push(...[...new Set(found)].map((what) => `a store that ${trouble.mood}: ${what}`));
    worstMs = Math.max(worstMs, recoveredMs);
  }
  weakness.afterwards?.(bucket);
  const lost = sent.filter(({ sha256 }) => !isWhole(bucket, sha256));
  failures.push(...lost.map(({ media }) => `lost: the bytes of media ${media} are not in the store`));
  return {
    tried: sent.length,
    lost: lost.length,
    doubled: 0,
    worstMs,
    worstMemoryMb: service.memory()?.peak ?? null,
    failures,
    notes: [`${String(chosen.length)} moods of a store that takes no x-amz-checksum-sha256`],
  };
}

async function endure(
  stage: Stage,
  { mood, reason }: Trouble,
  count: number,
): Promise<{ found: string[]; recoveredMs: number }> {
  const { service, bucket, patienceMs } = stage;
  bucket.setMood(mood);
  const found = await sendMany(stage, count);
  let detail = '';
  const isTold = await eventually(async () => reason.test((detail = await trouble(stage))), patienceMs);
  if (!isTold) found.push(`readiness says "${detail}"`);
  const isLogged = (): boolean =>
    service
      .lastOutput()
      .split('\n')
      .some((line) => line.includes('"reason"') && reason.test(line));
  if (!(await eventually(isLogged, patienceMs))) found.push('the log does not name the reason');
  for (const { media } of stage.sent.slice(0, 1)) {
    const { status } = await service.get(`/v1/media/${media}/content`);
    if (status === 500) found.push('a file was answered 500');
  }
  bucket.setMood(undefined);
  const began = performance.now();
  found.push(...(await allArrive(stage)));
  const isOver = await eventually(async () => (await trouble(stage)) === '', patienceMs);
  if (!isOver) found.push(`readiness still says "${await trouble(stage)}" afterwards`);
  return { found, recoveredMs: performance.now() - began };
}

async function sendMany(stage: Stage, count: number): Promise<string[]> {
  const { service, baseUrl, host, photos, sent } = stage;
  const provider = service.simulator.providers['z-api'];
  const failures: string[] = [];
  for (let index = 0; index < count; index += 1) {
    const content = photos.at(sent.length % maxPhotos);
    const url = host.serve({ content });
    const { path, headers, body } = provider.webhook({ kind: 'image', id: randomUUID(), url });
    const answer = await fetch(baseUrl + path, { method: 'POST', headers, body });
    const { media = [] } = (await answer.json()) as { media?: string[] };
    if (answer.status !== 200) failures.push(`a webhook was answered ${String(answer.status)}`);
    const sha256 = createHash('sha256').update(content).digest('hex');
    sent.push(...media.map((id) => ({ media: id, sha256 })));
  }
  return failures;
}

/** Each picture is ready, and its bytes are the ones that were sent. */
async function allArrive({ service, sent, patienceMs }: Stage): Promise<string[]> {
  const failures: string[] = [];
  for (const { media, sha256 } of sent) {
    let state = '';
    await eventually(async () => (state = await stateOf(service, media)) === 'ready', patienceMs);
    if (state !== 'ready') {
      failures.push(`a picture is ${state} afterwards`);
      continue;
    }
    const answer = await service.get(`/v1/media/${media}/content`);
    const bytes = answer.body ? await buffer(answer.body) : Buffer.alloc(0);
    if (createHash('sha256').update(bytes).digest('hex') !== sha256)
      failures.push(`a picture is answered ${String(answer.status)} with other bytes`);
  }
  return failures;
}

async function stateOf(service: BenchService, media: string): Promise<string> {
  const answer = await service.get(`/v1/media/${media}`);
  const { state } = (await answer.json()) as { state?: string };
  return state ?? String(answer.status);
}

/** The problem according to `/health/ready`; empty if there is none. */
async function trouble({ baseUrl }: Stage): Promise<string> {
  const answer = await fetch(`${baseUrl}/health/ready`);
  const { detail } = (await answer.json()) as { detail?: string };
  return answer.status === 200 ? '' : (detail ?? String(answer.status));
}

function isWhole({ objects }: Bucket, sha256: string): boolean {
  const object = objects.get(blobKey(sha256));
  return object !== undefined && createHash('sha256').update(object).digest('hex') === sha256;
}

/** Weakened services are always tested by a short run. */
function weakened(mutation: Omit<Mutation, 'run'>, weakness: Weakness): Mutation {
  const impatient: Weakness = { ...weakness, timeoutMs: patienceMs.mutation };
  return { ...mutation, run: (context) => tryMoods({ ...context, short: true }, impatient) };
}

export const storeCheck: Check = {
  id: 'store',
  title: 'loses nothing when the object store fails, and names the cause',
  run: (context) => tryMoods(context),
  mutations: [
    weakened(
      { title: 'the store loses an object later', caughtBy: /^lost: the bytes of media/ },
      {
        afterwards: ({ objects }) => {
          const [first] = [...objects.keys()].filter((key) => key.startsWith('blobs/'));
          if (first !== undefined) objects.delete(first);
        },
      },
    ),
    weakened(
      { title: 'webhooks are refused', caughtBy: /^a store that refuses: a webhook was answered 503/ },
      {
        between: {
          answer: (answer, { path }) => (path.startsWith('/webhooks/') ? { ...answer, status: 503 } : answer),
        },
      },
    ),
    weakened(
      { title: 'readiness names another cause', caughtBy: /^a store that refuses: readiness says/ },
      {
        between: {
          answer: (answer, { path }) =>
            path.startsWith('/health/')
              ? { ...answer, text: answer.text.replace(/\(\w+\)/, '(Unknown)') }
              : answer,
        },
      },
    ),
  ],
};
