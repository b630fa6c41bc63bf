/** The exact requests that connect an instance of Z-API, and what its answers mean. */
import { describe, expect, test } from '@jest/globals';

import { secrets } from '../../samples/sample.js';
import { api, connectionOf, useRecordingApi, webhookUrl } from '../connection-stage.js';

useRecordingApi();

const at = '/instances/3C01/token/T%2F0123456789';
const address = `${webhookUrl}?token=${secrets[0]}`;
const json = { 'content-type': 'application/json' };
const clientToken = { 'client-token': 'F0123456789' };

const connect = (settings = {}) => connectionOf('z-api', settings).connect(webhookUrl, api.http);
const state = (settings = {}) => connectionOf('z-api', settings).state(webhookUrl, api.http);

const instance = {
  id: '3C01',
  token: 'T/0123456789',
  name: 'shop',
  connected: true,
  deliveryCallbackUrl: address,
  messageStatusCallbackUrl: address,
  receivedCallbackUrl: address,
  receiveCallbackSentByMe: true,
};
const answerWith = (changes: object): void => {
  api.answers.push({ status: 200, body: { ...instance, ...changes } });
};

describe('connecting', () => {
  const puts = (headers: object, value: string) =>
    ['update-webhook-delivery', 'update-webhook-message-status', 'update-webhook-received'].map((name) => ({
      method: 'PUT',
      path: `${at}/${name}`,
      headers,
      body: { value },
    }));

  test('sets the three webhooks with the newest secret, the one that brings pictures last', async () => {
    api.answers.push({ status: 200, body: { value: true } });
    await connect();
    expect(api.requests).toEqual(puts({ ...json, ...clientToken }, address));
  });

  test('sends no secret in the address, and no token of the account, if there is none', async () => {
    api.answers.push({ status: 200, body: { value: true } });
    await connect({ webhookSecret: undefined, headerToken: 'T/0123456789', clientToken: undefined });
    expect(api.requests).toEqual(puts(json, webhookUrl));
  });

  test('ends at the first refusal', async () => {
    api.answers.push({ status: 400, body: { error: 'Instance not found' } });
    await expect(connect()).rejects.toMatchObject({
      code: 'channel.provider_refused',
      message: 'Z-API refused the call (400): Instance not found',
    });
    expect(api.requests).toHaveLength(1);
  });

  test('tells what was changed before a refusal', async () => {
    const done = { status: 200, body: { value: true } };
    api.answers.push(done, done, { status: 503, headers: { 'retry-after': '7' } });
    await expect(connect()).rejects.toMatchObject({
      code: 'channel.provider_unavailable',
      message:
        'Z-API answered 503; changed before that: the webhook "on send" leads here, the webhook "message status" leads here',
      retryAt: expect.any(Date),
    });
  });

  test.each([
    [{ status: 200, body: { value: false } }, 'channel.provider_unavailable'],
    [{ status: 200, body: '<html>' }, 'channel.provider_unavailable'],
    [{ status: 302 }, 'channel.provider_unavailable'],
    [{ status: 200, body: { error: 'null not allowed' } }, 'channel.provider_refused'],
    [{ status: 429, headers: { 'retry-after': '7' } }, 'channel.provider_unavailable'],
    [{ status: 502 }, 'channel.provider_unavailable'],
    [{ status: 200, hang: true as const }, 'media.connection_failed'],
  ])('is not done after %j', async (answer, code) => {
    api.answers.push(answer);
    await expect(connect()).rejects.toMatchObject({ code });
  });

  test('repeats no secret that an answer holds', async () => {
    const error = `${at}: F0123456789 may not call ${address}`;
    api.answers.push({ status: 403, body: { error } });
    const said = await connect().catch(String);
    expect(said).toContain('/instances/3C01/token/***: *** may not call');
    for (const secret of ['F0123456789', 'T%2F0123456789', secrets[0]]) expect(said).not.toContain(secret);
  });
});

describe('the state', () => {
  test('is read with one request, and shows no secret', async () => {
    answerWith({});
    expect(await state()).toEqual({
      url: webhookUrl,
      isConnected: true,
      pending: null,
      lastError: null,
      notes: [],
    });
    expect(api.requests).toEqual([{ method: 'GET', path: `${at}/me`, headers: clientToken, body: '' }]);
  });

  test.each([
    ['the older secret of a rotation', { receivedCallbackUrl: `${webhookUrl}?token=${secrets[1]}` }, true],
    ['another spelling of the host', { receivedCallbackUrl: address.replace('inlet', 'INLET') }, true],
    ['another channel', { receivedCallbackUrl: address.replace('a-channel', 'b-channel') }, false],
    ['a wrong secret', { receivedCallbackUrl: `${webhookUrl}?token=another` }, false],
    ['no secret', { receivedCallbackUrl: webhookUrl }, false],
    ['two secrets', { receivedCallbackUrl: `${address}&token=another` }, false],
    ['no address', { receivedCallbackUrl: null }, false],
    ['no web address', { receivedCallbackUrl: 'javascript:alert(1)' }, false],
    ['statuses that go elsewhere', { messageStatusCallbackUrl: 'https://other.example.com/' }, false],
  ])('with %s', async (_what, changes, isConnected) => {
    answerWith(changes);
    expect(await state()).toMatchObject({ isConnected });
  });

  test('needs no secret in the address if the header proves the webhooks', async () => {
    answerWith({
      deliveryCallbackUrl: webhookUrl,
      messageStatusCallbackUrl: webhookUrl,
      receivedCallbackUrl: webhookUrl,
    });
    expect(await state({ headerToken: 'T/0123456789' })).toMatchObject({ isConnected: true });
  });

  test('says what a person should know', async () => {
    answerWith({
      connected: false,
      receiveCallbackSentByMe: false,
      receivedCallbackUrl: webhookUrl,
      deliveryCallbackUrl: 'https://user:pass@other.example.com/hook?key=1',
      messageStatusCallbackUrl: null,
    });
    expect(await state()).toMatchObject({
      url: webhookUrl,
      isConnected: false,
      lastError: {
        message: 'The instance is not connected to WhatsApp: scan its QR code in the panel of Z-API.',
        at: null,
      },
      notes: [
        'The address lacks the secret of this channel, so its webhooks are refused.',
        'The webhook "on send" does not lead to this channel.',
        'The webhook "message status" does not lead to this channel.',
        'Pictures that are sent from the phone do not arrive, because "notify sent by me" is off.',
      ],
    });
  });

  test('shows an address of somebody else without its user and its query', async () => {
    answerWith({ receivedCallbackUrl: 'https://user:pass@other.example.com/hook?key=1#x' });
    expect(await state()).toMatchObject({ url: 'https://other.example.com/hook' });
  });

  test.each([[{}], [[]], ['text'], [null], [{ id: '' }]])('is unknown after %j', async (body) => {
    api.answers.push({ status: 200, body });
    await expect(state()).rejects.toMatchObject({ code: 'channel.provider_unavailable' });
  });
});
