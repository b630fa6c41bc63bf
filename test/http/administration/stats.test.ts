/** What is counted, and for whom. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';

import { newId } from '../../../src/domain/id.js';
import type { StatsView } from '../../../src/http/shapes/administration.js';
import { call, postUnproven } from '../../support/client.js';
import { secrets } from '../../support/signing.js';
import { startTestService, type TestService } from '../../support/test-service.js';

const now = new Date('2026-11-21T10:00:00.000Z');
let service: TestService;

beforeAll(async () => {
  service = await startTestService({ queue: false, now: () => now });
});
afterAll(() => service.stop());
beforeEach(() => service.database.empty());

interface Row {
  readonly channel?: string;
  readonly kind?: string;
  readonly state?: string;
  readonly direction?: string;
  readonly at: string;
  readonly secondsToReady?: number;
  readonly sha256?: string;
  readonly upload?: boolean;
}

async function add(row: Row): Promise<string> {
  const {
    channel = 'z-api',
    kind = 'image',
    state = 'ready',
    direction = 'inbound',
    at,
    sha256 = null,
  } = row;
  const id = newId();
  await service.database.query(
    `insert into media (id, channel, provider, message_row_id, position, direction, kind, state, received_at, ready_at, sha256)
     values ($1, $2, $2, $3, 0, $4, $5, $6, $7, $7::timestamptz + make_interval(secs => $8), $9)`,
    [
      id,
      channel,
      row.upload ? null : newId(),
      direction,
      kind,
      state,
      at,
      row.secondsToReady ?? null,
      sha256,
    ],
  );
  return id;
}

async function addBlob(sha256: string, bytes: number): Promise<string> {
  await service.database.query(
    `insert into blob (sha256, type, bytes, previews) values ($1, 'image/jpeg', $2, '[]')`,
    [sha256, bytes],
  );
  return sha256;
}

async function stats(query = '', token = service.token('admin')): Promise<StatsView> {
  const answer = await call<StatsView>(service.url, `/v1/stats${query}`, { token });
  expect(answer.status).toBe(200);
  return answer.body;
}

describe('the counts', () => {
  it('are all zero where there is nothing', async () => {
    expect(await stats()).toEqual({
      since: '2026-10-23T00:00:00.000Z',
      total: { media: 0, bytes: 0 },
      spool: { webhooks: 0, bytes: 0, oldestAt: null, aside: 0 },
      byChannel: [],
      byState: [],
      byKind: [],
      byDirection: [],
      byDay: [],
      oldestPending: null,
      needsAttention: { late: 0, failed: 0, rejected: 0, malformed: 0 },
    });
  });

  it('are by channel, state, kind, direction and day, with bytes of shared files for each media', async () => {
    const sha256 = await addBlob('a'.repeat(64), 1_000);
    await add({ at: '2026-11-21T08:00:00Z', sha256, secondsToReady: 1 });
    await add({ at: '2026-11-21T09:00:00Z', sha256, secondsToReady: 2 });
    await add({ at: '2026-11-21T09:30:00Z', sha256, secondsToReady: 9 });
    await add({ at: '2026-11-21T09:40:00Z', state: 'rejected' });
    await add({ at: '2026-11-20T23:59:59Z', channel: 'blip', kind: 'video', state: 'failed' });
    await add({ at: '2026-11-20T12:00:00Z', channel: 'blip', direction: 'outbound', state: 'erased' });
    expect(await stats()).toMatchObject({
      total: { media: 6, bytes: 3_000 },
      byChannel: [
        { channel: 'z-api', media: 4, bytes: 3_000 },
        { channel: 'blip', media: 2, bytes: 0 },
      ],
      byState: expect.arrayContaining([
        { state: 'ready', media: 3, bytes: 3_000 },
        { state: 'failed', media: 1, bytes: 0 },
        { state: 'rejected', media: 1, bytes: 0 },
        { state: 'erased', media: 1, bytes: 0 },
      ]),
      byKind: [
        { kind: 'image', media: 5, bytes: 3_000 },
        { kind: 'video', media: 1, bytes: 0 },
      ],
      byDirection: [
        { direction: 'inbound', media: 5, bytes: 3_000 },
        { direction: 'outbound', media: 1, bytes: 0 },
      ],
      byDay: [
        {
          day: '2026-11-20',
          channel: 'blip',
          media: 2,
          bytes: 0,
          ready: 0,
          failed: 1,
          medianSecondsToReady: null,
        },
        {
          day: '2026-11-21',
          channel: 'z-api',
          media: 4,
          bytes: 3_000,
          ready: 3,
          failed: 1,
          medianSecondsToReady: 2,
        },
      ],
      needsAttention: { failed: 1, rejected: 1 },
    });
  });

  it('begin with a whole day, so many days ago', async () => {
    await add({ at: '2026-11-19T23:59:59Z' });
    await add({ at: '2026-11-20T00:00:00Z' });
    await add({ at: '2026-11-21T00:00:00Z' });
    expect(await stats('?days=1')).toMatchObject({ since: '2026-11-21T00:00:00.000Z', total: { media: 1 } });
    expect(await stats('?days=2')).toMatchObject({ since: '2026-11-20T00:00:00.000Z', total: { media: 2 } });
    expect(await stats('?days=366')).toMatchObject({ total: { media: 3 } });
  });

  it('leave uploads out of how long media took', async () => {
    await add({ at: '2026-11-21T08:00:00Z', secondsToReady: 4 });
    await add({ at: '2026-11-21T08:00:00Z', secondsToReady: 0, direction: 'outbound', upload: true });
    expect((await stats()).byDay).toMatchObject([{ media: 2, medianSecondsToReady: 4 }]);
  });

  it.each(['?days=0', '?days=367', '?days=1.5', '?days=week', '?days=', '?from=2026-01-01'])(
    'want a number of days: %s',
    async (query) => {
      const answer = await call(service.url, `/v1/stats${query}`, { token: service.token('admin') });
      expect(answer).toMatchObject({ status: 400, body: { code: 'request.invalid' } });
    },
  );
});

describe('what needs attention', () => {
  it('is late after ten minutes of being pending, however long ago it came', async () => {
    const oldest = await add({ at: '2020-01-01T00:00:00Z', state: 'pending' });
    await add({ at: '2026-11-21T09:49:59Z', state: 'pending' });
    await add({ at: '2026-11-21T09:50:01Z', state: 'pending' });
    expect(await stats()).toMatchObject({
      oldestPending: { id: oldest, receivedAt: '2020-01-01T00:00:00.000Z' },
      needsAttention: { late: 2 },
    });
  });

  it('is a webhook that was not understood', async () => {
    const payload = { type: 'ReceivedCallback', messageId: '1', phone: '5511999990000', image: {} };
    const { body } = await postUnproven<object>(service, 'z-api', { payload, query: { token: secrets[0] } });
    expect(body).toMatchObject({ outcome: 'malformed' });
    expect(await stats()).toMatchObject({ needsAttention: { malformed: 1 } });
  });
});

describe('a token that is limited to channels', () => {
  it('counts what is theirs', async () => {
    await add({ at: '2026-11-21T08:00:00Z', channel: 'blip', state: 'pending' });
    await add({ at: '2026-11-21T08:00:00Z', channel: 'z-api', state: 'failed' });
    const of = (...channels: string[]) => stats('', service.token('admin', { channels }));
    expect(await of('blip')).toMatchObject({
      total: { media: 1 },
      byChannel: [{ channel: 'blip' }],
      byDay: [{ channel: 'blip' }],
      oldestPending: expect.anything(),
      needsAttention: { late: 1, failed: 0 },
    });
    expect(await of('z-api')).toMatchObject({
      byChannel: [{ channel: 'z-api' }],
      oldestPending: null,
      needsAttention: { late: 0, failed: 1 },
    });
    expect(await of('sobot')).toMatchObject({ total: { media: 0 }, oldestPending: null });
  });

  it('shares no answer with those who ask at the same time for others', async () => {
    await add({ at: '2026-11-21T08:00:00Z', channel: 'blip' });
    const answers = await Promise.all(
      ['blip', 'z-api', 'blip', 'z-api'].map((channel) =>
        stats('', service.token('admin', { channels: [channel] })),
      ),
    );
    expect(answers.map(({ total }) => total.media)).toEqual([1, 0, 1, 0]);
  });
});
