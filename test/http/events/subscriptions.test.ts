/** Subscriptions: what is posted to them, how it is signed, and what becomes of those that do not take it. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { Webhook } from 'standardwebhooks';

import { jobsChannel, notifyTask } from '../../../src/infra/queue/tasks.js';
import { createSealedBox } from '../../../src/infra/secrets/sealed-box.js';
import { call, receive } from '../../support/client.js';
import { nowhere, picture } from '../../support/payloads.js';
import { authSecret, startTestService, type TestService } from '../../support/test-service.js';
import { until } from '../../support/until.js';

interface Received {
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}
interface View {
  readonly id: string;
  readonly secret: string;
  readonly state: string;
  readonly lastError: string | null;
  readonly disabledReason: string | null;
  readonly problem: string | null;
  readonly code: string;
  readonly count: number;
  readonly next: string | null;
  readonly items: {
    readonly event: string;
    readonly type: string;
    readonly state: string;
    readonly attempts: number;
    readonly lastStatus: number | null;
    readonly lastError: string | null;
    readonly history: { readonly status: number | null; readonly answer: string | null }[];
    readonly payload: { readonly data: { readonly id: string } } | null;
  }[];
}

let receiver: Server;
let received: Received[];
/** What the receiver does with a call. */
let answer: (response: ServerResponse, body: string) => void;
let now: Date;
let service: TestService;

beforeAll(async () => {
  receiver = createServer((request, response) => {
    void text(request).then((body) => {
      received.push({ headers: request.headers, body });
      answer(response, body);
    });
  }).listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  service = await startTestService({ mediaHosts: [hostOf(receiver)], now: () => now });
});
afterAll(async () => {
  receiver.closeAllConnections();
  receiver.close();
  await service.stop();
});
beforeEach(async () => {
  await service.database.query('delete from subscription');
  // What is under way to the subscription of the test before would arrive in this one.
  await until(nothingIsUnderWay);
  now = new Date();
  received = [];
  answer = (response) => response.writeHead(204).end();
});

function hostOf(server: Server): string {
  return `127.0.0.1:${String((server.address() as AddressInfo).port)}`;
}

const ask = (
  method: 'get' | 'post' | 'patch' | 'delete',
  path: string,
  json?: unknown,
  token = service.token('admin'),
) =>
  call<View>(service.url, `/v1/subscriptions${path}`, { method, token, ...(json !== undefined && { json }) });
const subscribe = async (more: object = {}): Promise<View> =>
  (await ask('post', '', { url: `http://${hostOf(receiver)}/events`, ...more })).body;
const deliveries = async ({ id }: View) => (await ask('get', `/${id}/deliveries`)).body.items;
/**
 * Refuses a call and asks for a pause of an hour, which only `hurry` ends. Without that, the next attempt comes
 * after 2.5 s, before the next step of a test on a machine that is busy.
 */
const refuse = (response: ServerResponse, status: number, words?: string): void => {
  response.writeHead(status, { 'retry-after': '3600' }).end(words);
};
/** A picture that is refused at once: the shortest way to an event. */
const happen = (channel = 'z-api') => receive(service, channel, picture(channel, { url: nowhere }));
/**
 * Makes everything due now that waits for its time. A job that is under way still plans the next one, so it
 * ends first.
 */
const hurry = async (): Promise<void> => {
  await until(nothingIsUnderWay);
  await service.database
    .query(`with j as (update graphile_worker._private_jobs set run_at = now() where key like 'notify:%'),
                 s as (update subscription set paused_until = now() where paused_until is not null),
                 d as (update notification_delivery set next_at = now() where settled_at is null)
    select pg_notify('${jobsChannel}', '${notifyTask}')`);
};
const nothingIsUnderWay = async (): Promise<boolean> => {
  const locked = 'select 1 from graphile_worker._private_jobs where locked_at is not null';
  return (await service.database.query(locked)).length === 0;
};

it('posts events as Standard Webhooks says, and a library that knows the secret believes them', async () => {
  const { secret } = await subscribe();
  expect(secret).toMatch(/^whsec_/);
  const media = await happen();
  const [one] = await until(() => received.length === 1 && received);
  const headers = one?.headers as Record<string, string>;
  expect(new Webhook(secret).verify(String(one?.body), headers)).toMatchObject({
    type: 'media.rejected',
    channel: 'z-api',
    data: { id: media.id, state: 'rejected' },
  });
  expect(headers['content-type']).toBe('application/json');
  const other = new Webhook(`whsec_${Buffer.alloc(32).toString('base64')}`);
  expect(() => other.verify(String(one?.body), headers)).toThrow('No matching signature');
});

