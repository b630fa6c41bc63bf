/** Server-sent events: what is told, to whom, in which order, and from where on. */
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';

import { bytes, startMediaHost, type MediaHost } from '../../../src/demo/media-host.js';
import { photo } from '../../../src/demo/photos.js';
import { fixturesOf } from '../../providers/fixtures.js';
import { call, postWebhook, receive } from '../../support/client.js';
import { listenTo } from '../../support/event-stream.js';
import { picture } from '../../support/payloads.js';
import { startTestService, type TestService } from '../../support/test-service.js';
import { until } from '../../support/until.js';

let host: MediaHost;
let service: TestService;
beforeAll(async () => {
  host = await startMediaHost();
  service = await startTestService({ mediaHosts: [host.host] });
});
afterAll(async () => {
  await service.stop();
  await host.close();
});

/** A link to a picture that nobody else has. */
async function link(): Promise<string> {
  seed += 1;
  return host.serve(
    `/${String(seed)}.jpg`,
    bytes('image/jpeg', await photo({ width: 320, height: 200, seed })),
  );
}
let seed = 0;

/** Keeps every stream from beginning until it is released. */
async function lockEvents({ database }: TestService): Promise<{
  readonly waiting: () => Promise<boolean>;
  readonly release: () => Promise<void>;
}> {
  const client = new pg.Client({ connectionString: database.connectionString });
  await client.connect();
  await client.query('begin; lock table notification in access exclusive mode');
  return {
    waiting: async () => {
      const { rows } = await client.query(
        `select 1 from pg_locks where not granted and relation = 'notification'::regclass`,
      );
      return rows.length > 0;
    },
    release: async () => {
      await client.query('rollback');
      await client.end();
    },
  };
}

describe('a listener', () => {
  it('leaves nothing behind when it goes away before the stream begins', async () => {
    const timers = (): number =>
      process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;
    const before = timers();
    const locked = await lockEvents(service);
    const gone = Array.from({ length: 30 }, () =>
      httpRequest(`${service.url}/v1/events`, {
        headers: { authorization: `Bearer ${service.token('media:read')}` },
      }),
    );
    for (const request of gone) request.on('error', () => undefined).end();
    await until(() => locked.waiting());
    await delay(500);
    for (const request of gone) request.destroy();
    await delay(500);
    await locked.release();
    await delay(500);
    // Each stream has a heartbeat, which goes on for as long as the stream does.
    await until(() => timers() - before < 15);
  });

  it('is told of a picture when its bytes and previews can be read', async () => {
    const stream = await listenTo(service);
    try {
      await postWebhook(service, 'z-api', picture('z-api', { url: await link() }));
      const [told] = await stream.count(1);
      const id = String(told?.data.data['id']);
      const token = service.token('media:read');
      for (const path of ['content', 'preview?size=small', 'preview?size=large']) {
        expect((await call(service.url, `/v1/media/${id}/${path}`, { token })).status).toBe(200);
      }
      expect(told).toEqual({
        id: told?.data.id,
        event: 'media.ready',
        data: {
          id: told?.id,
          type: 'media.ready',
          channel: 'z-api',
          timestamp: expect.stringMatching(/Z$/),
          data: (await call(service.url, `/v1/media/${id}`, { token })).body,
        },
      });
    } finally {
      await stream.close();
    }
  });

  it('is told of pictures that are refused or gone, also of those that never had an address', async () => {
    const stream = await listenTo(service);
    try {
      await receive(service, 'z-api', picture('z-api', { url: `${host.origin}/nothing.jpg` }));
      await receive(service, 'z-api', picture('z-api', { url: 'file:///etc/passwd' }));
      await stream.count(2);
      expect(stream.told.map(({ event }) => event)).toEqual(['media.failed', 'media.rejected']);
    } finally {
      await stream.close();
    }
  });

  it('is told once of each status of a message', async () => {
    const status = fixturesOf('blip').find(({ expected }) => expected.outcome === 'status')?.body;
    const stream = await listenTo(service, { query: '?type=message.status' });
    try {
      await postWebhook(service, 'blip', status);
      await postWebhook(service, 'blip', status);
      const later = await receive(service, 'z-api', picture('z-api', { url: await link() }));
      await stream.count(1);
      // A second event of the status would come before the one of the picture.
      const everything = await listenTo(service, { lastEventId: '0' });
      await until(() => everything.told.some(({ data }) => data.data['id'] === later.id));
      await everything.close();
      expect(stream.told).toEqual([
        {
          id: expect.any(String),
          event: 'message.status',
          data: {
            id: expect.any(String),
            type: 'message.status',
            channel: 'blip',
            timestamp: expect.stringMatching(/Z$/),
            data: expect.objectContaining({ channel: 'blip', messageId: expect.any(String), error: null }),
          },
        },
      ]);
    } finally {
      await stream.close();
    }
  });

  it('reads on behind the event that it names, and misses none', async () => {
    const query = '?channel=sobot';
    const first = await listenTo(service, { query });
    for (let number = 0; number < 3; number += 1)
      await receive(service, 'sobot', picture('sobot', { url: await link() }));
    const [one, ...others] = await first.count(3);
    await first.close();
    await receive(service, 'sobot', picture('sobot', { url: await link() }));

    const ways = [
      { query, lastEventId: String(one?.id) },
      { query: `${query}&lastEventId=${String(one?.id)}` },
    ];
    for (const options of ways) {
      const again = await listenTo(service, options);
      await again.count(3);
      await again.close();
      expect(again.told.slice(0, 2)).toEqual(others);
      expect(again.told).toHaveLength(3);
    }
  });

  it('hears of the channels that its token knows, and of those it asks for', async () => {
    const limited = await listenTo(service, {
      token: service.token('media:read', { channels: ['aisoule'] }),
    });
    const narrowed = await listenTo(service, { query: '?channel=aisoule' });
    await receive(service, 'z-api', picture('z-api', { url: await link() }));
    await receive(service, 'aisoule', picture('aisoule', { url: await link() }));
    for (const stream of [limited, narrowed]) {
      await stream.count(1);
      await stream.close();
      expect(stream.told.map(({ data }) => data.channel)).toEqual(['aisoule']);
    }
  });
});

