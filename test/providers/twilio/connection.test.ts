/** The exact requests that connect what sends at Twilio, and what its answers mean. */
import { describe, expect, test } from '@jest/globals';

import type { HttpRequest } from '../../../src/domain/provider.js';
import { twilio } from '../../../src/providers/twilio/index.js';
import { credentials, secrets } from '../../support/signing.js';
import { api, connectionOf, useRecordingApi, webhookUrl } from '../connection-stage.js';
import { receivedAt } from '../fixtures.js';

useRecordingApi();

const { accountSid = '' } = credentials['twilio'] ?? {};
const authorization = `Basic ${Buffer.from(`${accountSid}:${secrets[0]}`).toString('base64')}`;
const headers = { authorization };
const formHeaders = { authorization, 'content-type': 'application/x-www-form-urlencoded' };
const jsonHeaders = { authorization, 'content-type': 'application/json' };
const account = `/2010-04-01/Accounts/${accountSid}`;
const sid = (prefix: string): string => prefix + '3d'.repeat(16);
const service = sid('MG');
const number = '+15550100001';
const whatsApp = 'whatsapp:+5511800000001';
const encoded = encodeURIComponent(webhookUrl);

const connect = (from = whatsApp) => connectionOf('twilio', { from }).connect(webhookUrl, api.http);
const state = (from = whatsApp) => connectionOf('twilio', { from }).state(webhookUrl, api.http);
const answer = (...bodies: readonly object[]): void => {
  api.answers.push(...bodies.map((body) => ({ status: 200, body })));
};

const sender = {
  sid: sid('XE'),
  status: 'ONLINE',
  sender_id: whatsApp,
  webhook: {
    callback_url: webhookUrl,
    callback_method: 'POST',
    fallback_url: webhookUrl,
    fallback_method: 'POST',
    status_callback_url: webhookUrl,
    status_callback_method: 'POST',
  },
  properties: { quality_rating: 'HIGH', messaging_limit: '1K Customers/24hr' },
  offline_reasons: null,
};
const senders = {
  meta: { key: 'senders', next_page_url: null },
  senders: [{ ...sender, sid: sid('XD'), sender_id: 'whatsapp:+5511800000002' }, sender],
};
const ofService = {
  sid: service,
  inbound_request_url: webhookUrl,
  inbound_method: 'POST',
  fallback_url: webhookUrl,
  use_inbound_webhook_on_number: false,
};
const ofNumber = {
  sid: sid('PN'),
  phone_number: number,
  sms_url: webhookUrl,
  sms_method: 'POST',
  sms_fallback_url: webhookUrl,
  sms_application_sid: '',
};
const numbers = { incoming_phone_numbers: [ofNumber] };
const noAlerts = { alerts: [] };

