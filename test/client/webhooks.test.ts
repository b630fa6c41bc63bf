/** What the client believes of calls that claim to come from a subscription. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';

import { InletError, verifyWebhook, type InletEvent, type VerifyOptions } from '../../src/client/index.js';
import { sampleEvent } from '../../src/http/views/event.js';

const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const other = `whsec_${Buffer.alloc(32, 8).toString('base64')}`;
const at = new Date('2026-11-21T10:00:00.500Z');
const body = JSON.stringify(sampleEvent(at));
const now = () => at;

/** The headers of a call, as the service sends them. */
function headersOf(text: string, { secrets = [secret], id = 'evt_17' } = {}) {
  return {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
    'webhook-signature': secrets.map((one) => new Webhook(one).sign(id, at, text)).join(' '),
  };
}

async function refusalOf(verification: Promise<InletEvent>): Promise<InletError> {
  const error: unknown = await verification.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof InletError) return error;
  throw new Error(`This is no InletError: ${String(error)}`);
}

describe('a call that the service has signed', () => {
  test.each<[name: string, body: string | Uint8Array | ArrayBuffer]>([
    ['text', body],
    ['bytes', Buffer.from(body)],
    ['an ArrayBuffer', new TextEncoder().encode(body).buffer],
  ])('brings its event, with its body as %s', async (_name, raw) => {
    const event = await verifyWebhook({ headers: headersOf(body), body: raw }, { secrets: secret, now });
    expect(event).toEqual(sampleEvent(at));
  });

  test('brings its event with headers of a Request, too', async () => {
    const request = new Request('http://listener.example/', {
      method: 'POST',
      headers: headersOf(body),
      body,
    });
    const call = { headers: request.headers, body: await request.arrayBuffer() };
    const { type } = await verifyWebhook(call, { secrets: secret, now });
    expect(type).toBe('media.ready');
  });

  test('has absolute links, if the address of the service is given', async () => {
    const call = { headers: headersOf(body), body };
    const options = { secrets: secret, now, baseUrl: 'https://shop.example/inlet/' };
    const event = await verifyWebhook(call, options);
    expect(event.type === 'media.ready' && event.data.contentUrl).toMatch(
      /^https:\/\/shop\.example\/inlet\/v1\/media\/[0-9-]+\/content$/,
    );
  });

  test.each<[name: string, secrets: string[], known: string | string[]]>([
    ['with the new secret and the one before', [other, secret], secret],
    ['with one of several that the receiver knows', [other], [secret, other]],
  ])('counts %s', async (_name, secrets, known) => {
    const call = { headers: headersOf(body, { secrets }), body };
    expect(await verifyWebhook(call, { secrets: known, now })).toEqual(sampleEvent(at));
  });

  test('counts whatever the event says', async () => {
    await fc.assert(
      fc.asyncProperty(fc.json(), fc.uint8Array({ minLength: 24, maxLength: 64 }), async (data, key) => {
        const text = `{"id":"1","type":"media.ready","data":{"any":${data}}}`;
        const secrets = [`whsec_${Buffer.from(key).toString('base64')}`];
        const event = await verifyWebhook(
          { headers: headersOf(text, { secrets }), body: text },
          { secrets, now },
        );
        expect(event).toEqual(JSON.parse(text));
      }),
    );
  });
});

describe('a call is refused', () => {
  const call = { headers: headersOf(body), body };
  const verify = (given: Partial<typeof call>, options: Partial<VerifyOptions> = {}) =>
    refusalOf(verifyWebhook({ ...call, ...given }, { secrets: secret, now, ...options }));
  const forged = { code: 'webhook.forged', status: 401 };

  test('that is signed with another secret', async () => {
    expect(await verify({}, { secrets: other })).toMatchObject(forged);
    expect(await verify({}, { secrets: [] })).toMatchObject(forged);
  });

  test('whose body, id or time has changed since', async () => {
    expect(await verify({ body: `${body} ` })).toMatchObject(forged);
    expect(await verify({ headers: { ...call.headers, 'webhook-id': 'evt_18' } })).toMatchObject(forged);
    const time = { 'webhook-timestamp': String(Number(call.headers['webhook-timestamp']) + 1) };
    expect(await verify({ headers: { ...call.headers, ...time } })).toMatchObject(forged);
  });

  test.each(['v1,', 'v1', 'v2,abc', ' ', 'v1,AAAA', `v1a,${'A'.repeat(43)}=`])(
    'whose signature is %j',
    async (signature) => {
      expect(await verify({ headers: { ...call.headers, 'webhook-signature': signature } })).toMatchObject(
        forged,
      );
    },
  );

  test.each(['webhook-id', 'webhook-timestamp', 'webhook-signature'])('without %s', async (name) => {
    const headers = { ...call.headers, [name]: '' };
    expect(await verify({ headers })).toMatchObject({ code: 'webhook.unsigned', status: 400 });
  });

  test.each([-301_000, 301_000])('that differs from the clock by %d ms', async (difference) => {
    const clock = () => new Date(Math.floor(at.getTime() / 1000) * 1000 + difference);
    expect(await verify({}, { now: clock })).toMatchObject({ code: 'webhook.stale', status: 401 });
    await expect(
      verifyWebhook(call, { secrets: secret, now: clock, toleranceSeconds: 301 }),
    ).resolves.toEqual(sampleEvent(at));
  });

  test('whose time is no time', async () => {
    const headers = { ...call.headers, 'webhook-timestamp': 'now' };
    expect(await verify({ headers })).toMatchObject({ code: 'webhook.stale' });
  });

  test.each(['', 'null', '[]', '{"id":"1"}', '{"id":1,"type":"x","data":{}}'])(
    'that is signed and whose body is %j',
    async (text) => {
      expect(await verify({ headers: headersOf(text), body: text })).toMatchObject({
        code: 'webhook.unreadable',
        status: 400,
      });
    },
  );

  test('with a secret that cannot be one, without showing it', async () => {
    for (const wrong of ['', 'whsec_', 'whsec_not base64!']) {
      const verification = verifyWebhook(call, { secrets: wrong, now });
      await expect(verification).rejects.toThrow(TypeError);
      await expect(verification).rejects.not.toThrow('not base64!');
    }
  });
});
