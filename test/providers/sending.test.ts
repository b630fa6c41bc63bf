/** What the sending halves of all providers have in common. */
import { describe, expect, test } from '@jest/globals';

import { credentials } from '../support/signing.js';
import { receivedAt } from './fixtures.js';
import { startRecordingApi } from './recording-api.js';
import { api, send, sendingOf, type AnswerCase } from './sending-stage.js';

/** Responses that mean the same for every provider. */
describe.each(Object.keys(credentials).map((id) => ({ id })))('$id', ({ id }) => {
  test.each<AnswerCase>([
    {
      name: 'is busy for a number of seconds',
      answer: { status: 429, headers: { 'retry-after': '7' } },
      outcome: { type: 'busy', retryAfterMs: 7_000, code: 'http_429', message: 'the provider answered 429' },
    },
    {
      name: 'is busy until a date',
      answer: {
        status: 429,
        headers: { 'retry-after': new Date(receivedAt.getTime() + 60_000).toUTCString() },
      },
      outcome: { type: 'busy', retryAfterMs: 60_000, code: 'http_429', message: 'the provider answered 429' },
    },
    {
      name: 'is busy for an unknown time',
      answer: { status: 429, headers: { 'retry-after': 'soon' } },
      outcome: { type: 'busy', retryAfterMs: null, code: 'http_429', message: 'the provider answered 429' },
    },
    {
      name: 'is out of service and names a retry time',
      answer: { status: 503, headers: { 'retry-after': '30' } },
      outcome: { type: 'busy', retryAfterMs: 30_000, code: 'http_503', message: 'the provider answered 503' },
    },
    {
      name: 'is out of service with an unknown outcome',
      answer: { status: 503, body: '<html>Service Unavailable</html>' },
      outcome: { type: 'unknown', message: 'the provider answered 503' },
    },
    {
      name: 'fails with an unknown outcome',
      answer: { status: 500, body: '' },
      outcome: { type: 'unknown', message: 'the provider answered 500' },
    },
    {
      name: 'redirects, with an unknown outcome',
      answer: { status: 302, headers: { location: '/elsewhere' } },
      outcome: { type: 'unknown', message: 'the provider answered 302' },
    },
    {
      name: 'agrees with an unknown text',
      answer: { status: 200, body: '<html>Welcome</html>' },
      outcome: { type: 'unknown', message: 'the provider answered 200' },
    },
    {
      name: 'agrees with JSON without a message id',
      answer: { status: 200, body: { ok: true, data: [], id: {}, message_id: null } },
      outcome: { type: 'unknown', message: 'the provider answered 200' },
    },
    {
      name: 'refuses with a page',
      answer: { status: 403, body: '<html>Forbidden</html>' },
      outcome: { type: 'refused', code: 'http_403', message: 'the provider answered 403' },
    },
    {
      name: 'receives the request and sends no response',
      answer: { status: 200, hang: true },
      outcome: {
        type: 'unknown',
        message: expect.stringMatching(/could not be reached/) as unknown as string,
      },
    },
  ])('$name', async ({ answer, outcome }) => {
    api.answers.push(answer);
    expect(await send(id, {})).toEqual(outcome);
    expect(api.requests).toHaveLength(1);
  });

  test('cannot be reached: nothing was sent', async () => {
    const gone = await startRecordingApi();
    await gone.close();
    expect(await send(id, { settings: { apiUrl: gone.origin } })).toMatchObject({
      type: 'busy',
      retryAfterMs: null,
      code: 'connection_failed',
    });
  });
});

describe('to a WhatsApp user without a phone number', () => {
  const to = 'BR.13491208655302741918';
  const from = '5511800000001';

  test.each([
    { id: 'blip', options: {}, body: { to: `${to}@wa.gw.msging.net` } },
    { id: 'z-api', options: {}, body: { phone: to } },
    { id: 'vonage', options: { from }, body: { to, channel: 'whatsapp' } },
    { id: 'aisoule', options: {}, body: { to } },
    { id: 'aisoule', options: { generation: 'v2' }, body: { to } },
    { id: 'sobot', options: {}, body: { customer_number: to, customer_name: to } },
    { id: 'meta', options: {}, body: { recipient: to } },
  ])('$id uses their id, with $options', async ({ id, options, body }) => {
    const { pattern } = sendingOf(id).limitsFor(options).recipient;
    const takes = new RegExp(`^(?:${pattern})$`, 'u');
    expect(takes.test(to)).toBe(true);
    for (const nobody of ['br.13491208655302741918', 'BRA.1', 'BR.', 'BR.1/2', `BR.${'1'.repeat(129)}`])
      expect(takes.test(nobody)).toBe(false);
    await send(id, { message: { to }, options });
    expect(api.requests).toMatchObject([{ body }]);
  });

  test('Blip accepts the domain of the network with it, for the same person', async () => {
    const sending = sendingOf('blip');
    expect(sending.personOf?.(`${to}@wa.gw.msging.net`)).toBe(to);
    await send('blip', { message: { to: `${to}@wa.gw.msging.net` } });
    expect(api.requests).toMatchObject([{ body: { to: `${to}@wa.gw.msging.net` } }]);
  });

  test.each(['messenger', 'mms', 'viber_service'])('%s has no such users', (channel) => {
    const { pattern } = sendingOf('vonage').limitsFor({ channel }).recipient;
    expect(new RegExp(`^(?:${pattern})$`, 'u').test(to)).toBe(false);
  });
});
