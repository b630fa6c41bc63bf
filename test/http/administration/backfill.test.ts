/** Fetching messages whose webhooks did not arrive, with a real server as the API of Twilio. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';

import {
  call,
  postWebhook,
  type Answer,
  type Call,
  type MediaView,
  type Problem,
} from '../../support/client.js';
import { picture } from '../../support/payloads.js';
import { startTestService, type TestService } from '../../support/test-service.js';
import { until } from '../../support/until.js';

interface BackfillView {
  readonly found: number;
  readonly stored: number;
  readonly failed: number;
  readonly complete: boolean;
  readonly until: string | null;
}
type Body = BackfillView & Problem;

const accountSid = `AC${'0a'.repeat(16)}`;
const account = `/2010-04-01/Accounts/${accountSid}`;
const ana = '5511999990000';
const bia = '5511988880000';
const sid = (prefix: string, digit: string): string => prefix + digit.repeat(32);

/** An account with these messages, the newest first, each with one picture. */
let messages: { readonly digit: string; readonly from: string; readonly sentAt: Date }[];
let requests: string[];
/** Answers instead of a message's list of media. */
let refusals: Map<string, number>;
/** Runs before the API answers. */
let whenAsked: () => Promise<void>;
let twilio: Server;
let service: TestService;

beforeEach(async () => {
  messages = [];
  requests = [];
  refusals = new Map();
  whenAsked = () => Promise.resolve();
  twilio = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '', 'http://twilio');
    requests.push(pathname.replace(account, ''));
    const digit = /\/Messages\/MM(.)/.exec(pathname)?.[1];
    const status = refusals.get(digit ?? 'list') ?? 200;
    const body = status === 200 ? bodyOf(digit) : { code: status * 100, message: 'No' };
    const answer = JSON.stringify(body);
    void whenAsked().then(() =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(answer),
    );
  });
  await new Promise<void>((listening) => twilio.listen(0, '127.0.0.1', listening));
  service = await startTestService({
    queue: false,
    env: env(),
  });
});
afterEach(async () => {
  await service.stop();
  twilio.closeAllConnections();
  twilio.close();
});

const env = () => ({
  TWILIO_ACCOUNT_SID: accountSid,
  TWILIO_FROM: 'whatsapp:+5511888880000',
  TWILIO_API_URL: origin(),
});
const origin = (): string => `http://127.0.0.1:${String((twilio.address() as AddressInfo).port)}`;

function bodyOf(digit: string | undefined): object {
  if (digit !== undefined) {
    const uri = `${account}/Messages/${sid('MM', digit)}/Media/${sid('ME', digit)}.json`;
    return { media_list: [{ sid: sid('ME', digit), content_type: 'image/jpeg', uri }] };
  }
  const listed = messages.map((one) => ({
    sid: sid('MM', one.digit),
    account_sid: accountSid,
    direction: 'inbound',
    from: `whatsapp:+${one.from}`,
    to: 'whatsapp:+5511888880000',
    body: 'look',
    num_media: '1',
    date_sent: one.sentAt.toUTCString().replace('GMT', '+0000'),
  }));
  return { messages: listed, next_page_uri: null };
}

/** Nothing failed, and nothing is left. */
const whole = { failed: 0, complete: true, until: null } as const;
const hour = 3_600_000;
const ago = (ms: number): Date => new Date(Date.now() - ms);
const sent = (digit: string, from = ana, sentAt = ago(hour)) => ({ digit, from, sentAt });

const ask = <Answered = Body>(path: string, what: Call = {}): Promise<Answer<Answered>> =>
  call<Answered>(service.url, path, { token: service.token('admin'), ...what });
const backfill = (id = 'twilio', json: object = { since: ago(24 * hour).toISOString() }) =>
  ask(`/v1/channels/${id}/backfill`, { method: 'post', json });

/** The webhook of a message, as it would have arrived. */
const webhookOf = ({ digit, from }: { readonly digit: string; readonly from: string }) => ({
  ...picture('twilio', { messageId: sid('MM', digit), from }),
  MediaUrl0: `${origin()}${account}/Messages/${sid('MM', digit)}/Media/${sid('ME', digit)}`,
});

const media = () =>
  service.database.query<{ id: string; messageId: string; url: string }>(
    `select media.id, message_id as "messageId", source_url as url from media
     join message on message.id = message_row_id order by message_id`,
  );

