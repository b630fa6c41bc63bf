/** What results of expressions become: events, and the place of what is wrong. */
import { describe, expect, test } from '@jest/globals';

import type { InboundEvent, InboundMessage } from '../../../src/domain/provider.js';
import { custom } from '../../../src/providers/custom/index.js';
import { eventsOfResult } from '../../../src/providers/custom/events.js';
import { seededRandom } from '../../../src/demo/random.js';
import { threadCpuMs } from '../../support/cpu-time.js';
import { eventsOf } from '../../support/evaluator.js';
import { secretList, type Settings } from '../../samples/sample.js';
import { receivedAt } from '../fixtures.js';

const adapterWith = (settings: Settings) =>
  custom.load({ webhookSecret: secretList, ...settings }, () => receivedAt);

const photo = { kind: 'image', url: 'https://files.example/1.jpg' };
const message = { type: 'message', id: 'm1', from: 'person-1', media: [photo] };

/** The reason of a malformed result; undefined if everything was understood. */
function reasonOf(events: readonly InboundEvent[]): string | undefined {
  return events.flatMap((event) => (event.type === 'malformed' ? [event.reason] : []))[0];
}

const messagesIn = (events: readonly InboundEvent[]): InboundMessage[] =>
  events.filter((event) => event.type === 'message');

describe('a message', () => {
  test('has everything that the expression gives', () => {
    const all = {
      type: 'message',
      id: 42,
      direction: 'outbound',
      from: 5511900000001,
      to: '+55 (11) 80000-0001',
      chat: 'group-1',
      name: 'Rosa',
      caption: 'look',
      sentAt: '2026-11-21T10:00:00+01:00',
      media: {
        kind: 'document',
        url: 'https://files.example/1',
        type: 'application/pdf',
        filename: 'a.pdf',
        sha256: 'AB'.repeat(32),
      },
    };
    expect(eventsOfResult(all)).toEqual([
      {
        type: 'message',
        messageId: '42',
        direction: 'outbound',
        from: '5511900000001',
        to: '5511800000001',
        chat: 'group-1',
        senderName: 'Rosa',
        caption: 'look',
        sentAt: new Date('2026-11-21T09:00:00Z'),
        media: [
          {
            kind: 'document',
            source: {
              type: 'link',
              url: 'https://files.example/1',
              expiresAt: null,
              needsCredentials: true,
            },
            declaredType: 'application/pdf',
            filename: 'a.pdf',
            sha256: 'ab'.repeat(32),
          },
        ],
      },
    ]);
  });

  test('keeps ids that only differ in their punctuation apart', () => {
    for (const from of ['12-3', '1-23', '(12)3', ' a '])
      expect(messagesIn(eventsOfResult({ ...message, from }))[0]?.from).toBe(from.trim());
  });

  test.each([
    1_795_255_200,
    1_795_255_200_000,
    '1795255200',
    '2026-11-21T10:00:00.000Z',
    '2026-11-21T10:00:00',
  ])('was sent at %j', (sentAt) => {
    const [event] = messagesIn(eventsOfResult({ ...message, sentAt }));
    expect(event?.sentAt).toEqual(new Date(1_795_255_200_000));
  });

  test('may have the id null if the sender gives none, but not no id', () => {
    expect(eventsOfResult({ ...message, id: null })).toMatchObject([{ messageId: null }]);
    const without = Object.fromEntries(Object.entries(message).filter(([name]) => name !== 'id'));
    expect(reasonOf(eventsOfResult(without))).toMatch(/^events\[0\]\.id must be a text/);
  });
});