it('shows the secret once, and keeps it sealed', async () => {
  const { id, secret } = await subscribe();
  for (const path of ['', `/${id}`])
    expect(JSON.stringify((await ask('get', path)).body)).not.toContain('whsec_');
  const rows = await service.database.query<{ row: string }>(
    'select subscription::text as row from subscription',
  );
  const stored = JSON.stringify(rows);
  expect(stored).not.toContain(Buffer.from(secret).toString('hex'));
  expect(stored).not.toContain(Buffer.from(secret.slice(6), 'base64').toString('hex'));
  expect(service.logs()).not.toContain(secret);
});

it('posts what was subscribed to, and nothing else', async () => {
  await subscribe({ types: ['media.rejected'], channels: ['sobot'] });
  await happen('z-api');
  const wanted = await happen('sobot');
  await until(() => received.length === 1);
  expect(JSON.parse(String(received[0]?.body))).toMatchObject({ data: { id: wanted.id } });
});

it('sends the same event again, with the same id, until it is taken', async () => {
  answer = (response) => {
    refuse(response, 500);
  };
  const subscription = await subscribe();
  await happen();
  await until(async () => (await ask('get', `/${subscription.id}`)).body.state === 'failing');
  expect((await ask('get', `/${subscription.id}`)).body.lastError).toBe('answered 500');
  answer = (response) => response.writeHead(200).end('taken');
  await hurry();
  await until(async () => (await deliveries(subscription))[0]?.state === 'delivered');
  expect(received).toHaveLength(2);
  const [first, second] = received.map(({ headers, body }) => ({ id: headers['webhook-id'], body }));
  expect(second).toEqual(first);
  expect((await ask('get', `/${subscription.id}`)).body).toMatchObject({ state: 'active', lastError: null });
});

it('tries a receiver that does not work with one event at a time, and posts all when it works again', async () => {
  answer = (response) => {
    refuse(response, 503);
  };
  const subscription = await subscribe();
  for (let number = 0; number < 12; number += 1) await happen();
  await until(async () => (await deliveries(subscription)).length === 12);
  await until(async () => (await ask('get', `/${subscription.id}`)).body.state === 'failing');
  // Those that were under way together when it failed, and nothing afterwards.
  await until(nothingIsUnderWay);
  expect(await attemptsOf(subscription)).toBe(received.length);
  expect(received.length).toBeLessThanOrEqual(4);
  received = [];
  await hurry();
  await until(async () => received.length === 1 && (await pausesOf(subscription)) === 2);
  expect(received).toHaveLength(1);
  answer = (response) => response.writeHead(200).end();
  await hurry();
  await until(async () => (await deliveries(subscription)).every(({ state }) => state === 'delivered'));
  // After the two that were refused each once.
  expect(received).toHaveLength(13);
});

const attemptsOf = async (subscription: View): Promise<number> =>
  (await deliveries(subscription)).reduce((sum, { attempts }) => sum + attempts, 0);
const pausesOf = async ({ id }: View): Promise<number> => {
  const [row] = await service.database.query<{ pauses: number }>(
    'select pauses from subscription where id = $1 and paused_until > now()',
    [id],
  );
  return row?.pauses ?? 0;
};

it('goes on with other events while the receiver keeps refusing one', async () => {
  const poison = await happenRefused();
  answer = (response, body) => {
    if (body.includes(poison.id)) refuse(response, 500);
    else response.writeHead(204).end();
  };
  const subscription = await subscribe();
  await resend(subscription, { from: '2020-01-01' });
  await until(async () => (await stateOf(subscription, poison.id))?.attempts === 1);
  for (let number = 0; number < 3; number += 1) {
    const other = await happen();
    await until(async () => (await stateOf(subscription, other.id))?.state === 'delivered');
  }
  expect(await stateOf(subscription, poison.id)).toMatchObject({ state: 'waiting', attempts: 1 });
  expect((await ask('get', `/${subscription.id}`)).body).toMatchObject({ state: 'active', lastError: null });
  // It has a schedule of its own.
  await hurry();
  await until(async () => (await stateOf(subscription, poison.id))?.attempts === 2);
});