describe('a backfill', () => {
  it('stores what has not arrived, like its webhooks', async () => {
    messages = [sent('2'), sent('1')];
    expect(await backfill()).toMatchObject({ status: 200, body: { found: 2, stored: 2, complete: true } });
    const stored = await media();
    expect(stored.map(({ messageId }) => messageId)).toEqual([sid('MM', '1'), sid('MM', '2')]);
    const [first] = stored;
    expect((await ask<MediaView>(`/v1/media/${String(first?.id)}`)).body).toMatchObject({
      channel: 'twilio',
      state: 'pending',
      kind: 'image',
      message: { id: sid('MM', '1'), from: ana, to: '5511888880000', caption: 'look' },
    });
    // The webhook arrives after all: it brings nothing new.
    const late = await postWebhook(service, 'twilio', webhookOf(sent('1')));
    expect(late.body).toMatchObject({ outcome: 'accepted', duplicate: true, media: [first?.id] });
    expect(await media()).toEqual(stored);
  });

  it('fetches nothing twice, and nothing that arrived', async () => {
    messages = [sent('2'), sent('1')];
    await postWebhook(service, 'twilio', webhookOf(sent('1')));
    expect((await backfill()).body).toEqual({ found: 2, stored: 1, ...whole });
    expect((await backfill()).body).toEqual({ found: 2, stored: 0, ...whole });
    expect(requests).toEqual(['/Messages.json', `/Messages/${sid('MM', '2')}/Media.json`, '/Messages.json']);
  });

  it('keeps what the provider lists, which can be parsed again', async () => {
    messages = [sent('1')];
    await backfill();
    const [delivery] = await service.database.query<{ id: string; headers: object; body: Buffer }>(
      'select id, headers, body from delivery',
    );
    expect(delivery?.headers).toEqual({ 'content-type': 'application/json' });
    expect(JSON.parse(String(delivery?.body))).toMatchObject({
      message: { sid: sid('MM', '1') },
      media_list: [{ sid: sid('ME', '1') }],
    });
    await service.database.query('delete from media');
    const replayed = await ask<{ media: string[] }>(`/v1/deliveries/${String(delivery?.id)}/replay`, {
      method: 'post',
    });
    expect(replayed.body).toMatchObject({ outcome: 'accepted', media: [expect.any(String)] });
    expect(await media()).toHaveLength(1);
  });

  it('does not bring back what was erased', async () => {
    await postWebhook(service, 'twilio', webhookOf(sent('1')));
    await postWebhook(service, 'twilio', webhookOf(sent('2', bia)));
    const [first] = await media();
    expect((await ask(`/v1/media/${String(first?.id)}`, { method: 'delete' })).status).toBe(200);
    expect((await ask(`/v1/contacts/twilio/${bia}`, { method: 'delete' })).status).toBe(200);
    messages = [sent('1'), sent('2', bia), sent('3', bia), sent('4', bia, new Date(Date.now() + hour))];
    // What Bia has sent since then is stored.
    expect((await backfill()).body).toEqual({ found: 4, stored: 1, ...whole });
    const rows = await service.database.query<{ messageId: string }>(
      `select message_id as "messageId" from message where sender = '${bia}'`,
    );
    expect(rows).toEqual([{ messageId: sid('MM', '4') }]);
  });

  it('keeps what was stored before the provider refuses', async () => {
    messages = [sent('1'), sent('2'), sent('3')];
    refusals.set('2', 429);
    expect(await backfill()).toMatchObject({ status: 503, body: { code: 'channel.provider_unavailable' } });
    expect((await media()).map(({ messageId }) => messageId)).toEqual([sid('MM', '1')]);
    refusals.clear();
    expect((await backfill()).body).toEqual({ found: 3, stored: 2, ...whole });
  });

  it('stores the older messages although the media of a newer one are refused', async () => {
    messages = [sent('3'), sent('2'), sent('1')];
    refusals.set('2', 404);
    const report = { found: 3, stored: 2, failed: 1, complete: true, until: null };
    expect(await backfill()).toMatchObject({ status: 200, body: report });
    expect((await media()).map(({ messageId }) => messageId)).toEqual([sid('MM', '1'), sid('MM', '3')]);
    refusals.clear();
    expect((await backfill()).body).toEqual({ found: 3, stored: 1, ...whole });
  });

  it('fetches the messages of a period', async () => {
    const since = ago(3 * hour).toISOString();
    const until = ago(2 * hour).toISOString();
    messages = [sent('3'), sent('2', ana, ago(2.5 * hour)), sent('1', ana, ago(3.5 * hour))];
    expect((await backfill('twilio', { since, until })).body).toEqual({ found: 1, stored: 1, ...whole });
    expect((await media()).map(({ messageId }) => messageId)).toEqual([sid('MM', '2')]);
  });

  it('stores nothing twice beside another one in another process, and beside webhooks', async () => {
    messages = ['6', '5', '4', '3', '2', '1'].map((digit) => sent(digit));
    const beside = await startTestService({ beside: service, queue: false, env: env() });
    try {
      const there = () =>
        call<Body>(beside.url, '/v1/channels/twilio/backfill', {
          token: beside.token('admin'),
          method: 'post',
          json: { since: ago(24 * hour).toISOString() },
        });
      const [answers] = await Promise.all([
        Promise.all([backfill(), there(), backfill(), there()]),
        Promise.all(['1', '4'].map((digit) => postWebhook(service, 'twilio', webhookOf(sent(digit))))),
      ]);
      for (const { status, body } of answers) {
        expect(status).toBe(200);
        expect(body).toMatchObject({ found: 6, ...whole });
      }
      const stored = answers.reduce((sum, { body }) => sum + body.stored, 0);
      expect(stored).toBeGreaterThanOrEqual(4);
      expect(stored).toBeLessThanOrEqual(6);
      expect((await media()).map(({ messageId }) => messageId)).toEqual(
        ['1', '2', '3', '4', '5', '6'].map((digit) => sid('MM', digit)),
      );
    } finally {
      await beside.stop();
    }
  });

  it('waits for a slow database, and counts what it has stored and not what is in the spool', async () => {
    messages = [sent('2'), sent('1')];
    const slow = new pg.Client(service.database.connectionString);
    await slow.connect();
    try {
      await slow.query('begin');
      await slow.query('lock table delivery in share row exclusive mode');
      const answers = Promise.all([backfill(), backfill()]);
      // A webhook is answered when it is in the spool, since its sender does not wait for long.
      await postWebhook(service, 'twilio', webhookOf(sent('3')));
      await slow.query('commit');
      expect((await answers).reduce((sum, { body }) => sum + body.stored, 0)).toBe(2);
    } finally {
      await slow.end();
    }
    await until(async () => (await media()).length === 3);
  });

  it('is recorded before the provider is called', async () => {
    const begun: unknown[] = [];
    whenAsked = async () => {
      begun.push(...(await service.database.query('select details from audit_entry')));
    };
    expect((await backfill()).status).toBe(200);
    expect(begun).toMatchObject([{ details: { outcome: 'begun', found: 0 } }]);
  });

  it('is recorded', async () => {
    messages = [sent('1')];
    const since = ago(hour * 2).toISOString();
    await backfill('twilio', { since });
    refusals.set('list', 401);
    expect(await backfill('twilio', { since })).toMatchObject({
      status: 409,
      body: { code: 'channel.provider_refused', detail: 'Twilio refused the call (401): No' },
    });
    const entries = await service.database.query(
      `select channel, details from audit_entry where action = 'channel.backfill' order by id`,
    );
    expect(entries).toEqual([
      { channel: 'twilio', details: { since, found: 1, stored: 1, failed: 0, outcome: 'fetched' } },
      {
        channel: 'twilio',
        details: {
          since,
          found: 0,
          stored: 0,
          failed: 0,
          outcome: 'failed',
          code: 'channel.provider_refused',
        },
      },
    ]);
  });
});

