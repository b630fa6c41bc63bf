/** What proves a sender, and what every kind of webhook is answered with. */
import { createHash, createHmac, generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import jwt from 'jsonwebtoken';

import { providers } from '../../../src/providers/index.js';
import { fixturesOf } from '../../providers/fixtures.js';
import {
  bodyOf,
  call,
  postUnproven,
  postWebhook,
  provenBy,
  type Problem,
  type Receipt,
} from '../../support/client.js';
import { picture } from '../../support/payloads.js';
import { sampleOf, secrets, settings } from '../../support/signing.js';
import { startTestService, type TestService } from '../../support/test-service.js';

const maxBytes = 200_000;
const [firstSecret, secondSecret] = secrets;
const channels = providers.map(({ id }) => id);
const uuid = expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);

let service: TestService;

beforeAll(async () => {
  service = await startTestService({
    queue: false,
    env: { MAX_WEBHOOK_BYTES: String(maxBytes), FAILED_WEBHOOKS_PER_MINUTE: '1000' },
  });
});

afterAll(async () => {
  await service.stop();
});

function hasChallenges(channel: string): boolean {
  const provider = providers.find(({ id }) => id === channel);
  return provider?.load(settings[channel], () => new Date()).handshake !== undefined;
}

/** How many rows there are in each table that a webhook may write to. */
async function countRows(): Promise<unknown> {
  const tables = ['delivery', 'message', 'media', 'message_status', 'graphile_worker._private_jobs'];
  const counts = tables.map((table) => `(select count(*) from ${table}) as "${table}"`);
  return (await service.database.query(`select ${counts.join(', ')}`))[0];
}

async function expectNothingKept(work: () => Promise<void>): Promise<void> {
  const before = await countRows();
  await work();
  expect(await countRows()).toEqual(before);
}

function problem(status: number, code: string): object {
  return {
    status,
    headers: expect.objectContaining({
      'content-type': expect.stringMatching(/^application\/problem\+json/),
    }),
    body: {
      type: `urn:inlet:problem:${code}`,
      title: expect.any(String),
      status,
      code,
      detail: expect.any(String),
    },
  };
}

it('answers 404 for a channel that does not exist, and keeps nothing', async () => {
  await expectNothingKept(async () => {
    for (const channel of ['nobody', 'Z-API', 'z-api%2F', 'constructor', '%00', '..%2Fhealth']) {
      const answer = await postUnproven(service, channel, {
        payload: picture('z-api'),
        query: { token: firstSecret },
      });
      expect(answer).toMatchObject(problem(404, 'webhook.unknown_channel'));
    }
  });
});

it('refuses a webhook with cookies, of which Node.js makes a list, like any other', async () => {
  const added = await call<{ id: string }>(service.url, '/v1/channels', {
    method: 'post',
    token: service.token('admin'),
    json: { provider: 'custom', settings: { webhookSecret: firstSecret, proofName: 'Set-Cookie' } },
  });
  const answer = await call(service.url, `/webhooks/${added.body.id}`, {
    method: 'post',
    json: {},
    headers: { 'set-cookie': firstSecret },
  });
  expect(answer).toMatchObject(problem(401, 'webhook.unproven'));
});

it.each(['/webhooks/z-api/', '/webhooks/z%2Dapi', '/Webhooks/z-api', '/webhooks/z-api/?x=1'])(
  'takes a webhook at another spelling of its address: %s',
  async (path) => {
    const answer = await call<Receipt>(service.url, path, {
      method: 'post',
      json: picture('z-api'),
      headers: { 'x-inlet-token': firstSecret },
    });
    expect(answer).toMatchObject({ status: 200, body: { outcome: 'accepted' } });
  },
);

