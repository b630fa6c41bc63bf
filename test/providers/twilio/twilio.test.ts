import { createHash, createHmac } from 'node:crypto';

import { describe, expect, test } from '@jest/globals';

import type { InboundEvent, WebhookRequest } from '../../../src/domain/provider.js';
import { fieldsOfForm, recordOfForm } from '../../../src/providers/kit/form.js';
import { twilio } from '../../../src/providers/twilio/index.js';
import { threadCpuMs } from '../../support/cpu-time.js';
import { credentials, secrets, settings } from '../../support/signing.js';
import { fixturesOf, receivedAt, webhookOf } from '../fixtures.js';
import { signed } from '../../samples/twilio.js';

const [token] = secrets;
const address = 'https://inlet.example.com/webhooks/twilio';
const formType = 'application/x-www-form-urlencoded';
const load = (values: Record<string, string | undefined>) => twilio.load(values, () => receivedAt);
const adapter = load(settings['twilio'] ?? {});

interface Call {
  readonly url?: string;
  readonly body?: string;
  readonly type?: string;
  readonly signature?: string | undefined;
  readonly method?: WebhookRequest['method'];
}

function isAccepted({
  url = address,
  body = '',
  type = formType,
  signature,
  method = 'POST',
}: Call): boolean {
  const headers = {
    'content-type': type,
    ...(signature !== undefined && { 'x-twilio-signature': signature }),
  };
  return adapter.verify({ ...webhookOf(Buffer.from(body), { headers }, url), method }).ok;
}

function formOf(fields: Readonly<Record<string, string | readonly string[]>>): string {
  const form = new URLSearchParams();
  for (const [name, values] of Object.entries(fields))
    for (const value of [values].flat()) form.append(name, value);
  return form.toString();
}

/** Made with Twilio's own package, twilio 6.3.1, for the first secret. */
const ofTwilio: readonly {
  readonly name: string;
  readonly url: string;
  readonly fields: Readonly<Record<string, string | readonly string[]>>;
  readonly signature: string;
}[] = [
  {
    name: 'the address without a port',
    url: address,
    fields: { Body: 'look', From: '+15550100002' },
    signature: 'j/7By4ueIsyQDze03ReuA4BWKB4=',
  },
  {
    name: 'the address with the usual port',
    url: address,
    fields: { Body: 'look', From: '+15550100002' },
    signature: 'beDztZ0CTvXbRi5gJ1AE7lQrKss=',
  },
  {
    name: 'the address without its unusual port',
    url: 'https://inlet.example.com:8443/webhooks/twilio',
    fields: { Body: 'look', From: '+15550100002' },
    signature: 'j/7By4ueIsyQDze03ReuA4BWKB4=',
  },
  {
    name: 'names in the order of code units',
    url: address,
    fields: { a: '1', B: '2', Z1: '3', Z: '4', é: '5', '': '6', _: '7' },
    signature: 'KKIX/9BZYdp99xukmlgAGp4vCzk=',
  },
  {
    name: 'values that repeat, once each and sorted',
    url: address,
    fields: { Tag: ['b', 'a', 'b', 'B'], Other: 'x' },
    signature: 'Ko1wWjuNpPSlo2Zj+/DXTIqME28=',
  },
  {
    name: 'line breaks, blanks and characters of all languages',
    url: address,
    fields: { Body: ' Olá\r\n  世界 🌍 +1 &=? ', Empty: '' },
    signature: 'uzetB5TdvG2vUKJ1pX+FlcJYY2U=',
  },
  { name: 'no parameters', url: address, fields: {}, signature: 'tCo1aY26FVv8jlWXGaKPtrAb5Vc=' },
  {
    name: 'a query, unsorted and not decoded',
    url: `${address}?b=2%20x&a=1&a=0`,
    fields: { Body: 'look' },
    signature: 'EdOJRtSLjD6PA6tZC4LMIRj9RR8=',
  },
  {
    name: 'an apostrophe in the query',
    url: `${address}?q=it's`,
    fields: { Body: 'look' },
    signature: '/5j/LjVvln49RVTnxkIg/fyaXcA=',
  },
  {
    name: 'an apostrophe in the query, escaped',
    url: `${address}?q=it's`,
    fields: { Body: 'look' },
    signature: 'QUcv5sG50fv7uM87kamRlW6wbpc=',
  },
];