describe('connecting', () => {
  test('a WhatsApp sender finds it and sets its three addresses', async () => {
    answer(senders, sender);
    await connect();
    expect(api.requests).toEqual([
      { method: 'GET', path: '/v2/Channels/Senders?Channel=whatsapp&PageSize=50', headers, body: '' },
      {
        method: 'POST',
        path: `/v2/Channels/Senders/${sender.sid}`,
        headers: jsonHeaders,
        body: { webhook: sender.webhook },
      },
    ]);
  });

  test('a WhatsApp sender finds it on a later page, on the same host', async () => {
    const next_page_url =
      'https://elsewhere.example.com/v2/Channels/Senders?Channel=whatsapp&Page=1&PageToken=x';
    answer({ ...senders, senders: [], meta: { next_page_url } }, senders, sender);
    await connect();
    expect(api.requests.map(({ path }) => path)).toEqual([
      '/v2/Channels/Senders?Channel=whatsapp&PageSize=50',
      '/v2/Channels/Senders?Channel=whatsapp&Page=1&PageToken=x',
      `/v2/Channels/Senders/${sender.sid}`,
    ]);
  });

  test('a number finds it and sets its address', async () => {
    answer(numbers, ofNumber);
    await connect(number);
    expect(api.requests).toEqual([
      {
        method: 'GET',
        path: `${account}/IncomingPhoneNumbers.json?PhoneNumber=%2B15550100001`,
        headers,
        body: '',
      },
      {
        method: 'POST',
        path: `${account}/IncomingPhoneNumbers/${ofNumber.sid}.json`,
        headers: formHeaders,
        body: `SmsUrl=${encoded}&SmsMethod=POST&SmsFallbackUrl=${encoded}&SmsFallbackMethod=POST&SmsApplicationSid=`,
      },
    ]);
  });

  test('a Messaging Service sets its address, which counts for all of its numbers', async () => {
    answer(ofService);
    await connect(service);
    expect(api.requests).toEqual([
      {
        method: 'POST',
        path: `/v1/Services/${service}`,
        headers: formHeaders,
        body: `InboundRequestUrl=${encoded}&InboundMethod=POST&FallbackUrl=${encoded}&FallbackMethod=POST&StatusCallback=${encoded}&UseInboundWebhookOnNumber=false`,
      },
    ]);
  });

  test.each(['55501', 'rcs:an_agent', 'ACME'])('%s is refused before any call', async (from) => {
    await expect(connect(from)).rejects.toMatchObject({ code: 'channel.not_connectable' });
    await expect(state(from)).rejects.toMatchObject({ code: 'channel.not_connectable' });
    expect(api.requests).toEqual([]);
  });

  test.each([
    [whatsApp, { ...senders, senders: [] }, `Twilio has no sender ${whatsApp}`],
    [whatsApp, { senders: [{ ...sender, sid: '../XE' }] }, `Twilio has no sender ${whatsApp}`],
    [number, { incoming_phone_numbers: [] }, `Twilio has no number ${number}`],
    [
      number,
      { incoming_phone_numbers: [{ ...ofNumber, phone_number: '+15550100009' }] },
      'Twilio has no number',
    ],
    [number, { incoming_phone_numbers: [{ ...ofNumber, sid: `${ofNumber.sid}/x` }] }, 'Twilio has no number'],
  ])('%s that the account does not have is refused: %j', async (from, list, message) => {
    answer(list);
    await expect(connect(from)).rejects.toMatchObject({
      code: 'channel.provider_refused',
      message: expect.stringContaining(message),
    });
    expect(api.requests).toHaveLength(1);
  });

  test('does not turn pages for ever', async () => {
    const next_page_url = 'https://messaging.twilio.com/v2/Channels/Senders?Page=1';
    answer({ senders: [], meta: { next_page_url } });
    await expect(connect()).rejects.toMatchObject({ code: 'channel.provider_refused' });
    expect(api.requests.length).toBeLessThan(50);
  });

  test.each([
    [{ status: 401, body: { code: 20_003, message: 'Authenticate' } }, 'channel.provider_refused'],
    [{ status: 404, body: { code: 20_404, message: 'Not found' } }, 'channel.provider_refused'],
    [{ status: 429, body: { code: 20_429, message: 'Too Many Requests' } }, 'channel.provider_unavailable'],
    [{ status: 503 }, 'channel.provider_unavailable'],
    [{ status: 200, body: '<html>' }, 'channel.provider_unavailable'],
    [{ status: 200, body: {} }, 'channel.provider_unavailable'],
    [{ status: 200, hang: true as const }, 'media.connection_failed'],
  ])('is not done after %j', async (given, code) => {
    for (const from of [whatsApp, number, service]) {
      api.answers.splice(0, Infinity, given);
      await expect(connect(from)).rejects.toMatchObject({ code });
    }
  });

  test('repeats no secret that an answer holds', async () => {
    api.answers.push({ status: 401, body: { code: 20_003, message: `${authorization} of ${secrets[1]}` } });
    await expect(connect()).rejects.toMatchObject({
      message: 'Twilio refused the call (401): Basic *** of ***',
    });
  });
});

const connected = { url: webhookUrl, isConnected: true, pending: null, lastError: null, notes: [] };