it('takes a receiver for down when it refuses five different events in a row', async () => {
  answer = (response) => {
    refuse(response, 500);
  };
  const subscription = await subscribe();
  for (let number = 0; number < 20; number += 1) await happen();
  await until(async () => (await pausesOf(subscription)) === 1);
  await until(async () => (await deliveries(subscription)).length === 20);
  await until(async () => (await attemptsOf(subscription)) === received.length);
  // Of the four that are under way at a time, each may count the others too late, and three are still under
  // way then.
  expect(received.length).toBeGreaterThanOrEqual(5);
  expect(received.length).toBeLessThanOrEqual(11);
});

/** An event that is there before anybody subscribes. */
const happenRefused = async () => {
  const media = await happen();
  await until(async () => {
    const sql = 'select from notification where media_id = $1 and seq is not null';
    return (await service.database.query(sql, [media.id])).length === 1;
  });
  return media;
};
const resend = (subscription: View, wish: object) => ask('post', `/${subscription.id}/resend`, wish);
const stateOf = async (subscription: View, mediaId: string) =>
  (await deliveries(subscription)).find(({ payload }) => payload?.data.id === mediaId);

describe('what was posted', () => {
  it('is shown with its event, payload and attempts, and the beginning of each answer', async () => {
    answer = (response) => {
      refuse(response, 422, `no\0such order ${'x'.repeat(600)}`);
    };
    const subscription = await subscribe();
    const media = await happen();
    await until(async () => (await deliveries(subscription))[0]?.attempts === 1);
    answer = (response) => response.writeHead(200).end();
    await hurry();
    await until(async () => (await deliveries(subscription))[0]?.state === 'delivered');
    const [one] = await deliveries(subscription);
    expect(one).toMatchObject({
      event: received[0]?.headers['webhook-id'],
      type: 'media.rejected',
      attempts: 2,
      payload: { type: 'media.rejected', data: { id: media.id } },
      nextAttemptAt: null,
      history: [
        {
          at: expect.stringMatching(/Z$/),
          status: 422,
          error: 'answered 422',
          durationMs: expect.any(Number),
          answer: expect.stringMatching(/^no such order x{490,}$/),
        },
        { status: 200, error: null, answer: null },
      ],
    });
  });

  it('is posted again when somebody asks, one event or those of a time, with the same ids', async () => {
    const subscription = await subscribe({ channels: ['z-api'] });
    const since = new Date(Date.now() - 1_000).toISOString();
    await happen();
    await happen();
    await happen('sobot');
    await until(() => received.length === 2);
    const ids = received.map(({ headers }) => String(headers['webhook-id']));
    expect(await resend(subscription, { event: ids[0] })).toMatchObject({
      status: 202,
      body: { count: 1, next: null },
    });
    await until(() => received.length === 3);
    expect(received[2]?.headers['webhook-id']).toBe(ids[0]);
    const range = await resend(subscription, { from: since });
    expect(range.body.count).toBeGreaterThanOrEqual(2);
    await until(() => received.length === 3 + range.body.count);
    const again = received.slice(3).map(({ headers }) => String(headers['webhook-id']));
    expect(again).toEqual(expect.arrayContaining(ids));
  });

  it('is not posted again beyond what was subscribed to, nor twice while it waits', async () => {
    const subscription = await subscribe({ channels: ['z-api'] });
    const foreign = await happenRefused();
    const [row] = await service.database.query<{ id: string }>(
      `insert into notification (type, channel, media_id, seq)
       select type, 'sobot', media_id, nextval('event_seq') from notification where media_id = $1 returning id`,
      [foreign.id],
    );
    const answered = await resend(subscription, { event: `evt_${String(row?.id)}` });
    expect(answered).toMatchObject({ status: 404, body: { code: 'event.not_found' } });
    for (const wish of [{}, { event: '1' }, { until: '2026-01-01' }, { event: 'evt_1', from: '2026-01-01' }])
      expect((await resend(subscription, wish)).status).toBe(400);

    answer = (response) => {
      refuse(response, 500);
    };
    const media = await happen();
    const waiting = await until(async () => {
      const one = await stateOf(subscription, media.id);
      return one?.attempts === 1 && one;
    });
    answer = (response) => response.writeHead(200).end();
    expect((await resend(subscription, { event: waiting.event })).body.count).toBe(1);
    await until(async () => (await stateOf(subscription, media.id))?.state === 'delivered');
    const ways = (await deliveries(subscription)).filter(({ event }) => event === waiting.event);
    expect(ways).toHaveLength(1);
  });

  it('is not posted again while the subscription is disabled', async () => {
    const subscription = await subscribe();
    await ask('patch', `/${subscription.id}`, { enabled: false });
    expect(await resend(subscription, { from: '2020-01-01' })).toMatchObject({
      status: 409,
      body: { code: 'subscription.disabled' },
    });
  });
});