describe('a signature of Twilio', () => {
  test.each(ofTwilio)('covers $name', ({ url, fields, signature }) => {
    const body = formOf(fields);
    expect(isAccepted({ url, body, signature })).toBe(true);
    expect(isAccepted({ url, body: `${body}&More=1`, signature })).toBe(false);
    expect(isAccepted({ url: `${url}?more=1`, body, signature })).toBe(false);
  });

  const body = 'Body=look&From=%2B15550100002';
  const signature = 'j/7By4ueIsyQDze03ReuA4BWKB4=';

  test.each([
    'From=%2B15550100002&Body=look',
    'Body=look&Body=look&From=%2B15550100002',
    '&Body=look&&From=%2b15550100002&',
    'Body=loo%6B&From=%2B15550100002',
  ])('covers what a form says, not how: %s', (same) => {
    expect(isAccepted({ body: same, signature })).toBe(true);
  });

  test.each([
    ['another host', 'https://inlet.example.org/webhooks/twilio'],
    ['another scheme', 'http://inlet.example.com/webhooks/twilio'],
    ['another path', 'https://inlet.example.com/webhooks/twilio-2'],
    ['a slash at the end', `${address}/`],
    ['a user', 'https://user:word@inlet.example.com/webhooks/twilio'],
    ['capitals', 'https://inlet.example.com/webhooks/Twilio'],
    ['an empty query', `${address}?`],
  ])('is not one of %s', (_what, url) => {
    expect(isAccepted({ url, body, signature })).toBe(false);
  });

  test('of another port is none', () => {
    const at = (port: string) => `https://inlet.example.com:${port}/webhooks/twilio`;
    const ofPort = signed(at('8443'), body, token);
    expect(isAccepted({ url: at('8443'), body, signature: ofPort })).toBe(true);
    expect(isAccepted({ url: at('9000'), body, signature: ofPort })).toBe(false);
    expect(isAccepted({ url: address, body, signature: ofPort })).toBe(false);
  });

  test.each([
    ['none', undefined],
    ['an empty one', ''],
    ['a shorter one', signature.slice(0, -1)],
    ['one without padding', signature.replace('=', '')],
    ['one for addresses', signature.replaceAll('/', '_')],
    ['a list', `wrong, ${signature}`],
    ['the token itself', token],
    ['hexadecimal digits', Buffer.from(signature, 'base64').toString('hex')],
    [
      'one with the key of a webhooks rule',
      createHmac('sha256', token).update(`${address}Bodylook`).digest('base64'),
    ],
  ])('is required, and %s is refused', (_what, other) => {
    expect(isAccepted({ body, signature: other })).toBe(false);
  });

  test('may be repeated by a gateway', () => {
    expect(isAccepted({ body, signature: `${signature}, ${signature}` })).toBe(true);
  });

  test('is not accepted with GET, whose parameters are in the address', () => {
    const url = `${address}?${body}`;
    const ofAddress = signed(url, '', token);
    expect(isAccepted({ url, signature: ofAddress })).toBe(true);
    expect(isAccepted({ url, signature: ofAddress, method: 'GET' })).toBe(false);
  });

  test('may be made with the older of two tokens', () => {
    expect(isAccepted({ body, signature: signed(address, body, secrets[1]) })).toBe(true);
    expect(isAccepted({ body, signature: signed(address, body, secrets.join(',')) })).toBe(false);
  });
});

describe('a body of JSON', () => {
  const body = '[{"type":"com.twilio.messaging"}]';
  const url = `${address}?bodySHA256=6f427e7eb136c451267adad379892909b24afccbd6ca9d981df25e93ea561613`;
  // Made with Twilio's own package, twilio 6.3.1.
  const signature = 'P6hbFmLGmBQsCkzg7sbSKNiaDqw=';

  test.each(['application/json', 'application/json; charset=utf-8', 'application/cloudevents+json'])(
    'of the type %s is proven by its digest in the signed address',
    (type) => {
      expect(isAccepted({ url, body, type, signature })).toBe(true);
    },
  );

  test('is refused with the digest of another body', () => {
    expect(isAccepted({ url, body: `${body} `, type: 'application/json', signature })).toBe(false);
  });

  test('is refused with a digest that the signature does not cover', () => {
    const other = '[]';
    const digest = createHash('sha256').update(other).digest('hex');
    const changed = `${address}?bodySHA256=${digest}`;
    expect(isAccepted({ url: changed, body: other, type: 'application/json', signature })).toBe(false);
  });

  test('is refused without a digest', () => {
    expect(isAccepted({ body, type: 'application/json', signature: signed(address, '', token) })).toBe(false);
  });

  test('is refused if it is said to be a form, and a form if it is said to be JSON', () => {
    expect(isAccepted({ url, body, signature })).toBe(false);
    const form = 'Body=look';
    const ofForm = signed(address, form, token);
    expect(isAccepted({ body: form, signature: ofForm })).toBe(true);
    expect(isAccepted({ body: form, type: 'application/json', signature: ofForm })).toBe(false);
  });

  test('does not make the parameters of a form optional', () => {
    const form = 'Body=look';
    const digest = createHash('sha256').update(form).digest('hex');
    const at = `${address}?bodySHA256=${digest}`;
    expect(isAccepted({ url: at, body: form, signature: signed(at, '', token) })).toBe(false);
    expect(isAccepted({ url: at, body: form, signature: signed(at, form, token) })).toBe(true);
  });
});

