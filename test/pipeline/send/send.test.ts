/**
 * Many messages at once: the provider's rate, the order for each recipient, several processes, and what
 * delays what.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { afterEach, describe, expect, test } from '@jest/globals';

import { photo } from '../../../src/demo/photos.js';
import type { Channel } from '../../../src/domain/channel.js';
import type { Sending, SendRate } from '../../../src/domain/sending.js';
import { upload } from '../../support/client.js';
import {
  beBusy,
  beBusyForPerson,
  courierLimits,
  json,
  startCourier,
  take,
  type Courier,
  type Handed,
} from '../../support/courier.js';
import { addJobs } from '../../support/jobs.js';
import { lookAt, send, settled } from '../../support/sending.js';
import { startTestService, type TestService, type TestServiceOptions } from '../../support/test-service.js';
import { until } from '../../support/until.js';

const open: { stop: () => unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.stop();
});

async function start(courier: Courier, options: TestServiceOptions = {}): Promise<TestService> {
  if (open.length === 0) open.push({ stop: courier.close });
  const service = await startTestService({ channels: [courier.channel], ...options });
  open.push(service);
  return service;
}

/** A provider with a token bucket, which answers 429 when the bucket is empty. */
async function strictCourier(rate: SendRate, refills: SendRate = rate) {
  let tokens = refills.burst;
  let filledAt = performance.now();
  let refused = 0;
  const courier = await startCourier({ rate }, (handed, response) => {
    const now = performance.now();
    tokens = Math.min(refills.burst, tokens + ((now - filledAt) * refills.messages) / refills.perMs);
    filledAt = now;
    if (tokens < 1) {
      refused += 1;
      return beBusy(1)(handed, response);
    }
    tokens -= 1;
    return take(handed, response);
  });
  return { courier, refused: () => refused };
}

/** Queues this many messages with one statement, to the recipients in turn; returns their ids in order. */
async function queueMany(service: TestService, count: number, people: number): Promise<string[]> {
  const { body } = await upload(service, {
    file: await photo({ seed: 1, width: 64, height: 48 }),
    fields: { channel: 'courier' },
  });
  const rows = await service.database.query<{ id: string }>(
    `insert into outbound (id, channel, provider, recipient, kind, media_id, type, bytes, caption, options, state, not_before,
                           created_at, actor)
     select gen_random_uuid(), 'courier', 'courier', (5511900000000 + n % $2)::text, 'image', $3, 'image/jpeg', 1000, n::text,
            '{}', 'queued', now(), now(), 'test'
     from generate_series(1, $1::int) as one (n) order by one.n returning id, place`,
    [count, people, body.id],
  );
  // The last one is queued through the API and adds the job.
  await send(service, { media: { id: body.id }, to: '5511988887777' });
  return rows.map(({ id }) => id);
}

const waiting = async ({ database }: TestService): Promise<number> =>
  Number(
    (
      await database.query<{ n: string }>(
        `select count(*) as n from outbound where state in ('queued', 'sending')`,
      )
    )[0]?.n,
  );

async function untilAllSent(service: TestService): Promise<void> {
  for (let left = await waiting(service); left > 0;) {
    const before = left;
    left = await until(async () => {
      const now = await waiting(service);
      return now === 0 || now < before ? { now } : undefined;
    }).then(({ now }) => now);
  }
}

/** Runs the garbage collector. */
const collectGarbage = (() => {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
})();

