/**
 * Runs the whole demo scenario and every kind of failure against a real process that logs as much as it can.
 * Everything that it has printed is then searched for confidential data.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { createClient } from '../../src/client/index.js';
import { answerPictures } from '../../src/demo/answers.js';
import { startSimulator, type Simulator } from '../../src/demo/providers/index.js';
import { providerIds } from '../../src/demo/providers/registry.js';
import type { Webhook } from '../../src/demo/providers/simulated-provider.js';
import { runScenario, type StepResult } from '../../src/demo/run-scenario.js';
import { scenario } from '../../src/demo/scenario.js';
import { call, type Call } from '../support/client.js';
import { createSecrets, spellings } from '../support/leaks.js';
import { projectFolder } from '../support/program.js';
import { cloneDatabase, type TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';
import { startService, token, type RunningService } from './service.js';

/** The product's own words; the demo's are those of people. */
const ownWords = ['providers', 'domain', 'infra', 'pipeline', 'http']
  .flatMap((floor) =>
    readdirSync(join(projectFolder, 'dist', floor), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.js'))
      .map((name) => readFileSync(join(projectFolder, 'dist', floor, name), 'utf8')),
  )
  .join('\n');
/** Ids of version 7 are the service's own; those of the simulated providers are not. */
const isOwnId = (text: string): boolean =>
  /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/.test(text);
/** Each line of the log has its time, which may equal that of a webhook. */
const isTime = (text: string): boolean => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(text);
/** A word, a MIME type or similar, which neither counts nor identifies anything. */
const isOwnWord = (text: string): boolean =>
  isOwnId(text) ||
  isTime(text) ||
  (/^[a-z][\w\-./+; =]*$/i.test(text) && !/\d{5}|^(?:Ana|Bruno)$/.test(text) && ownWords.includes(text));

const secrets = createSecrets(isOwnWord);
const { add } = secrets;

let cwd: string;
let database: TestDatabase;
let simulator: Simulator;
let subscriber: Server;
let service: RunningService;
let admin: string;
let results: readonly StepResult[];
let printed: string;

const authSecret = add('the-secret-that-signs-tokens-and-links');

beforeAll(async () => {
  subscriber = createServer((request, response) => {
    request.resume();
    response.writeHead(500).end(add('what a subscriber answers'));
  });
  await new Promise<void>((listening) => subscriber.listen(0, '127.0.0.1', listening));
  [cwd, database, simulator] = await Promise.all([
    mkdtemp(join(tmpdir(), 'inlet-logs-')),
    cloneDatabase(),
    startSimulator(),
  ]);
  const providerSettings = simulator.env();
  const port = String((subscriber.address() as AddressInfo).port);
  const env = {
    ...providerSettings,
    AUTH_SECRET: authSecret,
    DATABASE_URL: database.connectionString,
    LOG_LEVEL: 'trace',
    MAX_MEDIA_BYTES: String(20 * 1024 * 1024),
    FETCH_ALLOW_PRIVATE_HOSTS: `${providerSettings['FETCH_ALLOW_PRIVATE_HOSTS'] ?? ''},127.0.0.1:${port}`,
  };
  addSettings(providerSettings);
  add(new URL(database.connectionString).password);
  service = await startService(cwd, env);
  admin = addToken((await token(cwd, ['--scope', 'admin'], env)).output);
  simulator.reportTo(service.url);
  await play();
  await meddle();
  await failInside();
  await service.kill('SIGTERM');
  printed = service.output();
}, 300_000);
afterAll(async () => {
  await Promise.all([simulator.close(), database.drop(), rm(cwd, { recursive: true })]);
  subscriber.close();
  subscriber.closeAllConnections();
});

function addSettings(settings: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(settings)) {
    if (/_URL$|_HOSTS$/.test(name)) continue;
    // A key of several lines would not be found as one text.
    for (const line of value.split(/\\n|\n|,/)) if (line.length > 5 && !line.startsWith('-----')) add(line);
  }
}

function addToken(jwt: string): string {
  for (const part of jwt.split('.').slice(1)) add(part);
  return add(jwt);
}

const isForm = (headers: Webhook['headers']): boolean =>
  headers['content-type']?.startsWith('application/x-www-form-urlencoded') ?? false;

