/**
 * Thousands of pictures are due and their host has none of them. A new picture from another sender, a
 * message, an event for a subscriber and the maintenance are processed nevertheless.
 */
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

import type { BenchService } from '../../bench/service.js';
import { bytes, startMediaHost } from '../../demo/media-host.js';
import { uniquePhotos } from '../../demo/photos.js';
import { arrivalOf, sendPicture } from '../arrival.js';
import type { Check, Context, Mutation, Outcome } from '../check.js';
import { eventually } from '../eventually.js';
import { countNow, withRows } from '../rows.js';
import { changingJobs } from '../weak-queue.js';
import { sendBacklog, startEmptyHost, type EmptyHost } from './due.js';

interface Extent {
  readonly pictures: number;
  /** How long the host takes to answer for each picture, one after another. */
  readonly answersMs: readonly number[];
  /** The time limit for everything else. */
  readonly maxMs: number;
  readonly settings?: Readonly<Record<string, string>>;
}

const slowMs = 2_000;
const full: Extent = { pictures: 100_000, answersMs: [slowMs, 0], maxMs: 15_000 };
/**
 * All pictures that the queue takes up are requested instead of being postponed because of a busy host. A few
 * of them thus keep the queue as busy as many, on any machine.
 */
const roomForAll = { FETCH_CONCURRENCY: '200', FETCH_CONCURRENCY_PER_HOST: '200' };
/** On a busy machine, times are meaningless. */
const short: Extent = { pictures: 2_000, answersMs: [slowMs, 0], maxMs: 60_000, settings: roomForAll };
/** Less than the queue needs for its pictures, which depends on their host and not on the machine. */
const forMutations: Extent = { pictures: 2_000, answersMs: [slowMs], maxMs: 8_000, settings: roomForAll };

const readyMs = 60_000;
const photo = { width: 320, height: 240 };

interface Stage {
  readonly service: BenchService;
  readonly empty: EmptyHost;
  readonly subscriber: Subscriber;
  readonly extent: Extent;
  /** The link of a new picture. */
  readonly goodLink: () => string;
}

async function tryBacklog(context: Context, extent: Extent, weakening?: string): Promise<Outcome> {
  const [empty, good, subscriber] = await Promise.all([
    startEmptyHost(slowMs),
    startMediaHost({ port: 0 }),
    startSubscriber(),
  ]);
  try {
    const service = await context.start({
      FETCH_ALLOW_PRIVATE_HOSTS: [good.host, empty.host, subscriber.host].join(','),
      ...extent.settings,
    });
    try {
      if (weakening !== undefined) await withRows(service, (client) => client.query(weakening));
      const photos = await uniquePhotos(extent.answersMs.length + 1, {
        seed: context.seed % 1_000,
        ...photo,
      });
      let served = 0;
      const goodLink = (): string => {
        const content = photos.at(served);
        served += 1;
        return good.serve(`/${String(served)}.jpg`, bytes('image/jpeg', content));
      };
      return await judge({ service, empty, subscriber, extent, goodLink });
    } finally {
      await service.stop();
    }
  } finally {
    empty.close();
    subscriber.close();
    await good.close();
  }
}

async function judge(stage: Stage): Promise<Outcome> {
  const { service, empty, subscriber, extent, goodLink } = stage;
  await subscribe(service, subscriber.url);
  const first = await sendPicture(service, { provider: 'z-api', from: '5511999990001', url: goodLink() });
  await arrivalOf(service, first, readyMs);
  const failures = await sendBacklog(service, { host: empty.host, pictures: extent.pictures });
  const known = (await countMedia(service)) - 1;
  const lost = extent.pictures - known;
  if (lost > 0) failures.push(`${String(lost)} were acknowledged and are not there`);
  const notes: string[] = [];
  let worstMs = 0;
  for (const answerMs of extent.answersMs) {
    empty.answerAfter(answerMs);
    const due = await countMedia(service, 'pending');
    if (answerMs > 0 && due === 0) failures.push('the backlog was gone before anything else was tried');
    const done = await tryTheOthers(stage, first);
    const behind = `behind ${String(due)} pictures, their host answering after ${String(answerMs)} ms`;
    notes.push(`${behind}: ${done.map(({ what, ms }) => `${what} ${ms.toFixed(0)} ms`).join(', ')}`);
    worstMs = Math.max(worstMs, ...done.map(({ ms }) => ms));
    failures.push(
      ...done
        .filter(({ isDone, ms }) => !isDone || ms > extent.maxMs)
        .map(({ what, ms }) => `${what} was not done in ${ms.toFixed(0)} ms ${behind}`),
    );
  }
  return {
    tried: extent.pictures + extent.answersMs.length * 4,
    lost,
    doubled: 0,
    worstMs,
    worstMemoryMb: service.memory()?.peak ?? null,
    failures,
    notes: [notes.join('; ')],
  };
}

interface Done {
  readonly what: string;
  readonly isDone: boolean;
  readonly ms: number;
}