/** The memory used by JavaScript objects and buffers, in bytes. */
function heldNow(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** The captions are numbers: each person must have received theirs in order. */
function outOfOrder(handed: readonly Handed[]): string[] {
  const last = new Map<string, number>();
  return handed.flatMap(({ to, caption }) => {
    const before = last.get(to) ?? 0;
    last.set(to, Number(caption));
    return Number(caption) < before ? [`${to}: ${String(caption)} after ${String(before)}`] : [];
  });
}

describe('the rate of a provider', () => {
  test('is respected from the first burst, by two processes together: nothing is refused, and everything is in order', async () => {
    const { courier, refused } = await strictCourier({ messages: 50, perMs: 1_000, burst: 10 });
    const service = await start(courier);
    await start(courier, { beside: service, env: { UPLOADS_DIR: service.uploadsDir } });
    const began = performance.now();
    await queueMany(service, 120, 7);
    await untilAllSent(service);
    expect(refused()).toBe(0);
    expect(performance.now() - began).toBeGreaterThan(2_000);
    expect(courier.handed).toHaveLength(121);
    expect(new Set(courier.handed.map(({ id }) => id)).size).toBe(121);
    expect(outOfOrder(courier.handed)).toEqual([]);
  });

  test('that is lower than documented costs one refusal, and then everything waits as long as requested', async () => {
    const known = { messages: 1_000, perMs: 1_000, burst: 3 };
    const { courier, refused } = await strictCourier(known, { messages: 20, perMs: 1_000, burst: 3 });
    const service = await start(courier);
    const ids = await queueMany(service, 3, 1);
    await settled(service, ids[2] ?? '', 'sent');
    expect(refused()).toBeLessThanOrEqual(1);
    expect(outOfOrder(courier.handed)).toEqual([]);
  });

  test('of 200 a second is respected for a thousand messages, in order and with little memory', async () => {
    const { courier, refused } = await strictCourier({ messages: 200, perMs: 1_000, burst: 50 });
    const service = await start(courier);
    await queueMany(service, 50, 50);
    await untilAllSent(service);
    const before = heldNow();
    const held: number[] = [];
    const watch = setInterval(() => held.push(heldNow()), 1_000);
    await queueMany(service, 1_000, 100);
    await untilAllSent(service);
    clearInterval(watch);
    expect(refused()).toBe(0);
    expect(outOfOrder(courier.handed.slice(51))).toEqual([]);
    expect(held.length).toBeGreaterThan(2);
    expect((Math.max(...held) - before) / 1024 ** 2).toBeLessThan(20);
  }, 540_000);
});

describe('a waiting message', () => {
  test('delays later messages to the same person only', async () => {
    const courier = await startCourier();
    const service = await start(courier);
    courier.answer(beBusy()); // It names no time, so others may try.
    const media = {
      data: `data:image/jpeg;base64,${(await photo({ seed: 1, width: 64, height: 48 })).toString('base64')}`,
    };
    const first = await send(service, { media, to: '5511900000001', caption: '1' });
    await until(async () => (await lookAt(service, first.body.id)).attempts === 1);
    const second = await send(service, { media, to: '5511900000001', caption: '2' });
    const other = await send(service, { media, to: '5511900000002' });
    await settled(service, other.body.id, 'sent');
    // On a slow machine the first one may have been sent again by now; the second one never leaves before it.
    const behind = await lookAt(service, second.body.id);
    const ahead = await lookAt(service, first.body.id);
    expect(behind.state === 'queued' || ahead.state === 'sent').toBe(true);
    await settled(service, second.body.id, 'sent');
    expect(courier.handed.filter(({ to }) => to.endsWith('1')).map(({ caption }) => caption)).toEqual([
      '1',
      '1',
      '2',
    ]);
  });

  test('for the rate of its person delays no other person, although the time is named', async () => {
    const courier = await startCourier();
    const service = await start(courier);
    courier.answer(beBusyForPerson(3_600));
    const media = {
      data: `data:image/jpeg;base64,${(await photo({ seed: 1, width: 64, height: 48 })).toString('base64')}`,
    };
    const first = await send(service, { media, to: '5511900000001' });
    await until(async () => (await lookAt(service, first.body.id)).attempts === 1);
    const behind = await send(service, { media, to: '5511900000001' });
    const other = await send(service, { media, to: '5511900000002' });
    await settled(service, other.body.id, 'sent');
    for (const { body } of [first, behind])
      expect(await lookAt(service, body.id)).toMatchObject({ state: 'queued', status: 'queued' });
    expect(courier.handed.map(({ to }) => to)).toEqual(['5511900000001', '5511900000002']);
  });

  test('for a slow response delays no other person either', async () => {
    const courier = await startCourier();
    const service = await start(courier);
    let finish: (() => void) | undefined;
    courier.answer(({ id }, response) => {
      finish = () => {
        json(response, 200, { id: `taken-${id}` });
      };
    });
    const media = {
      data: `data:image/jpeg;base64,${(await photo({ seed: 1, width: 64, height: 48 })).toString('base64')}`,
    };
    const slow = await send(service, { media, to: '5511900000001' });
    await until(() => finish !== undefined);
    const next = await send(service, { media, to: '5511900000001' });
    const other = await send(service, { media, to: '5511900000002' });
    await settled(service, other.body.id, 'sent');
    expect((await lookAt(service, next.body.id)).state).toBe('queued');
    expect((await lookAt(service, slow.body.id)).state).toBe('sending');
    finish?.();
    await settled(service, next.body.id, 'sent');
  });
});

describe('a fault of this service', () => {
  const picture = async () => ({
    data: `data:image/jpeg;base64,${(await photo({ seed: 1, width: 64, height: 48 })).toString('base64')}`,
  });
  const faulty = (courier: Courier, sending: Partial<Sending>): Channel => {
    const { adapter } = courier.channel;
    if (!adapter.sending) throw new Error('the courier sends');
    return { ...courier.channel, adapter: { ...adapter, sending: { ...adapter.sending, ...sending } } };
  };

  test('before the call fails a message after five attempts, and others are sent meanwhile', async () => {
    const courier = await startCourier();
    const { limitsFor } = courier.channel.adapter.sending ?? {};
    const channel = faulty(courier, {
      limitsFor: (options) => {
        if (options['note'] === 'broken' && isQueued) throw new TypeError('the adapter is broken');
        return limitsFor?.(options) ?? courierLimits;
      },
    });
    let isQueued = false;
    const service = await start(courier, { channels: [channel] });
    // The next attempt may come before this test has seen the first one.
    courier.answer((handed, response) => {
      isQueued = true;
      return beBusy()(handed, response);
    });
    const media = await picture();
    const { body } = await send(service, { media, to: '5511900000001', options: { note: 'broken' } });
    await until(async () => (await lookAt(service, body.id)).attempts >= 1);
    for (let attempts = 2; attempts <= 5; attempts += 1) {
      await service.database.query(`update outbound set not_before = now() where state = 'queued'`);
      const other = await send(service, { media, to: `551190000001${String(attempts)}` });
      await settled(service, other.body.id, 'sent');
      await until(async () => (await lookAt(service, body.id)).attempts >= attempts);
    }
    expect(await settled(service, body.id, 'failed')).toMatchObject({ error: { code: 'send.internal' } });
    expect(courier.handed).toHaveLength(5);
    expect(service.logs().match(/a message could not be prepared/g)).toHaveLength(1);
  }, 180_000);

  test('in an adapter leaves open whether the message was sent, and is logged once', async () => {
    const courier = await startCourier();
    const channel = faulty(courier, {
      send: () => {
        throw new TypeError('the adapter is broken');
      },
    });
    const service = await start(courier, { channels: [channel] });
    const media = await picture();
    for (const to of ['5511900000001', '5511900000002'])
      expect(await settled(service, (await send(service, { media, to })).body.id, 'unknown')).toMatchObject({
        error: { code: 'send.unanswered' },
      });
    expect(service.logs().match(/an adapter threw an error/g)).toHaveLength(1);
  });

  test('with a response that cannot be stored leaves the outcome open, and the next message is sent', async () => {
    const courier = await startCourier();
    const service = await start(courier);
    courier.answer((_, response) => {
      json(response, 200, { id: 'a\0b' });
    });
    const media = await picture();
    const first = await send(service, { media });
    expect(await settled(service, first.body.id, 'unknown')).toMatchObject({
      error: { code: 'send.internal' },
    });
    await settled(service, (await send(service, { media })).body.id, 'sent');
  });
});

test('a job that failed with the database runs again within a minute, however long the queue would wait', async () => {
  const courier = await startCourier();
  const service = await start(courier, { queue: false });
  const { body } = await send(service, {
    media: {
      data: `data:image/jpeg;base64,${(await photo({ seed: 1, width: 64, height: 48 })).toString('base64')}`,
    },
  });
  await service.database.query(
    `update graphile_worker._private_jobs set attempts = 9, run_at = now() + interval '3 hours' where key = 'send:courier'`,
  );
  const beside = await start(courier, { beside: service, env: { UPLOADS_DIR: service.uploadsDir } });
  await addJobs(service.database, 'maintain');
  await settled(beside, body.id, 'sent');
});