it('is told the same as a hundred others who listen', async () => {
  const streams = await Promise.all(Array.from({ length: 100 }, () => listenTo(service)));
  try {
    const ids: string[] = [];
    for (let number = 0; number < 5; number += 1)
      ids.push((await receive(service, 'z-api', picture('z-api', { url: 'file:///etc/passwd' }))).id);
    for (const stream of streams) {
      await stream.count(ids.length);
      expect(stream.told.map(({ data }) => data.data['id'])).toEqual(ids);
    }
  } finally {
    await Promise.all(streams.map((stream) => stream.close()));
  }
});

it('ends, and tells nothing more, once its token is revoked', async () => {
  const admin = service.token('admin');
  const json = { name: 'a listener', scopes: ['media:read'] };
  const made = await call<{ id: string; token: string }>(service.url, '/v1/tokens', {
    method: 'post',
    token: admin,
    json,
  });
  const revoked = await listenTo(service, { token: made.body.token });
  const valid = await listenTo(service);
  await receive(service, 'z-api', picture('z-api', { url: await link() }));
  await Promise.all([revoked.count(1), valid.count(1)]);
  await call(service.url, `/v1/tokens/${made.body.id}`, { method: 'delete', token: admin });
  await receive(service, 'z-api', picture('z-api', { url: await link() }));
  await revoked.ended;
  expect(revoked.told).toHaveLength(1);
  await valid.count(2);
  await valid.close();
});

