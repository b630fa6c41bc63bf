/** The exact requests that connect a number of Meta, and what its answers mean. */
import { describe, expect, test } from '@jest/globals';

import type { Answer } from '../recording-api.js';
import { api, connectionOf, useRecordingApi, webhookUrl } from '../connection-stage.js';

useRecordingApi();

const token = 'a-token-of-our-own-0123456789';
const bearer = { authorization: 'Bearer EAAinvented0123456789' };
const json = { 'content-type': 'application/json' };
const numberPath = '/v25.0/100000000000042';
const numberQuery = `${numberPath}?fields=health_status,webhook_configuration`;
const appsPath = '/v25.0/200000000000001/subscribed_apps';

const connect = (settings = {}) => connectionOf('meta', settings).connect(webhookUrl, api.http);
const state = () => connectionOf('meta').state(webhookUrl, api.http);

const entities = [
  { entity_type: 'PHONE_NUMBER', id: '100000000000042', can_send_message: 'AVAILABLE' },
  { entity_type: 'WABA', id: '200000000000001', can_send_message: 'AVAILABLE' },
  { entity_type: 'BUSINESS', id: '300000000000001', can_send_message: 'AVAILABLE' },
  { entity_type: 'APP', id: '400000000000001', can_send_message: 'AVAILABLE' },
];
const numberWith = (configuration: object = {}, health: readonly object[] = entities): Answer => ({
  status: 200,
  body: {
    id: '100000000000042',
    health_status: { can_send_message: 'AVAILABLE', entities: health },
    webhook_configuration: configuration,
  },
});
const success: Answer = { status: 200, body: { success: true } };
const app = (id: string, more: object = {}) => ({
  whatsapp_business_api_data: { id, link: 'https://example.com/', name: 'An app' },
  ...more,
});
const appsAre = (...apps: readonly object[]): Answer => ({ status: 200, body: { data: apps } });

describe('connecting', () => {
  const asked = { method: 'GET', path: numberQuery, headers: bearer, body: '' };
  const subscribed = { method: 'POST', path: appsPath, headers: bearer, body: '' };
  const override = { override_callback_uri: webhookUrl, verify_token: token };
  const overridden = { method: 'POST', path: appsPath, headers: { ...json, ...bearer }, body: override };

  test('subscribes the app to the account of the number, then replaces the address', async () => {
    api.answers.push(numberWith({ application: 'https://other.example.com/' }), success, success);
    await connect();
    expect(api.requests).toEqual([asked, subscribed, overridden]);
  });

  test('replaces an address of the number alone, too, which has precedence', async () => {
    api.answers.push(
      numberWith({ phone_number: 'https://other.example.com/hook' }),
      success,
      success,
      success,
    );
    await connect();
    expect(api.requests).toEqual([
      asked,
      subscribed,
      overridden,
      {
        method: 'POST',
        path: numberPath,
        headers: { ...json, ...bearer },
        body: { webhook_configuration: override },
      },
    ]);
  });

  test('leaves an address of the number alone that leads to the channel', async () => {
    api.answers.push(numberWith({ phone_number: webhookUrl }), success, success);
    await connect();
    expect(api.requests).toHaveLength(3);
  });

  test('needs the verify token, the access token and the number', () => {
    for (const name of ['verifyToken', 'accessToken', 'phoneNumberId'])
      expect(() => connectionOf('meta', { [name]: undefined })).toThrow(/cannot be connected/);
  });

  test.each<[string, Answer]>([
    ['no entities', numberWith({}, [])],
    ['no account among them', numberWith({}, entities.slice(0, 1))],
    ['an id that leads elsewhere', numberWith({}, [{ entity_type: 'WABA', id: '1/../me' }])],
    ['no health', { status: 200, body: { id: '100000000000042' } }],
  ])('changes nothing if Meta tells %s', async (_what, answer) => {
    api.answers.push(answer);
    await expect(connect()).rejects.toMatchObject({
      code: 'channel.provider_refused',
      message: expect.stringContaining('check phoneNumberId'),
    });
    expect(api.requests).toHaveLength(1);
  });

  const error = (code: number, details: string) => ({
    error: { message: 'x', code, error_data: { details } },
  });
  test.each<[string, Answer, string]>([
    [
      'refuses the challenge',
      { status: 400, body: error(2200, 'Verification failed') },
      'channel.provider_refused',
    ],
    [
      'refuses the token',
      { status: 401, body: error(190, 'The token has ended') },
      'channel.provider_refused',
    ],
    ['is busy', { status: 429, body: error(4, 'Too many calls') }, 'channel.provider_unavailable'],
    ['has trouble', { status: 500, body: error(2, 'Trouble') }, 'channel.provider_unavailable'],
    ['says no', { status: 200, body: { success: false } }, 'channel.provider_unavailable'],
    ['answers with a page', { status: 200, body: '<html>' }, 'channel.provider_unavailable'],
    ['does not answer', { status: 200, hang: true }, 'media.connection_failed'],
  ])('is not done if Meta %s, and the error tells what was changed before', async (_what, answer, code) => {
    api.answers.push(numberWith(), success, answer);
    const message = expect.stringMatching(
      /; changed before that: the app is subscribed, and its own callback URL counts for the business account$/,
    );
    await expect(connect()).rejects.toMatchObject({ code, message });
  });

  test('repeats the words of Meta, and no secret', async () => {
    const secrets = `EAAinvented0123456789 ${token} first-secret-0123456789abcdef`;
    api.answers.push({ status: 400, body: error(100, `Not with ${secrets}`) });
    await expect(connect()).rejects.toMatchObject({
      message: 'Meta refused the call (400): Not with *** *** ***',
    });
  });
});

