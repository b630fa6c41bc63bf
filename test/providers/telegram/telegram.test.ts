import { describe, expect, test } from '@jest/globals';

import type { InboundEvent, InboundMessage } from '../../../src/domain/provider.js';
import { messageKey, parseMessageKey } from '../../../src/providers/telegram/message-key.js';
import { telegram } from '../../../src/providers/telegram/index.js';
import { secrets } from '../../support/signing.js';
import { receivedAt, webhookOf } from '../fixtures.js';
import { botToken, telegram as sample } from '../../samples/telegram.js';

const load = (settings: Record<string, unknown> = {}) =>
  telegram.load({ ...sample.settings, ...settings }, () => receivedAt);
const adapter = load();
const header = 'x-telegram-bot-api-secret-token';

describe('the proof', () => {
  const isProven = (headers: Record<string, string>, query: Record<string, string> = {}) =>
    adapter.verify(webhookOf(Buffer.from('{}'), { headers, query })).ok;

  test('is one of the secrets in the header of Telegram', () => {
    for (const secret of secrets) expect(isProven({ [header]: secret })).toBe(true);
  });

  test('may stand in the header twice, but not beside another one', () => {
    expect(isProven({ [header]: `${secrets[0]}, ${secrets[0]}` })).toBe(true);
    expect(isProven({ [header]: `${secrets[0]}, ${secrets[1]}` })).toBe(false);
  });

  test.each<[string, Record<string, string>, Record<string, string>]>([
    ['the address', {}, { token: secrets[0], secret_token: secrets[0] }],
    ['the header of other providers', { 'x-inlet-token': secrets[0] }, {}],
    ['an Authorization header', { authorization: `Bearer ${secrets[0]}` }, {}],
    ['a longer header', { [`${header}-2`]: secrets[0] }, {}],
  ])('is not accepted in %s', (_place, headers, query) => {
    expect(isProven(headers, query)).toBe(false);
  });

  test('is never the token of the bot', () => {
    const { verify } = load({ botToken });
    expect(verify(webhookOf(Buffer.from('{}'), { headers: { [header]: botToken } })).ok).toBe(false);
  });
});

describe('the settings', () => {
  test.each(['a secret with blanks', 'umlaut-ä-0123456789', 'slash/0123456789abc', 'colon:0123456789abc'])(
    'refuse the secret %j, which Telegram would not take',
    (webhookSecret) => {
      expect(() => load({ webhookSecret })).toThrow(/letters, digits, _ and -/);
      expect(() => load({ webhookSecret })).not.toThrow(new RegExp(webhookSecret));
    },
  );

  test('accept secrets of up to 256 characters, and those that the service makes', () => {
    expect(() => load({ webhookSecret: 'x'.repeat(256) })).not.toThrow();
    expect(() => load({ webhookSecret: 'x'.repeat(257) })).toThrow(/256/);
    const made = Buffer.from(Array.from({ length: 32 }, (_, index) => 255 - index)).toString('base64url');
    expect(() => load({ webhookSecret: made })).not.toThrow();
  });

  test.each(['700000001', 'an_invented-token', '700000001:', '700000001:a/../b', `bot${botToken}`])(
    'refuse %j as the token of a bot, without repeating it',
    (wrong) => {
      expect(() => load({ botToken: wrong })).toThrow(/must be the token of a bot/);
      expect(() => load({ botToken: wrong })).not.toThrow(wrong);
    },
  );

  test('without the token of the bot, nothing is sent or connected, and downloads wait', () => {
    expect(adapter.sending).toBeUndefined();
    expect(adapter.connection).toBeUndefined();
    expect(adapter.downloads.resolve).toBeUndefined();
  });
});

const chat = { id: 5_100_000_001, type: 'private', first_name: 'Rosa' };
const update = (message: object, kind = 'message') => ({
  update_id: 1,
  [kind]: { message_id: 7, date: 1_795_255_200, chat, from: { id: chat.id }, ...message },
});
const parse = (payload: unknown): InboundEvent[] => adapter.parse(payload, receivedAt);
const messageIn = (payload: unknown): InboundMessage => {
  const message = parse(payload).find((event) => event.type === 'message');
  if (message === undefined) throw new Error('There is no message');
  return message;
};
const file = (name: string) => ({ file_id: `${name}-id`, file_unique_id: `${name}-unique` });
const idsIn = (payload: unknown): unknown[] =>
  messageIn(payload).media.map(({ source }) =>
    source.type === 'reference' ? source.reference : source.type,
  );