describe('what is wrong has a place, and does not cost the picture:', () => {
  test.each<[string, object, RegExp]>([
    ['an id that is too long', { id: 'x'.repeat(256) }, /events\[0\]\.id must be/],
    ['an id that cannot be stored', { id: 'a\0b' }, /\.id must be/],
    ['no sender', { from: undefined }, /\.from is missing/],
    ['a sender that is a list', { from: [] }, /\.from is missing/],
    ['an unknown direction', { direction: 'sideways' }, /\.direction must be one of inbound, outbound/],
    ['a caption that is an object', { caption: { a: 1 } }, /\.caption has no usable value/],
    ['a time of another century', { sentAt: '1926-11-21T10:00:00Z' }, /\.sentAt has no usable value/],
    ['a misspelt member', { captoin: 'look' }, /unknown member captoin; known: type, id, direction/],
    [
      'a misspelt member of a file',
      { media: [{ ...photo, file_name: 'a' }] },
      /media\[0\] has an unknown member file_name/,
    ],
    ['an unknown kind', { media: [{ ...photo, kind: 'hologram' }] }, /media\[0\]\.kind must be one of image/],
    [
      'a digest that is none',
      { media: [{ ...photo, sha256: 'x' }] },
      /media\[0\]\.sha256 has no usable value/,
    ],
    [
      'a second file without an address',
      { media: [photo, { kind: 'image' }] },
      /media\[1\] needs exactly one of/,
    ],
    ['a second file that is a text', { media: [photo, 'x'] }, /media\[1\] must be an object/],
    [
      'a second event of no type',
      {},
      /events\[1\]\.type must be one of message, text, location, contact, status, deletion, ignored/,
    ],
  ])('%s', (what, changed, reason) => {
    const result = what.startsWith('a second event') ? [message, { id: 'x' }] : { ...message, ...changed };
    const events = eventsOfResult(result);
    expect(messagesIn(events)).toHaveLength(1);
    expect(messagesIn(events)[0]?.media[0]?.source).toMatchObject({ type: 'link', url: photo.url });
    expect(reasonOf(events)).toMatch(reason);
  });

  test('further mistakes are counted', () => {
    expect(reasonOf(eventsOfResult([1, 2, 3]))).toBe('events[0] must be an object (and 2 more)');
  });

  test('names of members that may be data are not repeated', () => {
    const reason = reasonOf(eventsOfResult({ ...message, 'Rosa 5511900000001': 1 }));
    expect(reason).toMatch(/^events\[0\] has an unknown member; known/);
  });
});

describe('a file', () => {
  const sourceOf = (file: object) =>
    messagesIn(eventsOfResult({ ...message, media: file }))[0]?.media[0]?.source;

  test('is at a link, in the payload, or has an id', () => {
    expect(sourceOf({ kind: 'image', id: 900 })).toEqual({ type: 'reference', reference: '900' });
    expect(sourceOf({ kind: 'image', base64: { pointer: '/a/0' } })).toEqual({
      type: 'embedded',
      pointer: '/a/0',
    });
  });

  test.each<[string, object]>([
    ['two addresses', { kind: 'image', url: 'https://a.example', id: 'x' }],
    ['no address', { kind: 'image', url: '', id: null, base64: [] }],
    ['bytes that are not in the payload', { kind: 'image', base64: { pointer: null } }],
    ['bytes that no evaluator has replaced', { kind: 'image', base64: 'AAAA' }],
    ['a link that is a list', { kind: 'image', url: ['https://a.example'] }],
    ['an id that is too long', { kind: 'image', id: 'x'.repeat(256) }],
  ])('with %s is malformed', (_what, file) => {
    const events = eventsOfResult({ ...message, media: file });
    expect(messagesIn(events)).toEqual([]);
    expect(reasonOf(events)).toMatch(/^events\[0\]\.media\[0\]/);
  });
});

