import { describe, expect, test } from '@jest/globals';

import { AppError } from '../../src/domain/errors.js';
import type { ProviderAdapter } from '../../src/domain/provider-adapter.js';
import type { HttpResponse, InboundEvent, InboundMessage, Verdict } from '../../src/domain/provider.js';
import type { OutboundMessage } from '../../src/domain/sending.js';
import { providers } from '../../src/providers/index.js';
import { evaluate, eventsOf } from '../support/evaluator.js';
import {
  credentials,
  type Proof,
  sampleOf,
  secrets,
  settings,
  signWebhook,
  webhookUrlOf,
} from '../support/signing.js';
import { compact, type Fixture, fixturesOf, outcomeOf, receivedAt, webhookOf } from './fixtures.js';

const bytesOf = (body: unknown): Buffer => Buffer.from(JSON.stringify(body));

function verdictOf(adapter: ProviderAdapter, rawBody: Uint8Array, proof: Proof, id = ''): Verdict {
  return adapter.verify(webhookOf(rawBody, proof, webhookUrlOf(id)));
}

const withMedia = (events: readonly InboundEvent[]): InboundMessage[] =>
  events.filter((event) => event.type === 'message');

const oddities: readonly unknown[] = [
  null,
  true,
  -1,
  9e99,
  '',
  '\0',
  '\ud800',
  'constructor',
  '__proto__',
  'x'.repeat(300),
  'https://',
  [],
  [[]],
  {},
  JSON.parse('{"__proto__":{"type":"image"}}'),
];

/** The events that the database could not store. */
function unstorable(events: readonly InboundEvent[]): unknown[] {
  // Well-formed JSON writes a lone surrogate as an escape and a pair unchanged.
  const texts = events.filter((event) => /\\u0000|\\ud[89a-f]/i.test(JSON.stringify(event)));
  const messages = withMedia(events).filter(
    ({ from, to, chat, messageId, media, sentAt }) =>
      [from, to, chat, messageId].some((id) => id === '' || (id?.length ?? 0) > 255) ||
      media.length === 0 ||
      Number.isNaN(sentAt?.getTime()),
  );
  return [...texts, ...messages];
}

function nested(levels: number, open: string, close: string): unknown {
  return JSON.parse(`${open.repeat(levels)}1${close.repeat(levels)}`);
}

test('every provider is listed under its own id, once', () => {
  expect(new Set(providers.map(({ id }) => id)).size).toBe(providers.length);
});