it.each([
  ['/webhooks', 404, 'request.not_found'],
  ['/webhooks/', 404, 'request.not_found'],
  ['/webhooks/z-api/more', 404, 'request.not_found'],
  ['/webhooks/%E0%A4%A', 400, 'request.invalid'],
  ['//webhooks/z-api', 404, 'request.not_found'],
])('takes no webhook at %s', async (path, status, code) => {
  await expectNothingKept(async () => {
    const answer = await call(service.url, path, {
      method: 'post',
      json: picture('z-api'),
      headers: { 'x-inlet-token': firstSecret },
    });
    expect(answer).toMatchObject(problem(status, code));
  });
});

it('forgets a webhook that is cut off, and goes on', async () => {
  await expectNothingKept(async () => {
    const { port, hostname } = new URL(service.url);
    const socket = connect(Number(port), hostname);
    socket.write(
      `POST /webhooks/z-api?token=${firstSecret} HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{"type":`,
    );
    socket.end();
    await once(socket.resume(), 'close');
  });
  expect(await postWebhook(service, 'z-api', picture('z-api'))).toMatchObject({ status: 200 });
});

it('answers the next webhook on a connection whose last one was too large', async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const send = (body: string, chunked: boolean): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      const sending = request(`${service.url}/webhooks/z-api?token=${firstSecret}`, {
        method: 'POST',
        agent,
        headers: chunked ? {} : { 'content-length': Buffer.byteLength(body) },
      });
      sending.on('error', reject).on('response', (response) => {
        response.resume().on('end', () => {
          resolve(response.statusCode);
        });
      });
      sending.end(body);
    });
  try {
    for (const chunked of [true, false]) {
      expect(await send('x'.repeat(maxBytes * 2), chunked)).toBe(413);
      expect(await send(JSON.stringify(picture('z-api')), chunked)).toBe(200);
    }
  } finally {
    agent.destroy();
  }
});

it('has no channel for a provider whose secret is not set', async () => {
  const bare = await startTestService({ queue: false, env: { ZAPI_WEBHOOK_SECRET: '' } });
  try {
    expect(await postWebhook(bare, 'z-api', picture('z-api'))).toMatchObject(
      problem(404, 'webhook.unknown_channel'),
    );
    expect(await postWebhook(bare, 'sobot', picture('sobot'))).toMatchObject({ status: 200 });
  } finally {
    await bare.stop();
  }
});