test.each<[string, unknown, unknown]>([
  [
    'a status',
    { type: 'status', id: 7, status: 'read', at: 1_795_255_200 },
    [{ type: 'status', messageId: '7', status: 'read', at: new Date(1_795_255_200_000), error: null }],
  ],
  [
    'a failure',
    { type: 'status', id: 'a', status: 'failed', error: { code: 5, message: 'no' } },
    [{ status: 'failed', error: { code: '5', message: 'no' } }],
  ],
  [
    'a failure with a text',
    { type: 'status', id: 'a', status: 'failed', error: 'no' },
    [{ error: { code: 'unknown', message: 'no' } }],
  ],
  ['a deletion', { type: 'deletion', id: 'a' }, [{ type: 'deletion', messageId: 'a', at: null }]],
  [
    'a text',
    {
      type: 'text',
      id: 7,
      from: '+55 11 90000-0001',
      to: 'us',
      name: 'Rosa',
      text: 'Hello',
      sentAt: 1_795_255_200,
    },
    [
      {
        type: 'ignored',
        reason: 'text',
        context: {
          kind: 'text',
          messageId: '7',
          direction: 'inbound',
          from: '5511900000001',
          to: 'us',
          chat: null,
          senderName: 'Rosa',
          sentAt: new Date(1_795_255_200_000),
          text: 'Hello',
        },
      },
    ],
  ],
  [
    'a location',
    {
      type: 'location',
      id: 'a',
      from: 'b',
      direction: 'outbound',
      location: { latitude: -23.5, longitude: '-46.6', name: 'The shop', address: 'Rua A, 1' },
    },
    [
      {
        type: 'ignored',
        context: {
          kind: 'location',
          direction: 'outbound',
          text: 'The shop\nRua A, 1',
          place: { latitude: -23.5, longitude: -46.6 },
        },
      },
    ],
  ],
  [
    'a contact card',
    { type: 'contact', id: 'a', from: 'b', contact: { name: 'Bruno', numbers: ['+55 21 98888-7777', 42] } },
    [{ type: 'ignored', context: { kind: 'contact', text: 'Bruno\n+55 21 98888-7777\n42' } }],
  ],
  [
    'a card with one number',
    { type: 'contact', id: 'a', from: 'b', contact: { numbers: '42' } },
    [{ type: 'ignored', context: { kind: 'contact', text: '42' } }],
  ],
  [
    'a text without a text, and with media',
    { type: 'text', id: 'a', from: 'b', media: [] },
    [
      { type: 'ignored' },
      { type: 'malformed', reason: expect.stringMatching(/unknown member media.*1 more/) },
    ],
  ],
  [
    'a text without an id',
    { type: 'text', id: null, from: 'b', text: 'Hello' },
    [{ type: 'ignored' }, { type: 'malformed', reason: expect.stringMatching(/events\[0\]\.id must be/) }],
  ],
  [
    'a place beyond the poles',
    { type: 'location', id: 'a', from: 'b', location: { latitude: 91, longitude: 0, nme: 'x' } },
    [
      { type: 'ignored' },
      { type: 'malformed', reason: expect.stringMatching(/location has an unknown member nme.*1 more/) },
    ],
  ],
  ['an ignored payload', { type: 'ignored', reason: 'typing' }, [{ type: 'ignored', reason: 'typing' }]],
  [
    'a reason that may be a text',
    { type: 'ignored', reason: 'Rosa +5511900000001' },
    [{ type: 'ignored', reason: 'other' }],
  ],
  ['nothing', undefined, [{ type: 'ignored', reason: 'the expression has found nothing' }]],
  ['an empty list', [], [{ type: 'ignored' }]],
  ['null', null, [{ type: 'ignored', reason: 'the expression has found nothing' }]],
  ['a text', 'x', [{ type: 'malformed', reason: 'events[0] must be an object' }]],
  ['a blank text', ' ', [{ type: 'malformed', reason: 'events[0] must be an object' }]],
  ['a condition that is not met', false, [{ type: 'malformed', reason: 'events[0] must be an object' }]],
  [
    'an object whose members have found nothing',
    {},
    [{ type: 'malformed', reason: expect.stringMatching(/^events\[0\]\.type must be one of/) }],
  ],
  [
    'a message without media',
    { type: 'message', id: 'a', from: 'b' },
    [{ type: 'malformed', reason: expect.stringMatching(/media is missing/) }],
  ],
  [
    'a status of an unknown word',
    { type: 'status', id: 'a', status: 'seen' },
    [
      {
        type: 'malformed',
        reason: expect.stringMatching(/status must be one of sent, delivered, read, failed/),
      },
    ],
  ],
  ['a deletion of nothing', { type: 'deletion' }, [{ type: 'malformed' }]],
])('%s', (_what, result, expected) => {
  expect(eventsOfResult(result)).toMatchObject(expected as object[]);
});

describe('a payload', () => {
  test('without an expression is kept', async () => {
    expect(await eventsOf(adapterWith({}), { a: 1 }, receivedAt)).toEqual([
      { type: 'malformed', reason: expect.stringMatching(/no expression yet/) },
    ]);
  });

  test('that is nested too deeply to be passed on is kept', async () => {
    const deep: unknown = JSON.parse(`${'['.repeat(30_000)}1${']'.repeat(30_000)}`);
    expect(await eventsOf(adapterWith({ events: '$' }), deep, receivedAt)).toMatchObject([
      { type: 'malformed' },
    ]);
  });

  test('on which the expression fails is kept, with the place', async () => {
    const adapter = adapterWith({ events: '{"type": "ignored", "reason": -name}' });
    expect(await eventsOf(adapter, { name: 'Rosa' }, receivedAt)).toEqual([
      {
        type: 'malformed',
        reason: expect.stringMatching(/^the expression failed near character \d+: Cannot negate/),
      },
    ]);
  });

  test('is only what the evaluator has made of it: no payload looks like a result', () => {
    const { parse } = adapterWith({ events: '$' });
    for (const payload of [message, [message], { evaluated: { ok: true, value: message } }])
      expect(parse(payload, receivedAt)).toEqual([]);
  });
});