describe('the state', () => {
  test('is read with two requests', async () => {
    api.answers.push(numberWith({ whatsapp_business_account: webhookUrl }), appsAre(app('400000000000001')));
    expect(await state()).toEqual({
      url: webhookUrl,
      isConnected: true,
      pending: null,
      lastError: null,
      notes: [],
    });
    expect(api.requests).toEqual([
      { method: 'GET', path: numberQuery, headers: bearer, body: '' },
      { method: 'GET', path: appsPath, headers: bearer, body: '' },
    ]);
  });

  const other = 'https://other.example.com/hook';
  test.each([
    ['the address of the app', { application: webhookUrl }, webhookUrl, true],
    [
      'the address of the account first',
      { whatsapp_business_account: other, application: webhookUrl },
      other,
      false,
    ],
    [
      'the address of the number first',
      { phone_number: webhookUrl, whatsapp_business_account: other },
      webhookUrl,
      true,
    ],
    ['an address with a query', { application: `${other}?secret=1` }, other, false],
    ['no address', {}, null, false],
  ])('has %s', async (_what, configuration, url, isConnected) => {
    api.answers.push(numberWith(configuration), appsAre(app('400000000000001')));
    expect(await state()).toMatchObject({ url, isConnected });
  });

  test('has the address of the subscription if the number does not tell it', async () => {
    const ours = app('400000000000001', { override_callback_uri: webhookUrl });
    api.answers.push(numberWith(), appsAre(app('1', { override_callback_uri: other }), ours));
    expect(await state()).toMatchObject({ url: webhookUrl, isConnected: true });
  });

  test('is not connected while the app is not subscribed', async () => {
    api.answers.push(numberWith({ application: webhookUrl }), appsAre(app('1')));
    expect(await state()).toMatchObject({
      url: webhookUrl,
      isConnected: false,
      notes: ['The app is not subscribed to the business account of the number, so Meta sends no webhooks.'],
    });
  });

  test('names what is limited or blocked', async () => {
    const health = entities.map((entity, index) => ({
      ...entity,
      can_send_message: ['BLOCKED', 'LIMITED', 'AVAILABLE', 'another word'][index],
    }));
    api.answers.push(numberWith({ application: webhookUrl }, health), appsAre(app('400000000000001')));
    expect(await state()).toMatchObject({
      isConnected: true,
      notes: [
        'Meta says that the phone number is blocked in sending.',
        'Meta says that the business account is limited in sending.',
      ],
    });
  });
});