describe('a new secret', () => {
  const verifies = (secret: string, { headers, body }: Received): boolean => {
    try {
      new Webhook(secret).verify(body, headers as Record<string, string>);
      return true;
    } catch {
      return false;
    }
  };

  it('signs at once, and the one before signs too for as long as is asked for', async () => {
    const before = await subscribe();
    const after = (await ask('post', `/${before.id}/rotate`, { overlapSeconds: 60 })).body;
    expect(after.secret).toMatch(/^whsec_/);
    await happen();
    const [one] = await until(() => received.length === 1 && received);
    for (const { secret } of [before, after]) expect(one && verifies(secret, one)).toBe(true);
    now = new Date(now.getTime() + 61_000);
    await happen();
    const [, two] = await until(() => received.length === 2 && received);
    expect(two && verifies(after.secret, two)).toBe(true);
    expect(two?.headers['webhook-signature']).not.toContain(' ');
    expect((await ask('get', `/${before.id}`)).body).not.toHaveProperty('secret');
  });

  it('replaces the one before at once when that is asked for', async () => {
    const before = await subscribe();
    await ask('post', `/${before.id}/rotate`, { overlapSeconds: 0 });
    await happen();
    const [one] = await until(() => received.length === 1 && received);
    expect(one && verifies(before.secret, one)).toBe(false);
  });

  it('repairs a subscription whose secret cannot be opened, which says so and lets its events wait', async () => {
    const broken = await subscribe();
    // As after a change of AUTH_SECRET: what is stored does not open.
    await service.database.query(
      `update subscription set secret = set_byte(secret, 20, get_byte(secret, 20) # 1)`,
    );
    const media = await happen();
    await until(async () => (await stateOf(broken, media.id))?.state === 'waiting');
    await until(() => service.logs().includes('events cannot be posted to a subscription'));
    const shown = (await ask('get', `/${broken.id}`)).body;
    expect(shown).toMatchObject({ state: 'unreadable', problem: expect.stringContaining('AUTH_SECRET') });
    for (const call of [ask('post', `/${broken.id}/test`), resend(broken, { from: '2020-01-01' })])
      expect(await call).toMatchObject({ status: 409, body: { code: 'subscription.unreadable' } });
    await hurry();
    expect(service.logs()).not.toContain('the data cannot be decrypted');
    expect(received).toEqual([]);

    const mended = (await ask('post', `/${broken.id}/rotate`)).body;
    expect(mended).toMatchObject({ state: 'active', problem: null });
    const [one] = await until(() => received.length === 1 && received);
    expect(one && verifies(mended.secret, one)).toBe(true);
    expect(one?.body).toContain(media.id);
  });
});

it('shows a fault of ours at the event, five times at most, and does not blame the receiver', async () => {
  const subscription = await subscribe();
  // Nothing can be signed with it.
  const empty = createSealedBox(authSecret, 'subscriptions').seal('', subscription.id);
  await service.database.query('update subscription set secret = $1', [empty]);
  await happen();
  for (let attempts = 1; attempts <= 5; attempts += 1) {
    const [event] = await until(async () => {
      await hurry();
      const items = await deliveries(subscription);
      return Number(items[0]?.attempts) >= attempts && items;
    });
    expect(event?.lastError).toBe('event.internal: a fault of this service');
  }
  expect(await deliveries(subscription)).toMatchObject([
    { state: 'given up', attempts: 5, lastStatus: null },
  ]);
  expect((await ask('get', `/${subscription.id}`)).body).toMatchObject({ state: 'active', lastError: null });
  expect(service.logs().match(/an event could not be posted/g)).toHaveLength(1);
  expect(received).toEqual([]);
}, 120_000);