describe.each(providers.map((provider) => ({ id: provider.id, provider })))('$id', ({ id, provider }) => {
  const fixtures: Fixture[] = fixturesOf(id);
  const adapter = provider.load(settings[id], () => receivedAt);
  const sample = bytesOf(fixtures[0]?.body ?? {});

  test('has samples of every outcome', () => {
    const outcomes = new Set(fixtures.map(({ expected }) => expected.outcome));
    const possible = provider.reports.length > 0 ? (['status'] as const) : [];
    expect(outcomes).toEqual(new Set(['accepted', ...possible, 'ignored', 'malformed']));
  });

  test.each(fixtures)('$name parses as recorded', async ({ body, expected }) => {
    const events = await eventsOf(adapter, body, receivedAt);
    expect({ outcome: outcomeOf(events), events: compact(events) }).toEqual(expected);
    expect(unstorable(events)).toEqual([]);
  });

  test('describes the steps in its console and the webhook URL', () => {
    const webhookUrl = 'https://inlet.example.com/webhooks/a-channel';
    const steps = provider.setup(webhookUrl);
    expect(steps.length).toBeGreaterThanOrEqual(2);
    expect(steps.filter((step) => step.trim().length < 20)).toEqual([]);
    expect(steps.some((step) => step.includes(webhookUrl))).toBe(true);
  });

  test('describes every setting, and which ones are secret and which are required', () => {
    expect(provider.settings.map(({ name }) => name)).toEqual(Object.keys(provider.envKeys));
    expect(provider.settings.filter(({ description }) => description.length < 10)).toEqual([]);
    const secret = provider.settings.filter((setting) => setting.secret).map(({ name }) => name);
    expect(secret).toEqual(expect.arrayContaining([...provider.enabledBy]));
    const looksSecret = provider.settings.filter(({ name }) => /secret|key|^token|clientToken/i.test(name));
    expect(secret).toEqual(expect.arrayContaining(looksSecret.map(({ name }) => name)));
    // Required settings are among those that enable the channel; a secret that the service may choose is
    // generated.
    const needed = provider.settings.filter(({ required }) => required).map(({ name }) => name);
    const given = [...Object.keys(settings[id] ?? {}), provider.ownSecret];
    expect(needed.filter((name) => !given.includes(name))).toEqual([]);
  });

  test('exists with only a generated secret, if the service may choose it', () => {
    const { ownSecret, enabledBy } = provider;
    const made = { [ownSecret ?? '']: 'x'.repeat(43) };
    const load = () => provider.load(ownSecret === null ? settings[id] : made, () => receivedAt);
    expect(load).not.toThrow();
    expect(enabledBy).toEqual(expect.arrayContaining(ownSecret === null ? [] : [ownSecret]));
  });

  test('does not exist without a secret', () => {
    expect(provider.enabledBy).not.toHaveLength(0);
    expect(() =>
      provider.load(Object.fromEntries(provider.enabledBy.map((name) => [name, ''])), () => receivedAt),
    ).toThrow();
  });

  test('refuses a guessable secret without repeating it', () => {
    const guessable = Object.fromEntries(provider.enabledBy.map((name) => [name, 'hunter2']));
    expect(() => provider.load(guessable, () => receivedAt)).toThrow(/(8|16) characters/);
    expect(() => provider.load(guessable, () => receivedAt)).not.toThrow(/hunter2/);
  });

  test('refuses a sender without proof', () => {
    for (const { body } of fixtures)
      expect(verdictOf(adapter, bytesOf(body), { headers: {}, query: {} }, id).ok).toBe(false);
  });

  test('refuses a sender with a wrong secret', () => {
    const secret = 'another-secret-0123456789abcdef';
    expect(verdictOf(adapter, sample, signWebhook(id, sample, { secret, at: receivedAt }), id).ok).toBe(
      false,
    );
  });

  test('refuses an empty proof', () => {
    const proof = signWebhook(id, sample, { at: receivedAt });
    const emptied = (values: Record<string, string>) =>
      Object.fromEntries(Object.keys(values).map((name) => [name, '']));
    const empty = { headers: emptied(proof.headers), query: emptied(proof.query) };
    expect(verdictOf(adapter, sample, empty, id).ok).toBe(false);
  });

  test.each(secrets)('accepts a sender with the secret %s during a rotation', (secret) => {
    const proof = signWebhook(id, sample, { secret, at: receivedAt });
    expect(verdictOf(adapter, sample, proof, id)).toEqual({ ok: true });
  });

  test('verifies bytes that are not JSON and not even text', () => {
    const rawBody = Buffer.from([0xff, 0x00, 0xfe]);
    const proof = signWebhook(id, rawBody, { at: receivedAt });
    expect(verdictOf(adapter, rawBody, proof, id)).toEqual({ ok: true });
  });

  test('answers only a challenge with a valid token', () => {
    const handshake = adapter.handshake ?? (() => undefined);
    const token = sampleOf(id).verifyToken ?? secrets[1];
    const ask = { 'hub.mode': 'subscribe', 'hub.verify_token': token, 'hub.challenge': '115.8_a-Z' };
    expect(handshake(ask)).toBe(adapter.handshake ? '115.8_a-Z' : undefined);
    const wrong = [
      { ...ask, 'hub.verify_token': 'wrong' },
      { ...ask, 'hub.verify_token': undefined },
      { ...ask, 'hub.mode': 'unsubscribe' },
      { ...ask, 'hub.challenge': '<script>' },
      { ...ask, 'hub.challenge': '1'.repeat(201) },
      {},
    ];
    for (const one of wrong) expect(handshake(one)).toBeUndefined();
  });

  test('returns no events for payloads of other senders', () => {
    const foreign = [null, true, 1, 'x', '', [], [1, 'x', null], {}, { image: null }, { type: 7 }, [[]]];
    for (const payload of foreign) expect(adapter.parse(payload, receivedAt)).toEqual([]);
  });

  test('finds no media in payloads of other providers, unless they have the same format', () => {
    // AISoule and Sobot pass on Meta's payloads.
    const isMeta = (body: unknown) =>
      Array.isArray(body) || /whatsapp_business|"messaging_product":"whatsapp"/.test(JSON.stringify(body));
    const others = providers.filter((other) => other.id !== id).flatMap((other) => fixturesOf(other.id));
    for (const { body } of others.filter((fixture) => !isMeta(fixture.body)))
      expect(withMedia(adapter.parse(body, receivedAt))).toEqual([]);
  });

  test.each([
    ['lists', '[', ']'],
    ['values', '{"value":', '}'],
    ['containers', '{"type":"application/vnd.lime.container+json","value":', '}'],
    ['messages', '{"message":', '}'],
  ])('survives %s nested 100 000 deep', (_what, open, close) => {
    const deep = nested(100_000, open, close);
    const places = [deep, { type: 'application/vnd.lime.container+json', content: deep }];
    for (const payload of [...places, ...fixtures.slice(0, 5).map(({ body }) => replaceLeaves(body, deep))])
      expect(() => adapter.parse(payload, receivedAt)).not.toThrow();
  });

  test('survives lists of 200 000 items', () => {
    const wide = Array.from({ length: 200_000 }, () => ({}));
    for (const { body } of fixtures
      .filter((fixture) => JSON.stringify(fixture.body).includes('['))
      .slice(0, 12))
      expect(() => adapter.parse(widened(body, wide), receivedAt)).not.toThrow();
  });
});

