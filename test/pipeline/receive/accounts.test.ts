/**
 * Which channels receive which part of a webhook that concerns several accounts, and what each of them
 * stores.
 */
import { describe, expect, test } from '@jest/globals';

import type { Channel } from '../../../src/domain/channel.js';
import { channelPartsOf, type ChannelPart } from '../../../src/pipeline/receive/accounts.js';
import { meta } from '../../../src/providers/meta/index.js';
import { sobot } from '../../../src/providers/sobot.js';

const now = () => new Date('2026-11-21T10:00:00.000Z');

interface Account {
  readonly secret?: string;
  readonly number?: string;
}

function channelOf(id: string, { secret = 'app-secret-one', number }: Account = {}): Channel {
  const adapter = meta.load({ appSecret: secret, phoneNumberId: number }, now);
  return { id, provider: 'meta', source: 'database', settings: [], adapter };
}

const one = channelOf('one', { number: '101' });
const two = channelOf('two', { number: '102' });
const stranger = channelOf('stranger', { secret: 'app-secret-two', number: '103' });

/** A picture that was sent to this number; undefined names none. */
const change = (number: string | undefined, id: string) => ({
  field: 'messages',
  value: {
    ...(number !== undefined && {
      metadata: { display_phone_number: `1555010${number}`, phone_number_id: number },
    }),
    messages: [{ id, from: '15550100501', type: 'image', image: { id: '900' } }],
  },
});
const accountUpdate = { field: 'account_update', value: { event: 'VERIFIED_ACCOUNT' } };
const payloadOf = (...entries: readonly (readonly object[])[]) => ({
  object: 'whatsapp_business_account',
  entry: entries.map((changes, index) => ({ id: `account-${String(index)}`, changes })),
});

const headers = { 'content-type': 'application/json' };
const rawBody = Buffer.from('the bytes of the webhook');

function partsOf(
  channel: Channel,
  all: readonly Channel[],
  payload: unknown,
  disabled: readonly Channel[] = [],
): readonly ChannelPart[] {
  const ofProvider = (provider: string) => all.filter((other) => other.provider === provider);
  const active = (id: string) => all.find((other) => other.id === id && !disabled.includes(other));
  return channelPartsOf({ channel, payload, rawBody, headers }, { ofProvider, active });
}

/** The messages of each part, as the channel of the part reads it. */
function messagesOf(parts: readonly ChannelPart[]): Record<string, unknown> {
  return Object.fromEntries(
    parts.map(({ channel, payload }) => [channel.id, idsIn(channel, payload)] as const),
  );
}

function idsIn({ adapter }: Channel, payload: unknown): unknown[] {
  return adapter
    .parse(payload, now())
    .map((event) => (event.type === 'message' ? event.messageId : event.type));
}