function addWebhook({ path, headers, body }: Webhook): void {
  const proofs = [
    headers['authorization']?.replace(/^Bearer /, ''),
    new URL(path, 'http://x').searchParams.get('token'),
  ];
  const signatures = Object.entries(headers).flatMap(([name, value]) =>
    /signature|token/i.test(name) ? [value.replace('sha256=', '')] : [],
  );
  for (const proof of [...proofs, ...signatures]) if (proof) add(proof);
  secrets.addAllOf(isForm(headers) ? Object.fromEntries(new URLSearchParams(body)) : JSON.parse(body));
  add(body.slice(0, 30));
}

const ask = <Body = Record<string, string>>(path: string, what: Call = {}) =>
  call<Body>(service.url, path, { token: admin, ...what });

/** The actions of people and providers: pictures in, pictures out. */
async function play(): Promise<void> {
  const { url: baseUrl } = service;
  const steps = (await scenario(simulator)).map((step) => ({
    ...step,
    webhook: () => {
      const webhook = step.webhook();
      addWebhook(webhook);
      return webhook;
    },
  }));
  await ask('/v1/subscriptions', {
    method: 'post',
    json: { url: `http://127.0.0.1:${portOf(subscriber)}/${add('path-of-a-subscriber')}` },
  }).then(({ body }) => add(String(body['secret'])));
  results = await runScenario({ baseUrl, token: admin, simulator, steps });
  const client = createClient({ baseUrl, token: admin });
  await answerPictures({ client, simulator, received: results });
  for (const id of providerIds)
    for (const { id: messageId, to, request } of simulator.providers[id].api.accepted) {
      secrets.addAllOf({ messageId, to });
      secrets.addAllOf(request);
    }
}

const portOf = (server: Server): string => String((server.address() as AddressInfo).port);

/** The actions of strangers, faulty clients and administrators. */
async function meddle(): Promise<void> {
  const phone = add('5521977776666');
  for (const id of providerIds) {
    const { path, headers, body } = simulator.providers[id].webhook({
      kind: 'text',
      text: add('a text that nobody reads'),
    });
    const wrong = path.replace(/token=[^&]+/, `token=${add('a-wrong-proof-in-the-address')}`);
    const proofs = {
      ...headers,
      authorization: `Bearer ${add('a.wrong.proof')}`,
      'x-webhook-signature': add('a wrong signature'),
      'x-hub-signature-256': `sha256=${add('a wrong signature of Meta')}`,
      'x-telegram-bot-api-secret-token': add('a-wrong-secret-of-Telegram'),
      'x-app-signature': `sha256=${add('a wrong signature of an app')}`,
    };
    await call(service.url, wrong, { method: 'post', raw: body, headers: proofs });
    await call(service.url, path, { method: 'post', raw: add('{ not JSON at all'), headers });
    await call(service.url, path, {
      method: 'post',
      raw: JSON.stringify({ id: add('a malformed body') }),
      headers,
    });
  }
  const media = results.find(({ state }) => state === 'ready')?.mediaId ?? '';
  const linked = await ask(`/v1/media/${media}/link`, { method: 'post', json: { expiresIn: 60 } });
  const link = new URL(String(linked.body['url']));
  add(link.search);
  for (const value of link.searchParams.values()) add(value);
  const form = new FormData();
  form.set('channel', 'z-api');
  form.set('file', new Blob(['no picture']), add('a-file-of-somebody.jpg'));
  const packed = new Response(form);
  const made = await ask('/v1/tokens', {
    method: 'post',
    json: { name: add('token of somebody'), scopes: ['admin'] },
  });
  const channel = {
    id: 'second',
    provider: 'z-api',
    settings: { clientToken: add('a-client-token-0123456789') },
  };
  const added = await ask('/v1/channels', { method: 'post', json: channel });
  add(String(added.body['webhookSecret']));
  const session = { method: 'post', headers: { 'x-inlet-request': '1' } } as const;
  await Promise.all([
    call(service.url, link.pathname + link.search),
    call(service.url, `${link.pathname}${link.search}${add('spoiled-signature')}`),
    call(service.url, '/v1/session', { ...session, json: { token: admin } }),
    call(service.url, '/v1/session', { ...session, json: { token: add('wrong.session.token') } }),
    ask(`/v1/media?q=${add('words-that-are-searched')}&from=${phone}`),
    ask(`/v1/media?${add('an-unknown-parameter')}=1`),
    ask(`/v1/messages/z-api/${add('MESSAGE-ID-OF-A-PROVIDER')}`),
    ask(`/${add('a-path-that-is-none')}/${phone}`),
    ask('/v1/media', { token: add('no.token.this') }),
    ask('/v1/media', { token: addToken(`${admin.slice(0, -4)}AAAA`) }),
    ask('/v1/messages', {
      method: 'post',
      raw: add('{"malformed JSON'),
      headers: { 'content-type': 'application/json' },
    }),
    ask('/v1/messages', {
      method: 'post',
      headers: { 'idempotency-key': add('a-key-of-a-client') },
      json: {
        channel: 'z-api',
        to: phone,
        kind: 'image',
        media: { url: `http://127.0.0.1:1/${add('path-of-a-picture')}.jpg` },
      },
    }),
    ask('/v1/media', {
      method: 'post',
      raw: Buffer.from(await packed.arrayBuffer()),
      headers: { 'content-type': packed.headers.get('content-type') ?? '' },
    }),
    ask('/health/live', {
      headers: { 'x-request-id': add('5531988887777'), cookie: `inlet_session=${add('cookie.of.somebody')}` },
    }),
  ]);
  await ask(`/v1/tokens/${String(made.body['id'])}`, { method: 'delete' });
  await ask('/v1/media', { token: addToken(String(made.body['token'])) });
  await ask(`/v1/media/${media}`, { method: 'delete' });
  await ask(`/v1/contacts/z-api/${phone}`, { method: 'delete' });
  await ask('/v1/contacts/vonage/5511999990000', { method: 'delete' });
}