/** Responses of every class, and undocumented bodies. */
const statuses = [100, 200, 201, 202, 204, 301, 400, 401, 403, 404, 408, 409, 422, 429, 500, 502, 503, 504];
const bodies: readonly unknown[] = [
  ...oddities,
  { error: { code: 1e308, message: {} }, status: 'error', success: false, message: ['x'] },
  { data: { id: 7 }, message_id: '', messageId: null, message_uuid: 'x'.repeat(300), code: 0 },
  { title: 5, type: [], detail: '\0', invalid_parameters: {}, retry_after_seconds: -1 },
];
const answers: HttpResponse[] = statuses.flatMap((status) =>
  bodies.map((body) => ({ status, body, headers: { 'retry-after': 'Thu, 99 Foo' } })),
);

describe.each(providers.map((provider) => ({ id: provider.id, provider })))(
  '$id, sending,',
  ({ id, provider }) => {
    const { sending } = provider.load(credentials[id], () => receivedAt);
    if (sending === undefined) throw new Error(`say in credentials.ts with which settings ${id} sends`);
    const secretNames = provider.settings.filter(({ secret }) => secret).map(({ name }) => name);
    const secretValues = secretNames.flatMap((name) => credentials[id]?.[name] ?? []);
    const checked = sending.checkOptions({ fit: true, fetch: false });
    const options = checked.ok ? checked.options : {};
    const message: OutboundMessage = {
      id: '01980000-0000-7000-8000-000000000001',
      to: '5511900000001',
      kind: 'image',
      content: { way: 'link', url: 'https://inlet.example.com/public/p1.jpg' },
      type: 'image/jpeg',
      bytes: 1,
      filename: 'rose.jpg',
      caption: 'look',
      replyTo: null,
      options,
      webhookUrl: webhookUrlOf(id),
    };

    test('names the settings it requires, and sends with each complete group only', () => {
      const receiving = Object.fromEntries(
        provider.settings.flatMap(({ name }) => {
          const value = settings[id]?.[name];
          return value === undefined || provider.sendingNeeds.flat().includes(name) ? [] : [[name, value]];
        }),
      );
      const apiUrl = 'https://api.example.com';
      const loaded = (names: readonly string[]) => {
        const given = names.map((name) => [name, credentials[id]?.[name] ?? apiUrl]);
        return provider.load({ ...receiving, ...Object.fromEntries(given) }, () => receivedAt).sending;
      };
      expect(provider.sendingNeeds.length).toBeGreaterThan(0);
      for (const group of provider.sendingNeeds) {
        expect(loaded(group)).toBeDefined();
        for (const missing of group) expect(loaded(group.filter((name) => name !== missing))).toBeUndefined();
      }
    });

    test('has limits for pictures that can be checked', () => {
      expect(Object.keys(sending.limits).length).toBeGreaterThan(0);
      for (const { media, rate, recipient, ways } of [
        ...Object.values(sending.limits),
        sending.limitsFor(options),
      ]) {
        expect(media.image?.types).toContain('image/jpeg');
        for (const { types, maxBytes, maxCaption } of Object.values(media)) {
          expect(types.filter((type) => !/^[a-z]+\/[\w.+-]+$/.test(type))).toEqual([]);
          expect(Number.isSafeInteger(maxBytes) && maxBytes > 0).toBe(true);
          expect(maxCaption === null || maxCaption >= 0).toBe(true);
        }
        expect(Math.min(rate.messages, rate.perMs, rate.burst)).toBeGreaterThanOrEqual(1);
        expect(recipient.description).not.toBe('');
        expect(ways.length).toBeGreaterThan(0);
        const whole = new RegExp(`^(?:${recipient.pattern})$`, 'u');
        for (const nobody of ['', 'Ana', '5511900000001 ', '55119\n', '5511/../x'])
          expect(whole.test(nobody)).toBe(false);
        // A plus is refused, or it means the same person.
        const digits = '5511900000001';
        expect(whole.test(`+${digits}`) ? sending.personOf?.(`+${digits}`) : digits).toBe(digits);
      }
      const { pattern } = sending.limitsFor(options).recipient;
      expect(new RegExp(`^(?:${pattern})$`, 'u').test(message.to)).toBe(true);
    });

    test('describes its options, and refuses unknown ones by name', () => {
      const schema = provider.sendOptions as { properties?: Record<string, { description?: string }> };
      const described = Object.values(schema.properties ?? {});
      expect(provider.sendOptions).toMatchObject({ type: 'object', additionalProperties: false });
      expect(described.filter(({ description = '' }) => description.length < 10)).toEqual([]);
      expect(checked.ok).toBe(true);
      expect(options).not.toHaveProperty('fit');
      expect(sending.checkOptions({ nobodyKnows: 1 })).toEqual({
        ok: false,
        problems: [{ field: 'options.nobodyKnows', message: expect.any(String) }],
      });
    });

    test('derives an outcome from every response, and accepts none without a message id', async () => {
      const outcomes = await Promise.all(
        answers.map(async (answer) => ({
          status: answer.status,
          outcome: await sending.send(message, () => Promise.resolve(answer), evaluate),
        })),
      );
      // Blip's 202 has no body: the service's id is the message id.
      const wrong = outcomes.filter(({ status, outcome }) => {
        if (outcome.type === 'accepted') return status !== 202 || outcome.messageId !== message.id;
        if (outcome.type === 'busy') return status !== 429;
        return outcome.message.length > 300 || (status >= 500 && outcome.type !== 'unknown');
      });
      expect(wrong).toEqual([]);
    });

    test('derives an outcome from every failure, and never retries a request that may have left', async () => {
      const failing = (error: unknown) =>
        // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
        sending.send(message, () => Promise.reject(error), evaluate);
      const timeout = (requestLeft: boolean) => new AppError('media.timeout', 'Too slow', { requestLeft });
      expect(await failing(timeout(true))).toEqual({ type: 'unknown', message: 'Too slow' });
      expect(await failing(timeout(false))).toMatchObject({ type: 'busy', code: 'timeout' });
      const forbidden = new AppError('media.forbidden_address', 'Not public', { requestLeft: false });
      expect(await failing(forbidden)).toMatchObject({ type: 'refused', code: 'forbidden_address' });
      for (const error of [new Error('x'), undefined, 'x'])
        expect(await failing(error)).toMatchObject({ type: 'unknown' });
    });

    test('keeps secrets out of its messages', async () => {
      const requests: unknown[] = [];
      const echo = secretValues.join(' ');
      const outcome = await sending.send(
        message,
        (request) => {
          requests.push(request);
          const body = { error: echo, message: echo, title: echo, detail: echo, description: echo, code: 4 };
          return Promise.resolve({ status: 400, headers: {}, body });
        },
        evaluate,
      );
      expect(requests).toHaveLength(1);
      const own = provider.sendingNeeds.flat().filter((name) => secretNames.includes(name));
      for (const value of own.map((name) => credentials[id]?.[name] ?? ''))
        expect(JSON.stringify(outcome)).not.toContain(value);
      for (const { url } of requests as { url: string }[]) expect(new URL(url).search).toBe('');
    });
  },
);

/** The payload with every text replaced that is not needed to recognise it. */
function replaceLeaves(value: unknown, leaf: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item: unknown) => replaceLeaves(item, leaf));
  return Object.fromEntries(
    Object.entries(value).map(([key, item]): [string, unknown] => [
      key,
      typeof item === 'string' && !/type|event|object|field/i.test(key) ? leaf : replaceLeaves(item, leaf),
    ]),
  );
}

/** The payload with every innermost list replaced. */
function widened(value: unknown, list: readonly unknown[]): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value))
    return JSON.stringify(value).lastIndexOf('[') > 0
      ? value.map((item: unknown) => widened(item, list))
      : list;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]): [string, unknown] => [key, widened(item, list)]),
  );
}