describe('a stream', () => {
  it('begins with an event that has an id, so that a client misses nothing that comes before the first', async () => {
    const first = await listenTo(service);
    const [open] = first.about;
    await first.close();
    expect(open).toMatchObject({ event: 'stream.open', data: { type: 'stream.open', missed: false } });
    expect(open?.id).toBe(open?.data.id);
    const media = await receive(service, 'z-api', picture('z-api', { url: 'file:///etc/passwd' }));
    const again = await listenTo(service, { lastEventId: String(open?.id) });
    await again.count(1);
    expect(again.about).toMatchObject([{ event: 'stream.open', id: open?.id, data: { missed: false } }]);
    expect(again.told.map(({ data }) => data.data['id'])).toEqual([media.id]);
    await again.close();
  });

  it('says that events are missing when the given id is older than what is kept, or none of ours', async () => {
    await receive(service, 'z-api', picture('z-api', { url: 'file:///etc/passwd' }));
    const [latest] = await until(async () => {
      const rows = await service.database.query<{ seq: string }>(
        'select max(seq) as seq from notification having count(*) filter (where seq is null) = 0',
      );
      return rows.length === 1 && rows;
    });
    const seq = Number(latest?.seq);
    await service.database.query('insert into event_horizon (id, seq) values (1, $1)', [seq - 1]);
    const missed = async (lastEventId?: string) => {
      const stream = await listenTo(service, lastEventId === undefined ? {} : { lastEventId });
      await stream.close();
      return [stream.about[0]?.data.missed, Number(stream.about[0]?.id)];
    };
    expect(await missed()).toEqual([false, seq]);
    expect(await missed(String(seq - 1))).toEqual([false, seq - 1]);
    expect(await missed('0')).toEqual([true, 0]);
    expect(await missed(String(seq + 1_000))).toEqual([true, seq]);
    await service.database.query('truncate event_horizon');
  });

  it.each(['', '?type=media.ready', '?lastEventId=0'])(
    'answers HEAD with its headers and ends, and the connection goes on: %s',
    async (query) => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      const headers = { authorization: `Bearer ${service.token('media:read')}` };
      const ask = (method: string, path: string) =>
        new Promise<IncomingMessage>((resolve, reject) => {
          const request = httpRequest(`${service.url}${path}`, { method, agent, headers }, (response) => {
            response.resume();
            response.once('end', () => {
              resolve(response);
            });
          });
          request.once('error', reject);
          request.setTimeout(5_000, () => request.destroy(new Error('there was no answer')));
          request.end();
        });
      try {
        const head = await ask('HEAD', `/v1/events${query}`);
        expect(head.statusCode).toBe(200);
        expect(head.headers['content-type']).toBe('text/event-stream; charset=utf-8');
        expect((await ask('GET', '/health/live')).statusCode).toBe(200);
      } finally {
        agent.destroy();
      }
    },
  );

  it('survives that the database is away, and tells each event once', async () => {
    const stream = await listenTo(service);
    try {
      await receive(service, 'z-api', picture('z-api', { url: 'file:///etc/passwd' }));
      await stream.count(1);
      await service.database.goAway();
      // What arrives meanwhile is in the spool.
      await postWebhook(service, 'z-api', picture('z-api', { url: 'file:///etc/passwd' }));
      await service.database.comeBack();
      const later = await until(async () => {
        const answered = await postWebhook(service, 'z-api', picture('z-api', { url: 'file:///etc/passwd' }));
        return answered.body.media[0];
      });
      await until(() => stream.told.some(({ data }) => data.data['id'] === later), 60_000);
      await stream.count(3);
      const ids = stream.told.map(({ id }) => id);
      expect(new Set(ids).size).toBe(ids.length);
      expect(stream.about).toHaveLength(1);
    } finally {
      await stream.close();
    }
  }, 120_000);
});

it.each([
  ['?type=media.erased', {}, 'type'],
  ['?since=1', {}, 'since'],
  ['?lastEventId=abc', {}, 'lastEventId'],
  ['', { 'last-event-id': '1; drop table' }, 'Last-Event-ID'],
])('a question that makes no sense is answered 400: %s %j', async (query, headers, field) => {
  const answer = await call(service.url, `/v1/events${query}`, {
    token: service.token('media:read'),
    headers,
  });
  expect(answer).toMatchObject({ status: 400, body: { code: 'request.invalid', errors: [{ field }] } });
});

it('needs a token that may read', async () => {
  expect((await call(service.url, '/v1/events')).body.code).toBe('auth.missing');
  expect((await call(service.url, '/v1/events', { token: service.token('messages:send') })).body.code).toBe(
    'auth.scope',
  );
});