describe('a backfill is refused', () => {
  it.each([
    [{}, 'since'],
    [{ since: 'yesterday' }, 'since'],
    [{ since: '2026-11-21' }, 'since'],
    [{ since: '2026-11-21T10:00:00' }, 'since'],
    [{ since: '2026-11-21T10:00:00Z', until: 'x' }, 'until'],
    [{ since: '2026-11-21T10:00:00Z', until: '2026-11-21T10:59:59+01:00' }, 'until'],
    [{ since: '2026-11-21T10:00:00Z', before: 'x' }, 'before'],
  ])('with the body %j', async (json, field) => {
    expect(await backfill('twilio', json)).toMatchObject({
      status: 400,
      body: { code: 'request.invalid', errors: [{ field }] },
    });
    expect(requests).toEqual([]);
  });

  it.each([
    ['nobody', 404, 'channel.not_found'],
    ['z-api', 409, 'channel.not_connectable'],
  ])('for the channel %s', async (id, status, code) => {
    expect(await backfill(id)).toMatchObject({ status, body: { code } });
  });

  it('for a channel that is disabled, or lacks settings', async () => {
    const settings = { authToken: '0123456789abcdef0123456789abcdef' };
    for (const id of ['incomplete', 'disabled']) {
      const json = { id, provider: 'twilio', settings };
      expect((await ask('/v1/channels', { method: 'post', json })).status).toBe(201);
    }
    await ask('/v1/channels/disabled', { method: 'patch', json: { enabled: false } });
    for (const id of ['incomplete', 'disabled'])
      expect(await backfill(id)).toMatchObject({ status: 409, body: { code: 'channel.not_connectable' } });
  });

  it('to a token that is limited to other channels', async () => {
    const token = service.token('admin', { channels: ['z-api'] });
    const json = { since: ago(hour).toISOString() };
    const answer = await ask('/v1/channels/twilio/backfill', { method: 'post', json, token });
    expect(answer).toMatchObject({ status: 403, body: { code: 'auth.scope' } });
    expect(requests).toEqual([]);
  });
});