it('gives up after three days, says why, and goes on when it is enabled again', async () => {
  answer = (response) => {
    refuse(response, 500);
  };
  const subscription = await subscribe();
  await happen();
  await until(async () => (await ask('get', `/${subscription.id}`)).body.state === 'failing');
  now = new Date(now.getTime() + 3 * 86_400_000 - 60_000);
  await hurry();
  await until(async () => (await deliveries(subscription))[0]?.attempts === 2);
  expect((await ask('get', `/${subscription.id}`)).body.state).toBe('failing');
  now = new Date(now.getTime() + 120_000);
  await hurry();
  await until(async () => (await ask('get', `/${subscription.id}`)).body.state === 'disabled');
  expect((await ask('get', `/${subscription.id}`)).body.disabledReason).toMatch(/3 days.*answered 500/);

  received = [];
  await happen();
  expect(received).toEqual([]);
  answer = (response) => response.writeHead(200).end();
  await ask('patch', `/${subscription.id}`, { enabled: true });
  const later = await happen();
  await until(() => received.some(({ body }) => body.includes(later.id)));
  expect((await ask('get', `/${subscription.id}`)).body).toMatchObject({
    state: 'active',
    disabledReason: null,
  });
});

it('is over at once when the receiver says that it is gone', async () => {
  answer = (response) => response.writeHead(410).end();
  const subscription = await subscribe();
  await happen();
  await until(async () => (await ask('get', `/${subscription.id}`)).body.state === 'disabled');
  expect((await ask('get', `/${subscription.id}`)).body.disabledReason).toMatch(/410/);
});

it('does not follow a redirect', async () => {
  answer = (response) => response.writeHead(302, { location: `http://${hostOf(receiver)}/elsewhere` }).end();
  const { id } = await subscribe();
  expect((await ask('post', `/${id}/test`)).body).toEqual({
    delivered: false,
    status: 302,
    error: 'answered 302',
  });
  expect(received).toHaveLength(1);
});

it('posts a signed sample when asked to', async () => {
  const { id, secret } = await subscribe();
  expect((await ask('post', `/${id}/test`)).body).toEqual({ delivered: true, status: 204, error: null });
  const headers = received[0]?.headers as Record<string, string>;
  expect(new Webhook(secret).verify(String(received[0]?.body), headers)).toMatchObject({
    type: 'media.ready',
  });
});

describe('an address', () => {
  it.each([
    'http://127.0.0.1:1/',
    'http://localhost/',
    'http://[::1]/',
    'http://169.254.169.254/latest/meta-data',
    'http://2130706433/',
    'https://[::ffff:10.0.0.1]/x',
    'https://user:password@example.com/',
    'https://example.com:22/',
    'ftp://example.com/',
    'nonsense',
  ])('that points inside, or is none, is refused: %s', async (url) => {
    const answered = await ask('post', '', { url });
    expect(answered).toMatchObject({
      status: 400,
      body: { code: 'request.invalid', errors: [{ field: 'url' }] },
    });
    const { id } = await subscribe();
    expect(await ask('patch', `/${id}`, { url })).toMatchObject({ status: 400 });
  });

  it('is checked again with each post', async () => {
    const { id } = await subscribe();
    await service.database.query(`update subscription set url = 'http://127.0.0.1:8080/'`);
    expect((await ask('post', `/${id}/test`)).body).toMatchObject({
      delivered: false,
      status: null,
      error: expect.stringMatching(/not a public address/),
    });
  });
});

it('is seen by tokens that know all of its channels', async () => {
  const limited = service.token('admin', { channels: ['sobot'] });
  const everything = await subscribe();
  const own = (await ask('post', '', { url: `http://${hostOf(receiver)}/` }, limited)).body;
  expect(await ask('get', `/${everything.id}`, undefined, limited)).toMatchObject({ status: 404 });
  expect((await ask('get', '', undefined, limited)).body.items).toEqual([
    expect.objectContaining({ id: own.id, channels: ['sobot'] }),
  ]);
  const foreign = await ask('post', '', { url: `http://${hostOf(receiver)}/`, channels: ['blip'] }, limited);
  expect(foreign).toMatchObject({ status: 400, body: { errors: [{ field: 'channels' }] } });
});
