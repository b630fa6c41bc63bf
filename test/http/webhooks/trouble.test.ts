/** Webhooks while something is wrong: strangers, slow hosts, no database. And what the logs say of it all. */
import { readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from '@jest/globals';

import type { StatsView } from '../../../src/http/shapes/administration.js';
import {
  afterPending,
  call,
  postUnproven,
  postWebhook,
  type MediaView,
  type Receipt,
} from '../../support/client.js';
import { startHostileHost } from '../../support/hostile-host.js';
import { picture, zApiMedia, zApiStatus } from '../../support/payloads.js';
import { secrets, signWebhook } from '../../support/signing.js';
import { authSecret, onPremises, type TestService } from '../../support/test-service.js';
import { until } from '../../support/until.js';

const channels = ['aisoule', 'blip', 'sobot', 'twilio', 'vonage', 'z-api'];
describe('strangers', () => {
  const limit = 3;

  it.concurrent.each(channels)(
    'are limited at %s, and proven senders from the same address are not',
    (channel) =>
      onPremises(async ({ start }) => {
        const service = await start({ queue: false, env: { FAILED_WEBHOOKS_PER_MINUTE: String(limit) } });
        const knock = () => postUnproven(service, channel, { payload: picture(channel) });
        const refusal = channel === 'vonage' ? 503 : 401;

        for (let time = 0; time < limit; time += 1) expect((await knock()).status).toBe(refusal);

        const limited = await knock();
        expect(limited).toMatchObject({ status: 429, body: { status: 429, code: 'request.rate_limited' } });
        const retryAfter = Number(limited.headers['retry-after']);
        expect(retryAfter).toBeGreaterThanOrEqual(1);
        expect(retryAfter).toBeLessThanOrEqual(60);
        for (const proven of channels)
          expect(await postWebhook(service, proven, picture(proven))).toMatchObject({ status: 200 });
        expect((await knock()).status).toBe(429);
      }),
  );

  it.concurrent('cannot get round the limit by saying that they are somebody else', () =>
    onPremises(async ({ start }) => {
      const service = await start({ queue: false, env: { FAILED_WEBHOOKS_PER_MINUTE: '1' } });
      const knock = (address: string) =>
        postUnproven(service, 'z-api', { payload: '{}', headers: { 'x-forwarded-for': address } });

      expect((await knock('203.0.113.1')).status).toBe(401);
      expect((await knock('203.0.113.2')).status).toBe(429);
    }),
  );

  it.concurrent('are told apart by what a trusted proxy says', () =>
    onPremises(async ({ start }) => {
      const service = await start({
        queue: false,
        env: { FAILED_WEBHOOKS_PER_MINUTE: '1', TRUSTED_PROXY_HOPS: '1' },
      });
      const knock = (address: string) =>
        postUnproven(service, 'z-api', { payload: '{}', headers: { 'x-forwarded-for': address } });

      expect((await knock('203.0.113.1')).status).toBe(401);
      expect((await knock('203.0.113.2')).status).toBe(401);
      expect((await knock('203.0.113.1')).status).toBe(429);
      // Only the last proxy is believed, not what came before it.
      expect((await knock('198.51.100.1, 203.0.113.2')).status).toBe(429);
      // A proxy that leaves the address out does not make the caller's own words count.
      expect((await knock('198.51.100.1,')).status).toBe(401);
      expect((await knock('198.51.100.2,')).status).toBe(429);
    }),
  );
});

describe('a media host that does not answer', () => {
  it.concurrent('keeps no webhook waiting', () =>
    onPremises(async ({ start, atEnd }) => {
      const host = await startHostileHost();
      const service = await start({ mediaHosts: [host.host] });
      atEnd(host.close);
      const token = service.token('media:read');

      for (const channel of channels) {
        const hanging = picture(channel, { url: host.url(`/hang?of=${channel}`) });
        const answer = await postWebhook(service, channel, hanging);
        expect(answer).toMatchObject({ status: 200, body: { outcome: 'accepted' } });
        // It is being fetched, while the next ones come in.
        await until(() => host.requests.some(({ url }) => url?.endsWith(`of=${channel}`)));
        const media = await call<MediaView>(service.url, `/v1/media/${String(answer.body.media[0])}`, {
          token,
        });
        expect(media.body.state).toBe('pending');
      }
    }),
  );
});

const ask = (service: TestService) => call(service.url, '/health/ready');

/** What is wrong, as readiness says. */
async function trouble(service: TestService): Promise<string> {
  const { body } = await call<{ detail?: string }>(service.url, '/health/ready');
  return body.detail ?? '';
}

/** Undefined while nobody can be let in to ask. */
async function spooled(service: TestService): Promise<StatsView['spool'] | undefined> {
  const token = service.token('admin');
  const { status, body } = await call<StatsView>(service.url, '/v1/stats', { token });
  return status === 200 ? body.spool : undefined;
}

describe('a database that is away', () => {
  it.concurrent('keeps no webhook from being taken, and what was answered is there when it is back', () =>
    onPremises(async ({ start }) => {
      const service = await start({});
      const payloads = new Map(channels.map((channel) => [channel, picture(channel)]));
      await service.database.goAway();
      const receipts = new Map<string, Receipt>();
      for (const [channel, payload] of payloads) {
        const { status, body } = await postWebhook(service, channel, payload);
        expect({ status, ...body }).toEqual({
          status: 200,
          delivery: expect.any(String),
          outcome: 'accepted',
          duplicate: false,
          media: [expect.any(String)],
        });
        receipts.set(channel, body);
        // Who is not proven is not let in for that.
        expect(await postUnproven(service, channel, { payload, query: { token: 'wrong' } })).toMatchObject({
          status: 401,
          body: { code: 'webhook.unproven' },
        });
      }
      expect(await postWebhook(service, 'z-api', '{')).toMatchObject({ body: { code: 'webhook.not_json' } });
      expect(await ask(service)).toMatchObject({
        status: 503,
        body: { code: 'service.unavailable', detail: 'database: away, spooling' },
      });

      await service.database.comeBack();
      await until(async () => (await spooled(service))?.webhooks === 0);
      expect(await spooled(service)).toEqual({ webhooks: 0, bytes: 0, oldestAt: null, aside: 0 });
      for (const [channel, payload] of payloads) {
        const told = receipts.get(channel);
        expect(await postWebhook(service, channel, payload)).toMatchObject({
          status: 200,
          body: { ...told, duplicate: true },
        });
        // The queue is back, too: nobody may be asked at that port, which is found out by trying.
        expect(await afterPending(service, told?.media[0])).toMatchObject({
          state: 'rejected',
          error: { code: 'media.forbidden_port' },
        });
      }
      await until(async () => (await ask(service)).status === 200);
    }),
  );

  it.concurrent('makes the sender come again where there is no room on the disk', () =>
    onPremises(async ({ start }) => {
      const service = await start({ queue: false, env: { SPOOL_MAX_BYTES: '0' } });
      await service.database.goAway();
      for (const channel of channels) {
        expect(await postWebhook(service, channel, picture(channel))).toMatchObject({
          status: 503,
          headers: { 'content-type': expect.stringMatching(/^application\/problem\+json/) },
          body: { status: 503, code: 'webhook.not_stored' },
        });
      }
      expect(await ask(service)).toMatchObject({
        status: 503,
        body: { detail: 'database: away, and the spool cannot be written either' },
      });
      await service.database.comeBack();
      await until(async () => (await postWebhook(service, 'z-api', picture('z-api'))).status === 200);
    }),
  );

  it.concurrent('loses nothing that was answered with 200 when it goes away in the middle', () =>
    onPremises(async ({ start }) => {
      const service = await start({ queue: false });
      const sendings = Array.from({ length: 60 }, async (_, index) => {
        const messageId = `wave-${String(index)}`;
        const { status, body } = await postWebhook(service, 'z-api', zApiMedia({ messageId }));
        return { status, messageId, media: body.media[0] };
      });
      await service.database.goAway();
      const sent = await Promise.all(sendings);
      await service.database.comeBack();
      await until(async () => (await spooled(service))?.webhooks === 0);

      const sql = `select message_id as "messageId", media.id as media
                 from message join media on message_row_id = message.id order by media.id`;
      const kept = await service.database.query<{ messageId: string; media: string }>(sql);
      expect(sent.map(({ status }) => status)).toEqual(Array<number>(60).fill(200));
      const told = sent.map(({ messageId, media }) => ({ messageId, media }));
      expect(kept).toEqual(told.sort((one, other) => (String(one.media) < String(other.media) ? -1 : 1)));
    }),
  );

  it.concurrent('is not said of one that refuses the rows of a webhook: its raw bytes are kept', () =>
    onPremises(async ({ start }) => {
      const service = await start({ queue: false });
      await service.database.query('alter table message add check (sender_name is null)');
      const refused = await postWebhook(service, 'z-api', picture('z-api'));
      expect(refused).toMatchObject({ status: 200, body: { outcome: 'malformed', media: [] } });
      expect(await spooled(service)).toMatchObject({ webhooks: 0 });
      expect(await trouble(service)).not.toContain('database');
    }),
  );
});

/** What fails for reasons of the database's own, with the SQLSTATE that a trigger raises. */
const states = ['57014', '42501', '42P01', '26000', 'XX000', '58030', '55P03'];

/** Makes a table refuse new rows that fit the condition. */
async function breakTable(
  { database }: TestService,
  table: string,
  { state, condition = 'true' }: { state: string; condition?: string },
): Promise<void> {
  await database.query(`
    create or replace function fail() returns trigger language plpgsql as $$
      begin raise exception 'no' using errcode = '${state}'; end $$`);
  await database.query(
    `create trigger fail before insert on ${table} for each row when (${condition}) execute function fail()`,
  );
}

describe('a database that fails for reasons of its own', () => {
  it.concurrent.each(['delivery', 'message', 'media', 'message_status'])(
    'at the table %s takes all webhooks in the end',
    (table) =>
      onPremises(async ({ start }) => {
        const service = await start({ queue: false });
        const told: Receipt[] = [];
        for (const state of states) {
          await breakTable(service, table, { state });
          const { status, body } = await postWebhook(service, 'sobot', picture('sobot'));
          expect({ state, status, ...body }).toMatchObject({ state, status: 200, outcome: 'accepted' });
          told.push(body);
          expect(await postWebhook(service, 'z-api', zApiStatus('READ', [state]))).toMatchObject({
            status: 200,
            body: { outcome: 'status' },
          });
          await service.database.query(`drop trigger fail on ${table}`);
        }
        await until(async () => (await spooled(service))?.webhooks === 0);
        const rows = await service.database.query<{ media: string; delivery: string; outcome: string }>(
          `select media.id as media, delivery.id as delivery, outcome
         from media join message on message.id = message_row_id join delivery on delivery.id = delivery_id order by 1`,
        );
        expect(rows).toEqual(
          told.map(({ delivery, media }) => ({ media: media[0], delivery, outcome: 'accepted' })),
        );
        expect(await service.database.query('select status from message_status')).toHaveLength(states.length);
        expect(await spooled(service)).toMatchObject({ aside: 0 });
      }),
  );
});

describe('a webhook that the database does not take although it takes others', () => {
  const poison = picture('sobot', { messageId: 'poison' });
  const good = (count: number) =>
    Array.from({ length: count }, (_, index) => picture('sobot', { messageId: `good ${String(index)}` }));

  it.concurrent("is kept raw, and is in nobody's way", () =>
    onPremises(async ({ start }) => {
      const service = await start({ queue: false });
      await breakTable(service, 'message', { state: 'XX000', condition: `new.message_id = 'poison'` });
      const told = await postWebhook(service, 'sobot', poison);
      expect(told).toMatchObject({ status: 200, body: { outcome: 'accepted' } });
      for (const one of good(20)) expect((await postWebhook(service, 'sobot', one)).status).toBe(200);
      await until(async () => (await spooled(service))?.webhooks === 0);
      expect(await trouble(service)).not.toContain('database');
      expect(await service.database.query('select message_id from message')).toHaveLength(20);
      const path = `/v1/deliveries/${told.body.delivery}`;
      const token = service.token('admin');
      expect(await call(service.url, path, { token })).toMatchObject({
        body: { outcome: 'malformed', reason: 'cannot be stored' },
      });
      // What was wrong is mended: reading it again makes what it was to be from the first.
      await service.database.query('drop trigger fail on message');
      expect(await call(service.url, `${path}/replay`, { token, method: 'post' })).toMatchObject({
        body: { outcome: 'accepted' },
      });
      expect(await service.database.query('select message_id from message')).toHaveLength(21);
    }),
  );

  it.concurrent('not even raw is put aside, where it is counted, and can be taken back', () =>
    onPremises(async ({ start }) => {
      const service = await start({ queue: false });
      const condition = `position(convert_to('poison', 'UTF8') in new.body) > 0`;
      await breakTable(service, 'delivery', { state: '42501', condition });
      const told = await postWebhook(service, 'sobot', poison);
      expect(told).toMatchObject({ status: 200, body: { outcome: 'accepted' } });
      for (const one of good(20)) expect((await postWebhook(service, 'sobot', one)).status).toBe(200);
      await until(async () => (await spooled(service))?.aside === 1);
      await until(async () => (await spooled(service))?.webhooks === 0);
      expect(await trouble(service)).not.toContain('database');
      expect(await spooled(service)).toMatchObject({ aside: 1 });
      expect(await service.database.query('select message_id from message')).toHaveLength(20);
      expect(service.logs()).toContain('a spooled webhook was set aside');

      await service.database.query('drop trigger fail on delivery');
      const folder = join(service.uploadsDir, 'spool');
      const name = readdirSync(folder).find((file) => file.endsWith('.aside')) ?? '';
      renameSync(join(folder, name), join(folder, name.replace('.aside', '.whole')));
      // Webhooks of the spool are looked for now and then; another one that needs it has it looked at now.
      await service.database.goAway();
      await postWebhook(service, 'sobot', picture('sobot'));
      await service.database.comeBack();
      await until(async () => (await spooled(service))?.webhooks === 0);
      const rows = await service.database.query(
        'select media.id from media join message on message_row_id = message.id where message_id = $1',
        ['poison'],
      );
      expect(rows).toEqual([{ id: told.body.media[0] }]);
    }),
  );
});

describe('the logs', () => {
  it.concurrent('hold no secret, no token, no address, and nothing that people wrote or are called', () =>
    onPremises(async ({ start, atEnd }) => {
      const host = await startHostileHost();
      const service = await start({
        mediaHosts: [host.host],
        env: { FAILED_WEBHOOKS_PER_MINUTE: '5', FETCH_MAX_ATTEMPTS: '1' },
      });
      atEnd(host.close);
      const token = service.token('admin');
      const personal = { from: '5511987654321', caption: 'private words', messageId: 'private-id' };

      for (const channel of channels) {
        for (const path of ['/reset', '/status?code=500', '/status?code=404', '/ok']) {
          const url = host.url(`${path}${path.includes('?') ? '&' : '?'}sig=private-signature`);
          const messageId = `${personal.messageId}${path}`;
          const { body } = await postWebhook(
            service,
            channel,
            picture(channel, { ...personal, messageId, url }),
          );
          await call(service.url, `/v1/media/${String(body.media[0])}?wait=20`, { token });
          await call(service.url, `/v1/media/${String(body.media[0])}/content`, { token });
        }
        await postUnproven(service, channel, { payload: 'private words 5511987654321' });
        await postUnproven(service, channel, {
          payload: picture(channel, personal),
          ...signWebhook(channel, Buffer.from('private words'), { secret: 'private-secret-0123456' }),
        });
        await postWebhook(service, channel, 'private words that are no JSON');
      }
      await postWebhook(service, 'z-api', zApiStatus('READ', [personal.messageId]));
      await call(service.url, `/v1/media?from=${personal.from}&q=private%20words`, { token: `${token}x` });
      await call(service.url, `/v1/private-id/5511987654321`, { token });
      await service.database.goAway();
      await postWebhook(service, 'z-api', picture('z-api', { ...personal, messageId: 'private-id-2' }));
      await call(service.url, `/v1/messages/z-api/${personal.messageId}`, { token });
      await call(service.url, `/v1/media?from=${personal.from}&q=private%20words`, { token });
      await service.database.comeBack();

      // Digits of an id of ours may be those of a telephone number by chance.
      const ids = /[\da-f]{8}-[\da-f]{4}-[47][\da-f]{3}-[\da-f]{4}-[\da-f]{12}/g;
      const logs = service.logs().replaceAll(ids, 'id');
      expect(logs).toContain('a download attempt failed');
      expect(logs).toContain('a request failed');
      const { password } = new URL(service.database.connectionString);
      const words = [
        ...secrets,
        ...Object.values(personal),
        token,
        authSecret,
        password,
        'private',
        'Ana',
        '5511',
      ];
      expect(logs.split('\n').filter((line) => words.some((word) => line.includes(word)))).toEqual([]);
      expect(logs).not.toMatch(/eyJ[\w-]+\./); // How a JWT begins.
      expect(logs).not.toContain('127.0.0.1');
    }),
  );
});
