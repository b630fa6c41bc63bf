import { describe, expect, test } from '@jest/globals';

import type { InboundEvent, InboundMessage, Verdict } from '../../src/domain/provider.js';
import type { ProviderAdapter } from '../../src/domain/provider-adapter.js';
import { providers } from '../../src/providers/index.js';
import { compact, type Fixture, fixturesOf, outcomeOf, receivedAt } from './fixtures.js';
import { type Proof, secrets, settings, signWebhook } from './signing.js';

const bytesOf = (body: unknown): Buffer => Buffer.from(JSON.stringify(body));

function verdictOf(adapter: ProviderAdapter, rawBody: Uint8Array, { headers, query }: Proof): Verdict {
  return adapter.verify({ rawBody, headers, query, receivedAt });
}

const withMedia = (events: readonly InboundEvent[]): InboundMessage[] =>
  events.filter((event) => event.type === 'message');

/** Repeatable numbers from 0 to 1 (mulberry32), so that a failure can be seen again. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

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

/** The same payload with some values replaced by odd ones, dropped or moved into lists. */
function damaged(value: unknown, random: () => number): unknown {
  const luck = random();
  if (luck < 0.06) return oddities[Math.floor(random() * oddities.length)];
  if (luck < 0.08) return [value, value];
  if (Array.isArray(value)) return value.map((item: unknown) => damaged(item, random));
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(() => random() > 0.03);
  return Object.fromEntries(kept.map(([key, item]): [string, unknown] => [key, damaged(item, random)]));
}

/** What the database could not take of these events. */
function unstorable(events: readonly InboundEvent[]): unknown[] {
  // Well-formed JSON writes a lone surrogate as an escape; a pair is written as it is.
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
    expect(outcomes).toEqual(new Set(['accepted', 'status', 'ignored', 'malformed']));
  });

  test.each(fixtures)('$name parses as recorded', ({ body, expected }) => {
    const events = adapter.parse(body, receivedAt);
    expect({ outcome: outcomeOf(events), events: compact(events) }).toEqual(expected);
    expect(unstorable(events)).toEqual([]);
  });

  test('says what to do in its console, and where the webhooks go', () => {
    const webhookUrl = 'https://inlet.example.com/webhooks/a-channel';
    const steps = provider.setup(webhookUrl);
    expect(steps.length).toBeGreaterThanOrEqual(2);
    expect(steps.filter((step) => step.trim().length < 20)).toEqual([]);
    expect(steps.some((step) => step.includes(webhookUrl))).toBe(true);
  });

  test('describes every setting, and says which are secret and which are needed', () => {
    expect(provider.settings.map(({ name }) => name)).toEqual(Object.keys(provider.envKeys));
    expect(provider.settings.filter(({ description }) => description.length < 10)).toEqual([]);
    const secret = provider.settings.filter((setting) => setting.secret).map(({ name }) => name);
    expect(secret).toEqual(expect.arrayContaining([...provider.enabledBy]));
    const looksSecret = provider.settings.filter(({ name }) => /secret|key|^token|clientToken/i.test(name));
    expect(secret).toEqual(expect.arrayContaining(looksSecret.map(({ name }) => name)));
    // What is needed is there in the settings that enable it; the secret that we may choose is made.
    const needed = provider.settings.filter(({ required }) => required).map(({ name }) => name);
    const given = [...Object.keys(settings[id] ?? {}), provider.ownSecret];
    expect(needed.filter((name) => !given.includes(name))).toEqual([]);
  });

  test('exists with nothing but the secret that was made for it, where it may be ours to choose', () => {
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

  test('refuses a secret that can be guessed, without repeating it', () => {
    const guessable = Object.fromEntries(provider.enabledBy.map((name) => [name, 'hunter2']));
    expect(() => provider.load(guessable, () => receivedAt)).toThrow(/(8|16) characters/);
    expect(() => provider.load(guessable, () => receivedAt)).not.toThrow(/hunter2/);
  });

  test('refuses a sender without proof', () => {
    for (const { body } of fixtures)
      expect(verdictOf(adapter, bytesOf(body), { headers: {}, query: {} }).ok).toBe(false);
  });

  test('refuses a sender with a wrong secret', () => {
    const secret = 'another-secret-0123456789abcdef';
    expect(verdictOf(adapter, sample, signWebhook(id, sample, { secret, at: receivedAt })).ok).toBe(false);
  });

  test('refuses an empty proof', () => {
    const proof = signWebhook(id, sample, { at: receivedAt });
    const emptied = (values: Record<string, string>) =>
      Object.fromEntries(Object.keys(values).map((name) => [name, '']));
    const empty = { headers: emptied(proof.headers), query: emptied(proof.query) };
    expect(verdictOf(adapter, sample, empty).ok).toBe(false);
  });

  test.each(secrets)('accepts a sender with the secret %s while secrets are rotated', (secret) => {
    expect(verdictOf(adapter, sample, signWebhook(id, sample, { secret, at: receivedAt }))).toEqual({
      ok: true,
    });
  });

  test('verifies bytes that are not JSON and not even text', () => {
    const rawBody = Buffer.from([0xff, 0x00, 0xfe]);
    expect(verdictOf(adapter, rawBody, signWebhook(id, rawBody, { at: receivedAt }))).toEqual({ ok: true });
  });

  test('answers a challenge with a right token, and no other', () => {
    const ask = { 'hub.mode': 'subscribe', 'hub.verify_token': secrets[1], 'hub.challenge': '115.8_a-Z' };
    expect(adapter.handshake?.(ask)).toBe('115.8_a-Z');
    expect(adapter.handshake?.({ ...ask, 'hub.verify_token': 'wrong' })).toBeUndefined();
    expect(adapter.handshake?.({ ...ask, 'hub.verify_token': undefined })).toBeUndefined();
    expect(adapter.handshake?.({ ...ask, 'hub.mode': 'unsubscribe' })).toBeUndefined();
    expect(adapter.handshake?.({ ...ask, 'hub.challenge': '<script>' })).toBeUndefined();
    expect(adapter.handshake?.({ ...ask, 'hub.challenge': '1'.repeat(201) })).toBeUndefined();
    expect(adapter.handshake?.({})).toBeUndefined();
  });

  test('has nothing to say about payloads that are not its own', () => {
    const foreign = [null, true, 1, 'x', '', [], [1, 'x', null], {}, { image: null }, { type: 7 }, [[]]];
    for (const payload of foreign) expect(adapter.parse(payload, receivedAt)).toEqual([]);
  });

  test('finds no media in payloads of other providers, unless they have the same shape', () => {
    // AISoule and Sobot pass on bodies of Meta.
    const isMeta = (body: unknown) =>
      Array.isArray(body) || JSON.stringify(body).includes('whatsapp_business');
    const others = providers.filter((other) => other.id !== id).flatMap((other) => fixturesOf(other.id));
    for (const { body } of others.filter((fixture) => !isMeta(fixture.body)))
      expect(withMedia(adapter.parse(body, receivedAt))).toEqual([]);
  });

  test('survives damaged payloads, and whatever it makes of them can be stored', () => {
    const random = randomNumbers(20261121);
    for (const { body } of fixtures)
      for (let round = 0; round < 60; round += 1)
        expect(unstorable(adapter.parse(damaged(body, random), receivedAt))).toEqual([]);
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

/** The payload with every text that is not needed to recognise it replaced. */
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

/** The payload with every list that holds no other list replaced. */
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
