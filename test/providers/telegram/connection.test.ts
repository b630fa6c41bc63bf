/** The exact requests that connect a bot, and what the answers of the Bot API mean. */
import { describe, expect, test } from '@jest/globals';

import { secrets } from '../../samples/sample.js';
import { api, connectionOf, useRecordingApi, webhookUrl } from '../connection-stage.js';
import type { Answer } from '../recording-api.js';
import { botToken } from '../../samples/telegram.js';

useRecordingApi();

const at = (method: string): string => `/bot${botToken}/${method}`;
const json = { 'content-type': 'application/json' };
const updates = [
  'message',
  'edited_message',
  'channel_post',
  'edited_channel_post',
  'business_message',
  'edited_business_message',
  'guest_message',
];
const ok = (result: unknown): Answer => ({ status: 200, body: { ok: true, result } });

const connect = (address = webhookUrl) => connectionOf('telegram').connect(address, api.http);

describe('connecting', () => {
  test('sets the webhook with the newest secret and the updates that contain messages', async () => {
    api.answers.push(ok(true));
    await connect();
    expect(api.requests).toEqual([
      {
        method: 'POST',
        path: at('setWebhook'),
        headers: json,
        body: {
          url: webhookUrl,
          secret_token: secrets[0],
          allowed_updates: updates,
          max_connections: 40,
        },
      },
    ]);
  });

  test.each(['https://inlet.example.com:8443/webhooks/telegram', 'https://inlet.example.com:88/x'])(
    'accepts the address %s',
    async (address) => {
      api.answers.push(ok(true));
      await connect(address);
      expect(api.requests).toMatchObject([{ body: { url: address } }]);
    },
  );

  test.each([
    'http://inlet.example.com/webhooks/telegram',
    'http://127.0.0.1:8080/webhooks/telegram',
    'https://inlet.example.com:3000/webhooks/telegram',
  ])('refuses the address %s without a call, in one sentence', async (address) => {
    await expect(connect(address)).rejects.toMatchObject({
      code: 'channel.not_connectable',
      message: expect.stringMatching(/^Telegram calls only addresses [^.]+: set PUBLIC_URL to one$/),
    });
    expect(api.requests).toEqual([]);
  });

  test('passes on what Telegram says, without the token', async () => {
    const description = `Bad Request: bad webhook: no such host in /bot${botToken}/setWebhook`;
    api.answers.push({ status: 400, body: { ok: false, error_code: 400, description } });
    await expect(connect()).rejects.toMatchObject({
      code: 'channel.provider_refused',
      message:
        'Telegram refused the call (400): Bad Request: bad webhook: no such host in /bot***/setWebhook',
    });
  });

  test('tells a wrong token from a busy server', async () => {
    api.answers.push({ status: 401, body: { ok: false, error_code: 401, description: 'Unauthorized' } });
    await expect(connect()).rejects.toMatchObject({ code: 'channel.provider_refused' });
    api.answers.splice(0, 1, { status: 502, body: 'Bad Gateway' });
    await expect(connect()).rejects.toMatchObject({ code: 'channel.provider_unavailable' });
  });

  test('does not take another agreement for success', async () => {
    api.answers.push(ok('yes'));
    await expect(connect()).rejects.toMatchObject({ code: 'channel.provider_unavailable' });
  });
});

describe('the state', () => {
  const connected = {
    url: webhookUrl,
    has_custom_certificate: false,
    pending_update_count: 0,
    max_connections: 40,
    allowed_updates: updates,
  };
  const me = { id: 700000001, is_bot: true, username: 'modelo_bot', can_read_all_group_messages: true };
  const state = (webhook: object = {}, about: object = {}) => {
    api.answers.splice(0, Infinity, ok({ ...connected, ...webhook }), ok({ ...me, ...about }));
    return connectionOf('telegram').state(webhookUrl, api.http);
  };

  test('of a connected bot is asked with two calls that change nothing', async () => {
    expect(await state()).toEqual({
      url: webhookUrl,
      isConnected: true,
      pending: 0,
      lastError: null,
      notes: [],
    });
    expect(api.requests).toEqual(
      ['getWebhookInfo', 'getMe'].map((method) => ({
        method: 'POST',
        path: at(method),
        headers: json,
        body: {},
      })),
    );
  });

  test('of a bot without a webhook', async () => {
    expect(await state({ url: '', pending_update_count: 12, allowed_updates: undefined })).toMatchObject({
      url: null,
      isConnected: false,
      pending: 12,
    });
  });

  test('of a bot that calls another address, which is shown without its query and the token', async () => {
    const url = `https://old.example.com/bot/${botToken}?secret=hunter2`;
    expect(await state({ url })).toMatchObject({
      url: 'https://old.example.com/bot/***',
      isConnected: false,
    });
  });

  test('names the last error and what it may mean', async () => {
    const last_error_message = 'Wrong response from the webhook: 401 Unauthorized';
    expect(await state({ last_error_date: 1_795_255_200, last_error_message })).toMatchObject({
      isConnected: true,
      lastError: { message: last_error_message, at: new Date('2026-11-21T10:00:00.000Z') },
      notes: ['Webhooks were refused: if Telegram may have another secret, connect the channel again.'],
    });
    const { lastError, notes } = await state({ last_error_message: 'Connection refused' });
    expect([lastError, notes]).toEqual([{ message: 'Connection refused', at: null }, []]);
  });

  test('names the updates that are missing, except for one that a server may not know', async () => {
    expect(await state({ allowed_updates: ['message', 'callback_query'] })).toMatchObject({
      isConnected: false,
      notes: [
        'Telegram does not send edited_message, channel_post, edited_channel_post, business_message, edited_business_message: connect the channel again.',
      ],
    });
    expect((await state({ allowed_updates: updates.slice(0, -1) })).isConnected).toBe(true);
    expect((await state({ allowed_updates: [] })).isConnected).toBe(true);
  });

  test('mentions the privacy mode', async () => {
    expect((await state({}, { can_read_all_group_messages: false })).notes).toEqual([
      'In groups, @modelo_bot sees only commands and replies to it: /setprivacy of @BotFather changes that.',
    ]);
  });

  test('cannot be had with a wrong token', async () => {
    api.answers.push({ status: 404, body: { ok: false, error_code: 404, description: 'Not Found' } });
    await expect(connectionOf('telegram').state(webhookUrl, api.http)).rejects.toMatchObject({
      code: 'channel.provider_refused',
    });
    expect(api.requests).toHaveLength(1);
  });
});