describe('a picture', () => {
  const size = (name: string, width: unknown, height: unknown) => ({ ...file(name), width, height });

  test.each([
    ['the largest', [size('a', 90, 60), size('b', 1280, 853), size('c', 320, 213)], 'b-id'],
    ['the largest by area, not by edge', [size('a', 2000, 10), size('b', 300, 300)], 'b-id'],
    ['the last one of equals', [size('a', 10, 10), size('b', 10, 10)], 'b-id'],
    ['one with edges before one without', [size('a', 10, 10), size('b', null, '900')], 'a-id'],
    ['one with possible edges', [size('a', 10, 10), size('b', -90, -90)], 'a-id'],
    ['one with an id', [size('a', 10, 10), { width: 900, height: 900 }], 'a-id'],
  ])('is %s of its sizes', (_what, photo, id) => {
    expect(idsIn(update({ photo }))).toEqual([id]);
  });

  test('of an edited message has the id of the message and a key of its own', () => {
    const before = messageIn(update({ photo: [size('a', 1, 1)] }));
    const after = messageIn(update({ photo: [size('b', 1, 1)], edit_date: 1_795_255_300 }, 'edited_message'));
    expect(after.messageId).toBe(before.messageId);
    expect([before, after].map(({ media }) => media[0]?.key)).toEqual(['a-unique', 'b-unique']);
  });
});

describe('an animation', () => {
  const animation = { ...file('wave'), mime_type: 'video/mp4' };

  test.each([
    ['with the same id', { file_id: 'wave-id' }],
    ['with the same unique id', { file_id: 'another-id', file_unique_id: 'wave-unique' }],
  ])('counts once beside its document %s', (_what, document) => {
    expect(idsIn(update({ animation, document }))).toEqual(['wave-id']);
  });

  test('does not hide another document', () => {
    expect(idsIn(update({ animation, document: file('offer') }))).toEqual(['wave-id', 'offer-id']);
  });

  test('that cannot be had does not hide its document', () => {
    expect(
      parse(update({ animation: { file_unique_id: 'wave-unique' }, document: animation })),
    ).toMatchObject([{ type: 'message', media: [{ kind: 'document' }] }, { type: 'malformed' }]);
  });
});

describe('the size of a file', () => {
  const sourceOf = (file_size: unknown) =>
    messageIn(update({ video: { ...file('v'), file_size, mime_type: 'video/mp4', file_name: 'v.mp4' } }))
      .media[0];

  test.each([20 * 1024 * 1024, undefined, null, '99999999999', 0])('%j is asked for', (bytes) => {
    expect(sourceOf(bytes)?.source).toEqual({ type: 'reference', reference: 'v-id' });
  });

  test('of more than 20 MiB is refused without a question, and the file keeps its name, type and key', () => {
    expect(sourceOf(20 * 1024 * 1024 + 1)).toMatchObject({
      source: { type: 'unavailable', code: 'media.too_large' },
      declaredType: 'video/mp4',
      filename: 'v.mp4',
      key: 'v-unique',
    });
  });
});

describe('a rich message', () => {
  const nested = (levels: number): unknown => {
    let block: unknown = { type: 'photo', photo: [file('deep')] };
    for (let level = 0; level < levels; level += 1) block = { type: 'details', blocks: [block] };
    return block;
  };

  test('is read in the order in which it is shown', () => {
    const blocks = [
      { type: 'list', items: [{ blocks: [{ photo: [file('a')] }, { photo: [file('b')] }] }] },
      { type: 'collage', blocks: [{ photo: [file('c')] }] },
      { type: 'photo', photo: [file('d')] },
    ];
    expect(idsIn(update({ rich_message: { blocks } }))).toEqual(['a-id', 'b-id', 'c-id', 'd-id']);
  });

  test('may be nested', () => {
    expect(idsIn(update({ rich_message: { blocks: [nested(1_000)] } }))).toEqual(['deep-id']);
  });

  test('is not read to its end if it has more blocks than Telegram allows, which is recorded', () => {
    const many = Array.from({ length: 6_000 }, (_, index) => ({ photo: [file(String(index))] }));
    const events = parse(update({ rich_message: { blocks: many } }));
    expect(events.map(({ type }) => type)).toEqual(['message', 'malformed']);
    expect(messageIn(update({ rich_message: { blocks: many } })).media).toHaveLength(5_000);
    expect(parse(update({ rich_message: { blocks: [nested(9_000)] } }))).toMatchObject([
      { type: 'malformed' },
    ]);
  });
});

test('the same file twice in a message is one', () => {
  const photo = [file('same')];
  const paid = {
    star_count: 1,
    paid_media: [
      { type: 'photo', photo },
      { type: 'photo', photo },
    ],
  };
  expect(idsIn(update({ photo, paid_media: paid }))).toEqual(['same-id']);
});