describe('a form', () => {
  const decode = (body: string | Buffer, type?: string) => adapter.decode?.(Buffer.from(body), type);

  test.each(fixturesOf('twilio'))('has the fields of $name', ({ body }) => {
    const fields = body as Readonly<Record<string, string>>;
    expect({ ...(decode(new URLSearchParams(fields).toString(), formType) as object) }).toEqual(fields);
  });

  test.each([
    ['a+b=c+d&%2B=%26', { 'a b': 'c d', '+': '&' }],
    ['?Body=look', { '?Body': 'look' }],
    ['a=1&a=2&=3&b', { a: '1', '': '3', b: '' }],
    ['%zz=%&%F0%9F=x', { '%zz': '%', '\uFFFD': 'x' }],
    ['__proto__=x&constructor=y', JSON.parse('{"__proto__":"x","constructor":"y"}') as object],
    ['', {}],
  ])('is read as it is signed: %s', (body, fields) => {
    expect(JSON.stringify(decode(body))).toBe(JSON.stringify(fields));
  });

  test('is read whatever its type says, unless that is JSON', () => {
    for (const type of [undefined, '', 'text/plain', formType, 'application/jsonp'])
      expect(decode('a=1', type)).toEqual(expect.objectContaining({ a: '1' }));
    expect(decode('{"a":1}', 'application/json')).toBeUndefined();
  });

  test('has at most a thousand fields, and more are refused before anything is decoded', async () => {
    const most = Array.from({ length: 1_000 }, (_, index) => `a${String(index)}=1`).join('&');
    expect(isAccepted({ body: most, signature: signed(address, most, token) })).toBe(true);
    const more = `${most}&b=1`;
    expect(isAccepted({ body: more, signature: signed(address, more, token) })).toBe(false);
    expect(() => decode(more)).toThrow('too many fields');
    for (const many of ['a&'.repeat(1_500_000), '&'.repeat(3_000_000), 'a=%41&'.repeat(500_000)]) {
      const { result, ms } = await threadCpuMs(() =>
        isAccepted({ body: many, signature: 'A'.repeat(27) + '=' }),
      );
      expect(result).toBe(false);
      expect(ms).toBeLessThan(100);
    }
  });

  test('of three megabytes in one field costs little', async () => {
    const signature = `${'A'.repeat(27)}=`;
    for (const body of [
      'x'.repeat(3_000_000),
      `a=${'%41'.repeat(1_000_000)}`,
      `a=${'+'.repeat(3_000_000)}`,
    ]) {
      const { result, ms } = await threadCpuMs(() => isAccepted({ url: `${address}?q='`, body, signature }));
      expect(result).toBe(false);
      expect(ms).toBeLessThan(1_000);
    }
  });

  test('keeps the first of repeated fields', () => {
    const fields = fieldsOfForm(Buffer.from('a=1&b=2&a=3')) ?? [];
    expect(fields).toEqual([
      { name: 'a', value: '1' },
      { name: 'b', value: '2' },
      { name: 'a', value: '3' },
    ]);
    expect({ ...recordOfForm(fields) }).toEqual({ a: '1', b: '2' });
  });
});

const image = (fields: Readonly<Record<string, unknown>>): InboundEvent[] =>
  adapter.parse(
    { MessageSid: 'MM1', From: '+15550100002', NumMedia: '1', MediaUrl0: 'https://x.example/1', ...fields },
    receivedAt,
  );