/** The database becomes unavailable while webhooks and requests arrive, and recovers. */
async function failInside(): Promise<void> {
  await database.goAway();
  for (const id of providerIds) {
    const webhook = simulator.providers[id].webhook({
      kind: 'text',
      text: add(`a text that is spooled for ${id}`),
    });
    addWebhook(webhook);
    await call(service.url, webhook.path, { method: 'post', raw: webhook.body, headers: webhook.headers });
  }
  await ask(`/v1/media?q=${add('words-while-it-is-away')}`);
  await ask(`/v1/contacts/z-api/${add('5541966665555')}`, { method: 'delete' });
  await database.comeBack();
  await until(async () => (await ask('/health/ready')).status === 200, 90_000);
  await until(() => service.output().includes('replayed the spool'), 90_000);
}

describe('the log of a full run', () => {
  test('covers a full run', () => {
    expect(results.filter(({ matched }) => !matched)).toEqual([]);
    const lines = [
      'a request was answered',
      'a webhook was accepted',
      'a download attempt failed',
      'a message was sent',
    ];
    const troubles = ['a request failed', 'the database is unavailable', 'replayed the spool', 'stopping'];
    expect([...lines, ...troubles].filter((words) => !printed.includes(words))).toEqual([]);
    for (const code of ['auth.invalid', 'auth.revoked', 'request.invalid', 'webhook.unproven'])
      expect(printed).toContain(code);
  });

  test('contains no confidential data', () => {
    expect(secrets.foundIn(printed)).toEqual([]);
  });

  test('is searched for all personal and secret data', () => {
    const people = ['5511999990000', '5511888880000', 'Ana', 'Bruno', 'Look!', 'My parcel', 'Thank you!'];
    const others = ['invoice.pdf', 'Is my parcel on its way?', 'a-message-of-ours', authSecret, admin];
    const all = new Set(secrets.all());
    expect([...people, ...others].filter((text) => !all.has(text))).toEqual([]);
    expect(all.size).toBeGreaterThan(150);
  });

  test('is searched with a method that finds each of them, in any place and spelling', () => {
    const lines = printed.split('\n');
    const missed = secrets.all().flatMap((secret) =>
      ways(secret)
        .map((planted) =>
          [...lines.slice(0, 3), `{"level":30,"msg":"${planted}"}`, ...lines.slice(3, 6)].join('\n'),
        )
        .filter((log) => !secrets.isFoundIn(log, secret))
        .map(() => secret),
    );
    expect(missed).toEqual([]);
  });
});

/** A short text is only found unchanged. */
function ways(secret: string): string[] {
  if (secret.length < 6) return [secret, `x ${secret}!`];
  const inside = [0, 1, 2].map((before) =>
    Buffer.from(`${'x'.repeat(before)}${secret}yz`).toString('base64'),
  );
  return [
    ...spellings(secret),
    ...inside,
    Buffer.from(`a ${secret} b`).toString('hex'),
    JSON.stringify({ secret }),
  ];
}