test.each([{ type: 'scenery', scenery: file('one') }, {}, null])(
  'a paid item that is not understood is recorded beside those that are: %j',
  (unknown) => {
    const items = [{ type: 'photo', photo: [file('known')] }, unknown, { type: 'preview', width: 9 }];
    const paid_media = { star_count: 1, paid_media: items };
    expect(parse(update({ paid_media })).map(({ type }) => type)).toEqual(['message', 'malformed']);
  },
);

test('an update is recognised by its message even without a number', () => {
  const { message } = update({ photo: [file('a')] }) as unknown as { message: unknown };
  expect(idsIn({ message })).toEqual(['a-id']);
  expect(parse({ message: { text: 'of somebody else' } })).toEqual([]);
});

describe('the id of a message', () => {
  const key = (members: object) => messageKey({ message_id: 7, chat, date: 1_795_255_200, ...members });

  test.each<[string, object, string | undefined]>([
    ['names its chat', {}, '5100000001:7'],
    ['of a group is negative', { chat: { id: -1_002_000_000_003 } }, '-1002000000003:7'],
    ['of the largest chat is exact', { chat: { id: 2 ** 52 - 1 } }, '4503599627370495:7'],
    ['names the business connection', { business_connection_id: 'c-1' }, 'c-1/5100000001:7'],
    ['names the guest query', { guest_query_id: 'q-1' }, 'q-1/5100000001:7'],
    ['of a scheduled message is 0', { message_id: 0 }, '5100000001:0'],
    [
      'of an ephemeral message has its date',
      { message_id: 0, ephemeral_message_id: 3 },
      '5100000001:e3:1795255200',
    ],
    ['ignores an ephemeral id beside its own', { ephemeral_message_id: 3 }, '5100000001:7'],
    ['is missing without a chat', { chat: undefined }, undefined],
    ['is missing with the chat 0', { chat: { id: 0 } }, undefined],
    ['is missing without a number', { message_id: undefined }, undefined],
    ['is missing with an odd connection', { business_connection_id: 5 }, undefined],
    ['is missing if it would be too long', { business_connection_id: 'x'.repeat(250) }, undefined],
  ])('%s', (_what, members, expected) => {
    expect(key(members)).toBe(expected);
  });

  test('is read again as it was written', () => {
    expect(parseMessageKey('-1002000000003:7')).toEqual({
      space: null,
      chat: '-1002000000003',
      messageId: 7,
    });
    expect(parseMessageKey('a/b:c/5100000001:7')).toEqual({
      space: 'a/b:c',
      chat: '5100000001',
      messageId: 7,
    });
    for (const other of ['', '7', ':7', '5100000001:', '5100000001:e3:1795255200', 'x:7', '1:-7'])
      expect(parseMessageKey(other)).toBeUndefined();
  });
});

describe('who wrote', () => {
  const group = { id: -100_200, type: 'supergroup', title: 'A group' };
  const photo = [file('a')];
  const partiesIn = (members: object, kind?: string) => {
    const { from, to, chat, direction, senderName } = messageIn(update({ photo, ...members }, kind));
    return { from, to, chat, direction, senderName };
  };

  test.each<[string, object, object]>([
    ['the person in a private chat', {}, { from: '5100000001', chat: null, direction: 'inbound' }],
    [
      'the person in a private chat without a sender',
      { from: undefined },
      { from: '5100000001', senderName: 'Rosa' },
    ],
    [
      'the person in a private chat without a type',
      { chat: { id: 5_100_000_001 }, from: undefined },
      { from: '5100000001', chat: null },
    ],
    [
      'the person in a group',
      { chat: group, from: { id: 9, first_name: 'A', last_name: 'B' } },
      { from: '9', chat: '-100200', senderName: 'A B' },
    ],
    [
      'the group itself',
      { chat: group, from: { id: 1_087_968_824 }, sender_chat: group },
      { from: '-100200', senderName: 'A group' },
    ],
    [
      'the person, if the chat of the sender is odd',
      { chat: group, from: { id: 9 }, sender_chat: { id: 'x' } },
      { from: '9' },
    ],
  ])('%s', (_what, members, expected) => {
    expect(partiesIn(members)).toMatchObject(expected);
  });

  test('the business, if it is not the person of the chat', () => {
    const business = { business_connection_id: 'c-1' };
    expect(partiesIn(business, 'business_message')).toMatchObject({ direction: 'inbound', to: null });
    expect(partiesIn({ ...business, from: { id: 77, first_name: 'Loja' } }, 'business_message')).toEqual({
      direction: 'outbound',
      from: '77',
      to: '5100000001',
      chat: null,
      senderName: 'Loja',
    });
    expect(partiesIn({ ...business, from: undefined }, 'business_message').direction).toBe('inbound');
  });

  test('never the business in an ordinary group', () => {
    expect(partiesIn({ chat: group, from: { id: 9 } }).direction).toBe('inbound');
  });
});