describe.each(channels)('%s', (channel) => {
  const { contentType = 'application/json', verifyToken } = sampleOf(channel);
  const isJson = contentType === 'application/json';
  /** A webhook of exactly so many bytes. */
  const ofSize = (size: number): Buffer => {
    const payload = bodyOf(channel, picture(channel));
    return Buffer.concat([payload, Buffer.alloc(size - payload.length, ' ')]);
  };

  it('is answered with the delivery, its outcome and the ids of its media', async () => {
    const answer = await postWebhook(service, channel, picture(channel));

    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toMatch(/^application\/json/);
    expect(answer.body).toEqual({ delivery: uuid, outcome: 'accepted', duplicate: false, media: [uuid] });
    expect(
      await service.database.query(
        'select id, channel, provider, outcome, headers from delivery where id = $1',
        [answer.body.delivery],
      ),
    ).toEqual([
      {
        id: answer.body.delivery,
        channel,
        provider: channel,
        outcome: 'accepted',
        headers: { 'content-type': contentType },
      },
    ]);
  });

  it.each(fixturesOf(channel).map(({ name, body, expected }) => ({ name, body, expected })))(
    'keeps its sample $name',
    async ({ body, expected }) => {
      const { status, body: receipt } = await postWebhook(service, channel, body);

      expect({ status, outcome: receipt.outcome }).toEqual({ status: 200, outcome: expected.outcome });
      const kept = await service.database.query<{ body: Buffer }>('select body from delivery where id = $1', [
        receipt.delivery,
      ]);
      expect(kept[0]?.body.toString()).toBe(bodyOf(channel, body).toString());
    },
  );

  it('takes the second secret, too, as during a rotation', async () => {
    const body = bodyOf(channel, picture(channel));
    const answer = await postUnproven<Receipt>(service, channel, {
      payload: body,
      ...provenBy(service, channel, { body, secret: secondSecret }),
    });
    expect(answer).toMatchObject({ status: 200, body: { outcome: 'accepted' } });
  });

  it('is refused with another secret, and nothing is kept', async () => {
    await expectNothingKept(async () => {
      for (const secret of ['another-secret-0123456789', firstSecret.slice(0, -1), `${firstSecret}x`]) {
        const body = bodyOf(channel, picture(channel));
        const answer = await postUnproven(service, channel, {
          payload: body,
          ...provenBy(service, channel, { body, secret }),
        });
        expect(answer).toMatchObject(problem(401, 'webhook.unproven'));
      }
    });
  });

  it('is refused without a proof, and nothing of it is parsed or kept', async () => {
    const refusal =
      channel === 'vonage' ? problem(503, 'webhook.unsigned') : problem(401, 'webhook.unproven');
    await expectNothingKept(async () => {
      for (const payload of [picture(channel), 'this is not JSON', Buffer.from([0xff, 0xfe, 0x00]), '']) {
        expect(await postUnproven(service, channel, { payload })).toMatchObject(refusal);
      }
    });
  });

  it.each([
    ['no JSON', 'this is not JSON'],
    ['JSON that stops half-way', '{"type": "Received'],
    ['nothing', ''],
    ['two documents', '{}{}'],
    ['bytes', Buffer.from([0x00, 0xff, 0xd8])],
  ])('is answered 400 when it is proven and %s, unless it is a form', async (_, payload) => {
    // Any bytes are a form.
    const answer = isJson ? problem(400, 'webhook.not_json') : { status: 200, body: { outcome: 'ignored' } };
    const post = async () => {
      expect(await postWebhook(service, channel, payload)).toMatchObject(answer);
    };
    await (isJson ? expectNothingKept(post) : post());
  });

  it('may have as many bytes as the limit says, and not one more', async () => {
    const fitting = await postWebhook(service, channel, ofSize(maxBytes));
    expect(fitting).toMatchObject({ status: 200, body: { outcome: 'accepted' } });

    await expectNothingKept(async () => {
      const tooLarge = await postWebhook(service, channel, ofSize(maxBytes + 1));
      expect(tooLarge).toMatchObject(problem(413, 'webhook.too_large'));
    });
  });

  it('is held to the limit when it does not say how large it is', async () => {
    const body = ofSize(maxBytes + 1);
    const { headers, query } = provenBy(service, channel, { body });
    await expectNothingKept(async () => {
      const answer = await fetch(
        `${service.url}/webhooks/${channel}?${new URLSearchParams(query).toString()}`,
        { method: 'POST', headers, body: new Blob([body]).stream(), duplex: 'half' },
      );
      expect({ status: answer.status, body: await answer.json() }).toMatchObject({
        status: 413,
        body: { code: 'webhook.too_large' },
      });
    });
  });

  it('is not unpacked', async () => {
    const body = gzipSync(bodyOf(channel, picture(channel)));
    const { headers, query } = provenBy(service, channel, { body });
    await expectNothingKept(async () => {
      const answer = await postUnproven(service, channel, {
        payload: body,
        query,
        headers: { ...headers, 'content-encoding': 'gzip' },
      });
      expect(answer).toMatchObject(problem(415, 'webhook.unsupported_encoding'));
    });
  });

  it.each([
    // The type decides how a signature of Twilio is made.
    ...(isJson ? ['application/json; charset=utf-16'] : []),
    'text/plain',
    'application/x-www-form-urlencoded',
    'nonsense',
  ])('is understood whatever its Content-Type says: %s', async (type) => {
    const body = bodyOf(channel, picture(channel));
    const { headers, query } = provenBy(service, channel, { body });
    const answer = await postUnproven<Receipt>(service, channel, {
      payload: body,
      query,
      headers: { ...headers, 'content-type': type },
    });
    expect(answer).toMatchObject({ status: 200, body: { outcome: 'accepted' } });
  });

  it.each(['{}', '[]', 'null', '42', '"text"', 'true', '{"hello":["world"]}'])(
    'is kept and ignored when it is foreign: %s',
    async (payload) => {
      const answer = await postWebhook(service, channel, payload);
      expect(answer).toMatchObject({ status: 200, body: { outcome: 'ignored', media: [] } });
    },
  );

  it.each(['put', 'delete', 'patch'] as const)('cannot be %s', async (method) => {
    const answer = await call(service.url, `/webhooks/${channel}?token=${firstSecret}`, { method });
    expect(answer).toMatchObject(problem(405, 'request.method_not_allowed'));
    expect(answer.headers['allow']).toBe('GET, HEAD, POST');
  });

  describe('asked with GET', () => {
    const ask = (query: Record<string, string>) =>
      call<Problem | undefined>(service.url, `/webhooks/${channel}?${new URLSearchParams(query).toString()}`);
    const tokens = verifyToken === undefined ? secrets : [verifyToken];
    const right = { 'hub.mode': 'subscribe', 'hub.verify_token': tokens[0], 'hub.challenge': '1158201444' };

    const echo = {
      status: 200,
      headers: {
        'content-type': expect.stringMatching(/^text\/plain/),
        'x-content-type-options': 'nosniff',
      },
      bytes: Buffer.from('1158201444'),
    };

    it.each(tokens)(
      'echoes the challenge to who knows a secret, if the provider has challenges',
      async (secret) => {
        const answer = await ask({ ...right, 'hub.verify_token': secret });
        expect(answer).toMatchObject(hasChallenges(channel) ? echo : problem(404, 'request.not_found'));
      },
    );

    it.each([
      ['with nothing', {}],
      ['with a wrong token', { ...right, 'hub.verify_token': 'wrong' }],
      ['with an empty token', { ...right, 'hub.verify_token': '' }],
      ['with another mode', { ...right, 'hub.mode': 'unsubscribe' }],
      ['without a challenge', { 'hub.mode': right['hub.mode'], 'hub.verify_token': tokens[0] }],
      ['with a challenge that is a document', { ...right, 'hub.challenge': '<script>alert(1)</script>' }],
    ])('answers 404 %s', async (_, query) => {
      expect(await ask(query)).toMatchObject(problem(404, 'request.not_found'));
    });
  });
});

