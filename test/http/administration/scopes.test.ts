/** Every operation of the document with every kind of token: who may call it, and what the others learn. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { bytes, startMediaHost, type MediaHost } from '../../../src/demo/media-host.js';
import { photo } from '../../../src/demo/photos.js';
import { scopes, type Scope } from '../../../src/domain/access.js';
import { openApiDocument } from '../../../src/http/openapi/document.js';
import { call, receive, type MediaView, type Problem } from '../../support/client.js';
import { picture } from '../../support/payloads.js';
import { startTestService, type TestService } from '../../support/test-service.js';
import { operationsOf, type OpenApiDocument } from '../openapi/contract.js';

const document = openApiDocument('https://inlet.example.com') as OpenApiDocument;
const operations = operationsOf(document).map(([name, operation]) => {
  const [method = '', path = ''] = name.split(' ');
  return { name, method, path, scope: operation['x-scope'] as Scope | undefined };
});
const guarded = operations.filter(({ scope }) => scope !== undefined);

let host: MediaHost;
let service: TestService;
let revoked: string;

beforeAll(async () => {
  host = await startMediaHost();
  service = await startTestService({
    mediaHosts: [host.host],
    env: { API_REQUESTS_PER_MINUTE: '1000000', PUBLIC_MEDIA_LINKS: 'always' },
  });
  revoked = await revokedToken();
});
afterAll(async () => {
  await service.stop();
  await host.close();
});

async function revokedToken(): Promise<string> {
  const token = service.token('admin');
  const json = { name: 'lost', scopes: ['admin'] };
  const made = await call<{ id: string; token: string }>(service.url, '/v1/tokens', {
    method: 'post',
    token,
    json,
  });
  await call(service.url, `/v1/tokens/${made.body.id}`, { method: 'delete', token });
  return made.body.token;
}

const nothing = '019aa5e2-0000-7000-8000-000000000000';
const addressOf = (path: string): string => path.replaceAll(/\{\w+\}/g, nothing);

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly token?: string | undefined;
  readonly body?: string | undefined;
}

interface Answered {
  readonly status: number;
  readonly text: string;
  readonly code?: string | undefined;
}

/** A stream has no end: its status is its answer. */
async function ask({ method, path, token, body }: Asked): Promise<Answered> {
  const response = await fetch(service.url + path, {
    method: method.toUpperCase(),
    headers: {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body }),
  });
  if (response.headers.get('content-type')?.startsWith('text/event-stream')) {
    await response.body?.cancel();
    return { status: response.status, text: '' };
  }
  const text = await response.text();
  const isProblem = response.headers.get('content-type')?.startsWith('application/problem+json');
  return { status: response.status, text, ...(isProblem && { code: (JSON.parse(text) as Problem).code }) };
}

it('is shown for as many operations as the document has', () => {
  expect(guarded.length).toBeGreaterThan(35);
  expect(new Set(guarded.map(({ scope }) => scope))).toEqual(new Set(scopes));
});

describe.each(guarded)('$name', ({ method, path, scope }) => {
  const withToken = (token?: string) => ask({ method, path: addressOf(path), token });

  it('asks for a token, and says what is wrong with one', async () => {
    const expired = service.token('admin', { expiresInSeconds: -1 });
    const answers = [
      await withToken(),
      await withToken('no.such.token'),
      await withToken(expired),
      await withToken(revoked),
    ];
    expect(answers.map(({ status, code }) => ({ status, code }))).toEqual(
      ['auth.missing', 'auth.invalid', 'auth.expired', 'auth.revoked'].map((code) => ({ status: 401, code })),
    );
  });

  const granting = scopes.filter((given) => given === scope || given === 'admin');

  it.each([...granting, scopes.join(' ')])('takes a token with %s', async (given) => {
    const { status } = await withToken(service.token(given));
    expect([200, 202, 400, 404, 409, 422]).toContain(status);
  });

  it.each(scopes.filter((given) => !granting.includes(given)))(
    'refuses a token with %s alone',
    async (given) => {
      const { status, code } = await withToken(service.token(given));
      expect({ status, code }).toEqual({ status: 403, code: 'auth.scope' });
    },
  );
});

/** What somebody sent, and who they are. */
const secrets = {
  from: '5511933334444',
  senderName: 'Quitéria Xavier',
  caption: 'the garden behind the red house',
};

describe('what is known of a person', () => {
  let media: MediaView;
  let delivery: string;
  let told: readonly string[];

  beforeAll(async () => {
    const url = host.serve(
      '/garden.jpg',
      bytes('image/jpeg', await photo({ seed: 9, width: 320, height: 240 })),
    );
    const payload = { ...picture('z-api', { url, ...secrets }), senderName: secrets.senderName };
    media = await receive(service, 'z-api', payload);
    const [row] = await service.database.query<{ id: string }>('select id from delivery limit 1');
    delivery = row?.id ?? '';
    told = [...Object.values(secrets), String(media.message?.id), String(media.sha256)];
  });

  const realAddress = (path: string): string =>
    path
      .replace('/media/{id}', `/media/${media.id}`)
      .replace('/deliveries/{id}', `/deliveries/${delivery}`)
      .replace('{messageId}', String(media.message?.id))
      .replace('/contacts/{channel}/{contact}', `/contacts/z-api/${secrets.from}?dryRun=true`)
      .replace('{channel}', 'z-api')
      .replaceAll(/\{\w+\}/g, nothing);

  const leaks = ({ text }: Answered): string[] => told.filter((secret) => text.includes(secret));

  const bodyOf = (name: string): string | undefined =>
    name === 'post /v1/messages'
      ? JSON.stringify({
          channel: 'z-api',
          to: '5511900000001',
          kind: 'image',
          media: { id: media.id },
        })
      : undefined;

  it('is there to be told', async () => {
    const token = service.token('media:read');
    expect(leaks(await ask({ method: 'get', path: `/v1/media/${media.id}`, token }))).toEqual(told);
  });

  it.each(operations)(
    'is not told by $name to a token that may only send',
    async ({ name, method, path }) => {
      const token = service.token('messages:send');
      expect(leaks(await ask({ method, path: realAddress(path), token, body: bodyOf(name) }))).toEqual([]);
    },
  );

  it.each(operations)(
    'is not told by $name to a token of another channel',
    async ({ name, method, path }) => {
      const token = service.token(scopes.join(' '), { channels: ['blip'] });
      expect(leaks(await ask({ method, path: realAddress(path), token, body: bodyOf(name) }))).toEqual([]);
    },
  );

  it.each(operations)('is not told by $name to anybody without a token', async ({ name, method, path }) => {
    expect(leaks(await ask({ method, path: realAddress(path), body: bodyOf(name) }))).toEqual([]);
  });

  it('is still there after all of this', async () => {
    const token = service.token('media:read');
    expect(leaks(await ask({ method: 'get', path: `/v1/media/${media.id}`, token }))).toEqual(told);
  });
});