/** Starts everything at once, because nothing may delay the others. */
function tryTheOthers({ service, subscriber, extent, goodLink }: Stage, media: string): Promise<Done[]> {
  const { maxMs } = extent;
  const tried = async (what: string, work: () => Promise<boolean>): Promise<Done> => {
    const began = performance.now();
    return { what, isDone: await work(), ms: performance.now() - began };
  };
  return Promise.all([
    tried('a new picture', async () => {
      const picture = { provider: 'z-api', from: '5511999990002', url: goodLink() } as const;
      const { state } = await arrivalOf(service, await sendPicture(service, picture), maxMs);
      return state === 'ready';
    }),
    tried('an outgoing message', async () => {
      const message = await sendMessage(service, media);
      return eventually(async () => (await stateOf(service, message)) === 'sent', maxMs);
    }),
    tried('an event', async () => {
      const id = randomUUID();
      await tellStatus(service, id);
      return eventually(() => subscriber.heard().includes(id), maxMs);
    }),
    tried('upkeep', async () => {
      const job = await addUpkeep(service);
      return eventually(async () => !(await isThere(service, job)), maxMs);
    }),
  ]);
}

interface Subscriber {
  readonly host: string;
  readonly url: string;
  /** Everything that was posted to it. */
  readonly heard: () => string;
  readonly close: () => void;
}

async function startSubscriber(): Promise<Subscriber> {
  let heard = '';
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      heard += body;
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const host = `127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  return {
    host,
    url: `http://${host}/events`,
    heard: () => heard,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function subscribe(service: BenchService, url: string): Promise<void> {
  await postJson(service, '/v1/subscriptions', { url, types: ['message.status'] });
}

async function sendMessage(service: BenchService, media: string): Promise<string> {
  const message = { channel: 'z-api', to: '5511999990003', kind: 'image', media: { id: media } };
  const { id } = await postJson(service, '/v1/messages', message);
  return String(id);
}

async function postJson(
  { baseUrl, authorization }: BenchService,
  path: string,
  value: object,
): Promise<{ readonly id?: string }> {
  const headers = { authorization, 'content-type': 'application/json' };
  const answer = await fetch(baseUrl + path, { method: 'POST', headers, body: JSON.stringify(value) });
  if (!answer.ok) throw new Error(`${path} was answered ${String(answer.status)}: ${await answer.text()}`);
  return (await answer.json()) as { id?: string };
}

async function stateOf(service: BenchService, message: string): Promise<string> {
  const answer = await service.get(`/v1/messages/${message}`);
  return ((await answer.json()) as { state?: string }).state ?? String(answer.status);
}

/** The provider reports that a message was read, which becomes an event. */
async function tellStatus({ simulator, baseUrl }: BenchService, id: string): Promise<void> {
  const webhook = simulator.providers['z-api'].webhook({ kind: 'status', id, status: 'read' });
  const { path, headers, body } = webhook;
  const answer = await fetch(baseUrl + path, { method: 'POST', headers, body });
  if (answer.status !== 200) throw new Error(`a status was answered ${String(answer.status)}`);
}

/** Adds the maintenance job, like its schedule. */
function addUpkeep(service: BenchService): Promise<string> {
  return withRows(service, async (client) => {
    const { rows } = await client.query<{ id: string }>(
      `select id::text as id from graphile_worker.add_job('maintain', '{}', priority := -50)`,
    );
    return rows[0]?.id ?? '';
  });
}

function isThere(service: BenchService, job: string): Promise<boolean> {
  return withRows(service, async (client) => {
    const { rowCount } = await client.query('select from graphile_worker._private_jobs where id = $1', [job]);
    return rowCount === 1;
  });
}

function countMedia(service: BenchService, state?: string): Promise<number> {
  const text = 'select count(*)::int as count from media where $1::text is null or state::text = $1';
  return countNow(service, text, [state ?? null]);
}

const firstComeFirstServed = changingJobs(
  'if new.run_at < to_timestamp(0) then new.run_at := clock_timestamp(); end if;',
);

const picturesBeforeAll = changingJobs(`
  if new.task_id <> (select id from graphile_worker._private_tasks where identifier = 'fetch') then
    new.run_at := now() + interval '1 hour';
  end if;`);

function weakened(mutation: Omit<Mutation, 'run'>, weakening: string): Mutation {
  return { ...mutation, run: (context) => tryBacklog(context, forMutations, weakening) };
}

export const backlog: Check = {
  id: 'backlog',
  title: 'finishes new work in time behind thousands of due pictures',
  run: (context) => tryBacklog(context, context.short ? short : full),
  mutations: [
    weakened(
      {
        title: 'jobs run in the order in which they arrive',
        caughtBy: /^a new picture was not done in \d+ ms/,
      },
      firstComeFirstServed,
    ),
    weakened(
      {
        title: 'pictures run before all other jobs',
        caughtBy: /^an outgoing message was not done in \d+ ms/,
      },
      picturesBeforeAll,
    ),
  ],
};