describe.each(['blip', 'z-api', 'sobot'])('the secret of %s', (channel) => {
  const post = (proof: { query?: Record<string, string>; headers?: Record<string, string> }) =>
    postUnproven(service, channel, { payload: picture(channel), ...proof });

  it('may come in the header', async () => {
    expect(await post({ headers: { 'x-inlet-token': firstSecret } })).toMatchObject({ status: 200 });
  });

  it.each([
    ['in a header with another name', { headers: { authorization: `Bearer ${firstSecret}` } }],
    ['in another parameter', { query: { secret: firstSecret } }],
    ['empty', { query: { token: '' } }],
    ['as the whole list', { query: { token: secrets.join(',') } }],
    ['in other letters', { query: { token: firstSecret.toUpperCase() } }],
  ])('proves nothing %s', async (_, proof) => {
    expect(await post(proof)).toMatchObject(problem(401, 'webhook.unproven'));
  });

  it('proves nothing when it comes more than once', async () => {
    const answer = await call(service.url, `/webhooks/${channel}?token=${firstSecret}&token=${firstSecret}`, {
      method: 'post',
      json: picture(channel),
    });
    expect(answer).toMatchObject(problem(401, 'webhook.unproven'));
  });
});

describe('the signature of aisoule', () => {
  const payload = JSON.stringify(picture('aisoule'));
  const mac = (secret: string): string => createHmac('sha256', secret).update(payload).digest('hex');
  const post = (headers: Record<string, string>) => postUnproven(service, 'aisoule', { payload, headers });

  it.each([
    { 'x-aisoule-signature': `sha256=${mac(firstSecret)}` },
    { 'x-webhook-signature': mac(firstSecret) },
    { 'x-webhook-signature': mac(secondSecret).toUpperCase() },
  ])('is taken in both spellings', async (headers) => {
    expect(await post(headers)).toMatchObject({ status: 200 });
  });

  it.each([
    ['of another body', { 'x-aisoule-signature': `sha256=${mac('another-secret-0123456789')}` }],
    ['without its prefix', { 'x-aisoule-signature': mac(firstSecret) }],
    ['that is empty', { 'x-aisoule-signature': '' }],
    ['that is cut short', { 'x-webhook-signature': mac(firstSecret).slice(0, 32) }],
    [
      'when the other one is wrong',
      { 'x-aisoule-signature': `sha256=${mac(firstSecret)}`, 'x-webhook-signature': mac('wrong') },
    ],
    ['that is the secret itself', { 'x-inlet-token': firstSecret }],
  ])('is refused %s', async (_, headers) => {
    expect(await post(headers)).toMatchObject(problem(401, 'webhook.unproven'));
  });

  it('covers every byte', async () => {
    const headers = { 'x-webhook-signature': mac(firstSecret) };
    const answer = await postUnproven(service, 'aisoule', { payload: `${payload} `, headers });
    expect(answer).toMatchObject(problem(401, 'webhook.unproven'));
  });
});