describe('the state', () => {
  test('of a WhatsApp sender is read from the sender and the debugger', async () => {
    answer(senders, sender, noAlerts);
    expect(await state()).toEqual(connected);
    expect(api.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'GET /v2/Channels/Senders?Channel=whatsapp&PageSize=50',
      `GET /v2/Channels/Senders/${sender.sid}`,
      'GET /v1/Alerts?LogLevel=error&PageSize=100',
    ]);
  });

  test('of a number and of a service is read likewise', async () => {
    answer(numbers, noAlerts);
    expect(await state(number)).toEqual(connected);
    api.answers.length = 0;
    answer(ofService, noAlerts);
    expect(await state(service)).toEqual(connected);
  });

  test.each([
    [{ callback_url: null }, null],
    [{ callback_url: '' }, null],
    [{ callback_url: 'https://user:word@old.example.com/hook?token=x' }, 'https://old.example.com/hook'],
    [{ callback_url: `${webhookUrl}-2` }, `${webhookUrl}-2`],
  ])('with another address is not connected: %j', async (change, url) => {
    answer(senders, { ...sender, webhook: { ...sender.webhook, ...change } }, noAlerts);
    expect(await state()).toEqual({ ...connected, url, isConnected: false });
  });

  test('says what else is missing', async () => {
    answer(
      senders,
      {
        ...sender,
        status: 'OFFLINE',
        offline_reasons: [{ code: '63020', message: 'Business did not accept the invitation.' }],
        properties: { quality_rating: 'LOW' },
        webhook: { ...sender.webhook, callback_method: 'GET', fallback_url: '' },
      },
      noAlerts,
    );
    expect(await state()).toEqual({
      ...connected,
      isConnected: false,
      notes: [
        'Twilio calls the address with GET, which is refused: set it to POST.',
        'There is no fallback address, so a webhook that fails once is lost.',
        'Twilio says that the sender is OFFLINE. Business did not accept the invitation.',
        'WhatsApp rates the quality of the sender as LOW.',
      ],
    });
  });

  test.each([
    [
      number,
      { incoming_phone_numbers: [{ ...ofNumber, sms_application_sid: sid('AP') }] },
      'application of Twilio',
    ],
    [service, { ...ofService, use_inbound_webhook_on_number: true }, 'webhooks of its numbers'],
  ])('of %s says that another address counts', async (from, body, words) => {
    answer(body, noAlerts);
    expect(await state(from)).toMatchObject({
      isConnected: false,
      notes: [expect.stringContaining(words)],
    });
  });

  const alert = {
    sid: sid('NO'),
    error_code: '11200',
    alert_text: `Msg&url=${encoded}&From=+15550100002`,
    request_url: `${webhookUrl}?x=1`,
    date_generated: '2026-11-21T09:59:00Z',
  };

  test('shows the newest error of this address in the debugger', async () => {
    const other = { ...alert, error_code: '30007', request_url: 'https://old.example.com/hook' };
    answer(senders, sender, { alerts: [other, alert, { ...alert, error_code: '12300' }] });
    expect(await state()).toEqual({
      ...connected,
      lastError: {
        message: 'error 11200: the webhook was not answered with 2xx',
        at: new Date('2026-11-21T09:59:00Z'),
      },
    });
  });

  test.each([
    [{ error_code: '54321' }, 'error 54321: see twilio.com/docs/api/errors/54321'],
    [{ error_code: 'constructor' }, 'an error without a code'],
    [{ error_code: null }, 'an error without a code'],
  ])('names an error that it does not know by its number: %j', async (change, message) => {
    answer(senders, sender, { alerts: [{ ...alert, ...change }] });
    expect(await state()).toMatchObject({ lastError: { message } });
  });

  test.each([
    { status: 403, body: { code: 20_003, message: 'x' } },
    { status: 200, body: {} },
    { status: 500 },
  ])('is known although the debugger cannot be read: %j', async (refusal) => {
    answer(senders, sender);
    api.answers.push(refusal);
    expect(await state()).toEqual({
      ...connected,
      notes: ['The errors in the debugger of Twilio could not be read.'],
    });
  });
});

describe('the hosts of the API', () => {
  async function hostsWith(apiUrl: string | undefined): Promise<string[]> {
    const settings = { ...credentials['twilio'], from: whatsApp, ...(apiUrl !== undefined && { apiUrl }) };
    const { connection } = twilio.load(settings, () => receivedAt);
    const asked: HttpRequest[] = [];
    const bodies = [senders, sender, noAlerts];
    await connection?.state(webhookUrl, (request) => {
      asked.push(request);
      return Promise.resolve({ status: 200, headers: {}, body: bodies[asked.length - 1] });
    });
    return asked.map(({ url }) => new URL(url).host);
  }

  test.each([
    [undefined, ['messaging.twilio.com', 'messaging.twilio.com', 'monitor.twilio.com']],
    [
      'https://api.dublin.ie1.twilio.com',
      ['messaging.dublin.ie1.twilio.com', 'messaging.dublin.ie1.twilio.com', 'monitor.dublin.ie1.twilio.com'],
    ],
    ['https://api.twilio.com.example.com', Array(3).fill('api.twilio.com.example.com')],
    ['https://twilio.example.com', Array(3).fill('twilio.example.com')],
  ])('follow the setting %p', async (apiUrl, hosts) => {
    expect(await hostsWith(apiUrl)).toEqual(hosts);
  });
});