describe('a form', () => {
  const form = (text: string, formLists = '') => {
    const { decode } = adapterWith({ body: 'form', formLists });
    return decode?.(Buffer.from(text), 'application/x-www-form-urlencoded');
  };

  test('is an object: repeated names are lists only where they are declared', () => {
    expect(form('a=1&a=2&b=x+y%21&files=u1&files=u2&one=z', 'files, one')).toEqual({
      a: '1',
      b: 'x y!',
      files: ['u1', 'u2'],
      one: ['z'],
    });
  });

  test('may have hostile names, and bytes that are no text', () => {
    expect(Object.entries(form('__proto__=x&constructor=y') as object)).toEqual([
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ]);
    expect(form('%ff%00=%zz&=&&a')).toEqual({ '\ufffd\0': '%zz', '': '', a: '' });
  });

  test('is refused fast if it has a million fields', async () => {
    const refused = await threadCpuMs(() => {
      expect(() => form('a=1&'.repeat(750_000))).toThrow('the form has too many fields');
    });
    expect(refused.ms).toBeLessThan(500);
  });

  test('is read by the expression like JSON', async () => {
    const adapter = adapterWith({
      body: 'form',
      events:
        '{"type": "message", "id": id, "from": `From-Number`, "media": {"kind": "image", "base64": photo}}',
    });
    const payload = adapter.decode?.(
      Buffer.from('id=7&From-Number=%2B5511900000001&photo=aGk%3D'),
      undefined,
    );
    expect(await eventsOf(adapter, payload, receivedAt)).toMatchObject([
      { from: '5511900000001', media: [{ source: { type: 'embedded', pointer: '/photo' } }] },
    ]);
  });
});

/** Values that results may have in any place. */
const anything: readonly unknown[] = [
  undefined,
  null,
  true,
  false,
  0,
  -1,
  9e99,
  '',
  ' ',
  'x',
  '\0',
  '\ud800',
  'image',
  'message',
  'status',
  'constructor',
  '__proto__',
  'https://files.example/1',
  1_795_255_200,
  '2026-11-21T10:00:00Z',
  [],
  [[]],
  {},
  { pointer: '/a' },
  JSON.parse('{"__proto__": 1}'),
  'x'.repeat(300),
];
const names = [
  'type',
  'id',
  'direction',
  'from',
  'to',
  'chat',
  'name',
  'caption',
  'sentAt',
  'media',
  'status',
  'at',
  'error',
  'reason',
  'kind',
  'url',
  'base64',
  'filename',
  'sha256',
  'other',
  '__proto__',
];

test('100 000 results of any shape have sound events, within seconds', async () => {
  const random = seededRandom(42);
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
  const anyResult = (depth: number): unknown => {
    if (depth === 0 || random() < 0.3) return pick(anything);
    if (random() < 0.2) return Array.from({ length: Math.floor(random() * 4) }, () => anyResult(depth - 1));
    const fields = Array.from({ length: Math.floor(random() * 8) }, () => [
      pick(names),
      anyResult(depth - 1),
    ]);
    const sound = {
      ...message,
      type: pick(['message', 'message', 'text', 'location', 'contact', 'status', 'deletion', 'ignored']),
      status: 'read',
    };
    return { ...(random() < 0.7 && sound), ...(Object.fromEntries(fields) as object) };
  };
  const isSound = (event: InboundEvent): boolean => {
    const written = event.type === 'ignored' ? event.context : event.type === 'message' ? event : undefined;
    if (written === undefined) return true;
    const { from, messageId } = written;
    return (
      from !== '' &&
      from.length <= 255 &&
      messageId !== '' &&
      !('media' in written && written.media.length === 0)
    );
  };
  const types = new Set<string>();
  const { ms } = await threadCpuMs(() => {
    for (let count = 0; count < 100_000; count += 1) {
      const events = eventsOfResult(anyResult(4));
      if (events.length === 0 || !events.every(isSound)) throw new Error(JSON.stringify(events));
      for (const { type } of events) types.add(type);
    }
  });
  expect(types).toEqual(new Set(['message', 'status', 'deletion', 'ignored', 'malformed']));
  expect(ms).toBeLessThan(15_000);
});

test('10 000 payloads of any shape pass the evaluator', async () => {
  const random = seededRandom(7);
  const adapter = adapterWith({
    events: '$[0].{"type": t, "id": i, "from": f, "media": m.{"kind": k, "url": u, "base64": b}}',
  });
  const pick = () => anything[Math.floor(random() * anything.length)];
  const payloads = Array.from({ length: 10_000 }, () => [
    {
      t: random() < 0.8 ? 'message' : pick(),
      i: pick(),
      f: pick(),
      m: [{ k: pick(), u: pick(), b: pick() }],
    },
  ]);
  const results = await Promise.all(payloads.map((payload) => eventsOf(adapter, payload, receivedAt)));
  expect(results.every((events) => events.length > 0)).toBe(true);
  expect(results.flatMap(messagesIn).length).toBeGreaterThan(500);
});