describe('the signature of vonage', () => {
  const payload = JSON.stringify(picture('vonage'));
  const seconds = (): number => Math.floor(Date.now() / 1000);
  const payloadHash = createHash('sha256').update(payload).digest('hex');
  const claims = () => ({ iat: seconds(), jti: 'one', payload_hash: payloadHash });
  const post = (token: string) =>
    postUnproven(service, 'vonage', { payload, headers: { authorization: `Bearer ${token}` } });
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });

  it.each([-86_300, -290, 0, 290])('is fresh when it is %i seconds from now', async (offset) => {
    const token = jwt.sign({ ...claims(), iat: seconds() + offset }, firstSecret);
    expect(await post(token)).toMatchObject({ status: 200 });
  });

  it.each([
    ['too old', () => jwt.sign({ ...claims(), iat: seconds() - 86_410 }, firstSecret)],
    ['from the future', () => jwt.sign({ ...claims(), iat: seconds() + 310 }, firstSecret)],
    ['without a date', () => jwt.sign({ payload_hash: payloadHash }, firstSecret, { noTimestamp: true })],
    ['of another body', () => jwt.sign({ ...claims(), payload_hash: '0'.repeat(64) }, firstSecret)],
    ['of no body', () => jwt.sign({ iat: seconds() }, firstSecret)],
    ['with no algorithm', () => jwt.sign(claims(), '', { algorithm: 'none' })],
    ['with HS512', () => jwt.sign(claims(), firstSecret, { algorithm: 'HS512' })],
    ['with RS256', () => jwt.sign(claims(), privateKey, { algorithm: 'RS256' })],
    ['that is no token', () => 'nonsense'],
  ])('is refused %s', async (_, sign) => {
    expect(await post(sign())).toMatchObject(problem(401, 'webhook.unproven'));
  });

  it('is not made up for by a token when it is wrong', async () => {
    const answer = await postUnproven(service, 'vonage', {
      payload,
      query: { token: firstSecret },
      headers: { authorization: 'Bearer nonsense' },
    });
    expect(answer).toMatchObject(problem(401, 'webhook.unproven'));
  });

  it('is not needed for conversation events, whose address proves them', async () => {
    const event = fixturesOf('vonage').find(({ name }) => name === 'conversation-image')?.body;
    const answer = await postUnproven(service, 'vonage', { payload: event, query: { token: firstSecret } });
    expect(answer).toMatchObject({ status: 200, body: { outcome: 'accepted' } });
  });
});
