/** The answers that providers expect instead of a receipt. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { bodyOf, call, postUnproven, provenBy, type Receipt } from '../../support/client.js';
import { picture } from '../../support/payloads.js';
import { startTestService, type TestService } from '../../support/test-service.js';
import { until } from '../../support/until.js';

let service: TestService;
beforeEach(async () => {
  service = await startTestService({ queue: false });
});
afterEach(() => service.stop());

/** Posts like Twilio, which accepts any type. */
async function post(payload: unknown, accept = '*/*') {
  const body = bodyOf('twilio', payload);
  const { query, headers } = provenBy(service, 'twilio', { body });
  return postUnproven<Receipt | undefined>(service, 'twilio', {
    payload: body,
    query,
    headers: { ...headers, accept },
  });
}

const status = { MessageSid: 'SM1', MessageStatus: 'delivered', To: '+15550100002', From: '+15550100001' };
const malformed = { ...picture('twilio'), MediaUrl0: '' };
const text = { MessageSid: 'SM2', NumMedia: '0', Body: 'hello', From: '+15550100002' };

describe('Twilio', () => {
  it.each([
    ['a picture', 'accepted', picture('twilio')],
    ['a status', 'status', status],
    ['a text', 'ignored', text],
    ['a picture without an address', 'malformed', malformed],
    ['something unknown', 'ignored', 'hello=world'],
  ])('is answered with empty TwiML to %s', async (_what, outcome, payload) => {
    for (let time = 0; time < 2; time += 1) {
      const answer = await post(payload);
      expect(answer).toMatchObject({ status: 200, headers: { 'content-type': 'text/xml' } });
      expect(answer.headers['x-request-id']).toMatch(/^[\da-f-]{36}$/);
      expect(answer.bytes.toString()).toBe('<?xml version="1.0" encoding="UTF-8"?><Response/>');
    }
    expect(await service.database.query('select outcome from delivery')).toEqual([{ outcome }]);
  });

  it('is answered so if the webhook waits on the disk for the database', async () => {
    await service.database.goAway();
    const answer = await post(picture('twilio'));
    expect(answer.bytes.toString()).toBe('<?xml version="1.0" encoding="UTF-8"?><Response/>');
    await service.database.comeBack();
    const kept = async () =>
      (
        await service.database.query<{ outcome: string; headers: object }>(
          'select outcome, headers from delivery',
        )
      )[0];
    // The type that says how the body is read is kept with it.
    expect(await until(kept)).toEqual({
      outcome: 'accepted',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
  });

  it('is refused like others', async () => {
    const answer = await postUnproven(service, 'twilio', { payload: bodyOf('twilio', text) });
    expect(answer).toMatchObject({
      status: 401,
      headers: { 'content-type': expect.stringMatching(/^application\/problem\+json/) },
      body: { code: 'webhook.unproven' },
    });
  });
});

it.each(['application/json', ' Application/JSON '])(
  'a caller that accepts nothing but JSON gets a receipt: %p',
  async (accept) => {
    const { body } = await post(picture('twilio'), accept);
    expect(body).toMatchObject({ outcome: 'accepted', duplicate: false, media: [expect.any(String)] });
  },
);

it.each(['', 'application/json, */*', 'text/xml', 'application/json;q=0.1'])(
  'a caller that accepts %p gets what the provider expects',
  async (accept) => {
    expect((await post(picture('twilio'), accept)).headers['content-type']).toBe('text/xml');
  },
);

it('a form that is stored can be parsed again', async () => {
  await post(malformed);
  const [stored] = await service.database.query<{ id: string }>('select id from delivery');
  const answer = await call<Receipt>(service.url, `/v1/deliveries/${String(stored?.id)}/replay`, {
    method: 'post',
    token: service.token('admin'),
  });
  expect(answer.body).toMatchObject({ delivery: stored?.id, outcome: 'malformed', media: [] });
});