describe('a message', () => {
  test.each([
    ['image/jpeg', 'image'],
    ['image/heic', 'image'],
    ['IMAGE/GIF; x=y', 'image'],
    ['video/3gpp', 'video'],
    ['audio/amr', 'audio'],
    ['text/x-vcard', 'document'],
    ['application/pdf', 'document'],
    ['sticker/webp', 'document'],
    ['nonsense', 'document'],
  ])('with a file of the type %s has %s', (type, kind) => {
    expect(image({ MediaContentType0: type })).toMatchObject([{ media: [{ kind, declaredType: type }] }]);
  });

  test('has a sticker only if both fields say so', () => {
    const kindOf = (fields: Readonly<Record<string, unknown>>) =>
      image(fields).map((event) => (event.type === 'message' ? event.media[0]?.kind : event.type));
    expect(kindOf({ MediaContentType0: 'image/webp', MessageType: 'sticker' })).toEqual(['sticker']);
    expect(kindOf({ MediaContentType0: 'image/webp', MessageType: 'image' })).toEqual(['image']);
    expect(kindOf({ MediaContentType0: 'image/png', MessageType: 'sticker' })).toEqual(['image']);
  });

  test.each([
    ['+15550100002', '15550100002'],
    [' 15550100002', '15550100002'],
    ['whatsapp:+15550100002', '15550100002'],
    ['whatsapp:BR.13491208655302741918', 'BR.13491208655302741918'],
    ['rcs:an_agent', 'an_agent'],
    ['55501', '55501'],
    ['ACME', 'ACME'],
  ])('from %s is from %s', (From, from) => {
    expect(image({ From })).toMatchObject([{ from }]);
  });

  test.each(['99', '1e9', '4294967296'])('that announces %s files costs little', (NumMedia) => {
    expect(image({ NumMedia })).toMatchObject([{ media: [{ kind: 'document' }] }, { type: 'malformed' }]);
  });

  test('has every link, whatever its number', () => {
    const links = Object.fromEntries(
      [0, 3, 99, 100].map((at) => [`MediaUrl${String(at)}`, `https://x/${String(at)}`]),
    );
    const [event] = image({ NumMedia: '0', ...links });
    expect(event?.type === 'message' && event.media.map(({ source }) => source)).toMatchObject(
      [0, 3, 99].map((at) => ({ url: `https://x/${String(at)}` })),
    );
  });
});

describe('downloads', () => {
  const accountSid = credentials['twilio']?.['accountSid'] ?? '';
  const { downloads } = load({ ...credentials['twilio'], mediaHosts: 'api.dublin.ie1.twilio.com' });
  const media = `/2010-04-01/Accounts/${accountSid}/Messages/MM1/Media/ME1`;
  const headersFor = (path: string) => downloads.authorize?.(new URL(path, 'https://api.twilio.com'));

  test('go with the account and its newest token to its own media', () => {
    const basic = Buffer.from(`${accountSid}:${token}`).toString('base64');
    expect(headersFor(media)).toEqual({ authorization: `Basic ${basic}` });
    expect(headersFor(`${media}?x=1`)).toEqual({ authorization: `Basic ${basic}` });
  });

  test.each([
    media.replace(accountSid, `AC${'f'.repeat(32)}`),
    media.replace(accountSid, accountSid.toUpperCase()),
    `${media}/`,
    `${media}/../ME2/x`,
    `/x${media}`,
    `/${media}`,
    media.replace('/Media/', '/media/'),
    media.replace('MM1', 'MM1%2F..'),
    media.replace('MM1', ''),
    media.replace('/Messages/MM1', ''),
    `/2010-04-01/Accounts/${accountSid}/Messages.json`,
    `/2010-04-01/Accounts/${accountSid}.json`,
    '/',
  ])('go without credentials to %s', (path) => {
    expect(headersFor(path)).toEqual({});
  });

  test('trust the hosts of the settings only', () => {
    expect(downloads.trustedHosts).toEqual(['api.twilio.com', 'api.dublin.ie1.twilio.com']);
    expect(load({ authToken: token, apiUrl: 'https://twilio.example:8443' }).downloads).toMatchObject({
      trustedHosts: ['twilio.example:8443'],
    });
  });

  test('have no credentials without the account', () => {
    expect(load({ authToken: token }).downloads.authorize).toBeUndefined();
  });

  test('wait ten minutes for a file that is not there yet', () => {
    expect(downloads.notYetMs).toBe(600_000);
  });
});

test.each([
  ['accountSid', 'AC123'],
  ['accountSid', `SK${'0'.repeat(32)}`],
  ['from', 'whatsapp:5511800000001'],
  ['from', 'whatsapp:'],
  ['from', '+1'],
  ['from', 'a name that is too long'],
  ['from', 'MG123456789012'],
  ['apiUrl', 'ftp://api.twilio.com'],
])('the setting %s is not %s', (name, value) => {
  expect(() => load({ ...credentials['twilio'], [name]: value })).toThrow();
});