describe('a webhook for several numbers of one app', () => {
  const payload = payloadOf(
    [change('101', 'a'), change('102', 'b')],
    [change('102', 'c')],
    [change('104', 'd')],
  );

  test('is divided among their channels, and the receiving one keeps the rest', () => {
    const parts = partsOf(one, [one, two, stranger], payload);
    expect(parts.map(({ channel }) => channel.id)).toEqual(['one', 'two']);
    expect(messagesOf(parts)).toEqual({ one: ['a', 'd'], two: ['b', 'c'] });
  });

  test('loses the part of a disabled channel, which no other channel may read', () => {
    const parts = partsOf(one, [one, two, stranger], payload, [two]);
    expect(messagesOf(parts)).toEqual({ one: ['a', 'd'] });
    expect(parts[0]?.rawBody.includes('"b"')).toBe(false);
    const forOther = partsOf(one, [one, two, stranger], payloadOf([change('102', 'b')]), [two]);
    expect(messagesOf(forOther)).toEqual({ one: ['ignored'] });
    expect(forOther[0]?.rawBody.includes('"b"')).toBe(false);
  });

  test('is divided in the same way whichever of them receives it', () => {
    expect(messagesOf(partsOf(two, [one, two, stranger], payload))).toEqual({
      two: ['b', 'c', 'd'],
      one: ['a'],
    });
  });

  test('goes to the channel of its number only, if it names no other', () => {
    const parts = partsOf(one, [one, two], payloadOf([change('102', 'b')]));
    expect(messagesOf(parts)).toEqual({ two: ['b'] });
  });

  test('leaves the rest to a channel that knows no number of its own', () => {
    const unaware = channelOf('unaware');
    expect(messagesOf(partsOf(unaware, [unaware, two], payload))).toEqual({
      unaware: ['a', 'd'],
      two: ['b', 'c'],
    });
  });

  test.each([
    ['a channel of another app', [one, stranger], payloadOf([change('103', 'x')])],
    ['a number that no channel has', [one, two], payloadOf([change('104', 'x')])],
    ['its own number', [one, two], payloadOf([change('101', 'x')])],
    [
      'a second channel of its own number',
      [one, channelOf('copy', { number: '101' })],
      payloadOf([change('101', 'x')]),
    ],
    ['a channel without a number', [one, channelOf('unaware')], payloadOf([change('101', 'x')])],
    ['no other channel', [one], payloadOf([change('102', 'x')])],
  ])('stays whole for %s', (_what, all, whole) => {
    expect(partsOf(one, all, whole)).toEqual([{ channel: one, payload: whole, rawBody, headers }]);
  });

  test('goes to the channels that share one of several secrets', () => {
    const rotated = channelOf('rotated', { secret: 'app-secret-new,app-secret-one', number: '102' });
    expect(messagesOf(partsOf(one, [one, rotated], payload))).toEqual({
      one: ['a', 'd'],
      rotated: ['b', 'c'],
    });
  });

  test('loses nothing that names no number', () => {
    const unnamed = payloadOf([change(undefined, 'a'), change('102', 'b')], [accountUpdate]);
    expect(messagesOf(partsOf(one, [one, two], unnamed))).toEqual({ one: ['a', 'ignored'], two: ['b'] });
    const broken = {
      ...payloadOf([change('102', 'b')]),
      entry: [{ changes: [change('102', 'b')] }, 'broken'],
    };
    expect(messagesOf(partsOf(one, [one, two], broken))).toEqual({ one: ['malformed'], two: ['b'] });
  });

  test.each([null, 'x', [], {}, { entry: null }, { entry: [] }, { entry: [{}] }, [change('102', 'b')]])(
    'that is not understood stays whole: %j',
    (odd) => {
      expect(partsOf(one, [one, two], odd)).toEqual([{ channel: one, payload: odd, rawBody, headers }]);
    },
  );

  test('survives a hundred thousand changes', () => {
    const many = payloadOf(
      Array.from({ length: 100_000 }, (_, index) => change(`10${String(index % 4)}`, 'x')),
    );
    const counts = partsOf(one, [one, two], many).map(
      ({ channel, payload }) => idsIn(channel, payload).length,
    );
    expect(counts).toEqual([75_000, 25_000]);
  });
});

test('a webhook of a provider without accounts stays whole', () => {
  const adapter = sobot.load({ webhookSecret: 'a-secret-0123456789' }, now);
  const channel: Channel = { id: 'sobot', provider: 'sobot', source: 'database', settings: [], adapter };
  const payload = [change('102', 'b')];
  const parts = partsOf(channel, [channel, { ...channel, id: 'other' }], payload);
  expect(parts).toEqual([{ channel, payload, rawBody, headers }]);
});

describe('a part', () => {
  const payload = payloadOf([change('101', 'a'), change('102', 'b')], [change('104', 'd')], [accountUpdate]);
  const [rest, ofTwo] = partsOf(one, [one, two], payload);

  test('is stored without anything of the other channels', () => {
    const texts = [rest, ofTwo].map((part) => part?.rawBody.toString() ?? '');
    const has = (text: string, ...ids: readonly string[]) => ids.map((id) => text.includes(`"id":"${id}"`));
    expect(has(texts[0] ?? '', 'a', 'b', 'd')).toEqual([true, false, true]);
    expect(has(texts[1] ?? '', 'a', 'b', 'd')).toEqual([false, true, false]);
  });

  test('says that it is one', () => {
    expect(rest?.headers).toEqual({ ...headers, 'x-inlet-accounts': '{"without":["102"]}' });
    expect(ofTwo?.headers).toEqual({ ...headers, 'x-inlet-accounts': '{"only":"102"}' });
  });

  test('is read from its bytes as it was at first, whatever channels exist by then', () => {
    for (const part of [rest, ofTwo])
      expect(JSON.parse(part?.rawBody.toString() ?? '')).toEqual(JSON.parse(JSON.stringify(part?.payload)));
    const renumbered = channelOf('two', { number: '999' });
    expect(idsIn(renumbered, JSON.parse(ofTwo?.rawBody.toString() ?? ''))).toEqual(['b']);
  });

  test('has the same bytes when the webhook comes again', () => {
    const again = partsOf(one, [one, two], JSON.parse(JSON.stringify(payload)));
    expect(again.map((part) => part.rawBody)).toEqual([rest?.rawBody, ofTwo?.rawBody]);
  });
});
