/** The messages that Twilio still has, and how they are read as if their webhooks had arrived. */
import { describe, expect, test } from '@jest/globals';

import type { MissedMessage, Period } from '../../../src/domain/connection.js';
import { twilio } from '../../../src/providers/twilio/index.js';
import { credentials, secrets } from '../../support/signing.js';
import { api, connectionOf, useRecordingApi } from '../connection-stage.js';
import { receivedAt } from '../fixtures.js';

useRecordingApi();

const { accountSid = '' } = credentials['twilio'] ?? {};
const account = `/2010-04-01/Accounts/${accountSid}`;
const adapter = twilio.load(credentials['twilio'], () => receivedAt);
const sid = (prefix: string, digit: string): string => prefix + digit.repeat(32);
const since = new Date('2026-11-20T12:00:00Z');
const service = sid('MG', '9');

const message = (digit: string, changes: object = {}) => ({
  sid: sid('MM', digit),
  account_sid: accountSid,
  messaging_service_sid: null,
  direction: 'inbound',
  status: 'received',
  from: 'whatsapp:+5511999990000',
  to: 'whatsapp:+5511800000001',
  body: 'Is it this one?',
  num_media: '1',
  date_created: 'Sat, 21 Nov 2026 09:59:00 +0000',
  date_sent: 'Sat, 21 Nov 2026 09:59:00 +0000',
  ...changes,
});
const file = (owner: string, digit: string, type = 'image/jpeg') => ({
  sid: sid('ME', digit),
  account_sid: accountSid,
  parent_sid: sid('MM', owner),
  content_type: type,
  uri: `${account}/Messages/${sid('MM', owner)}/Media/${sid('ME', digit)}.json`,
});

async function listed(
  from = 'whatsapp:+5511800000001',
  period: Period = { since },
): Promise<MissedMessage[]> {
  const all: MissedMessage[] = [];
  for await (const { messages } of connectionOf('twilio', { from }).missed?.(period, api.http) ?? [])
    all.push(...messages);
  return all;
}
const answer = (...bodies: readonly unknown[]): void => {
  api.answers.push(...bodies.map((body) => ({ status: 200, body })));
};

describe('the list', () => {
  test('is read in pages, from the day of the time on', async () => {
    const next = `${account}/Messages.json?PageSize=100&Page=1&PageToken=PA1`;
    answer(
      { messages: [message('1')], next_page_uri: next },
      { messages: [message('2')], next_page_uri: null },
    );
    expect((await listed()).map(({ messageId }) => messageId)).toEqual([sid('MM', '1'), sid('MM', '2')]);
    const basic = Buffer.from(`${accountSid}:${secrets[0]}`).toString('base64');
    expect(api.requests).toEqual(
      [
        `${account}/Messages.json?To=whatsapp%3A%2B5511800000001&DateSent%3E=2026-11-20&PageSize=100`,
        next,
      ].map((path) => ({ method: 'GET', path, headers: { authorization: `Basic ${basic}` }, body: '' })),
    );
  });

  test.each([
    'https://elsewhere.example.com/2010-04-01/Accounts/x/Messages.json?Page=1',
    '//elsewhere.example.com/x',
    `/2010-04-01/Accounts/${sid('AC', 'f')}/Messages.json?Page=1`,
    `${account}/Calls.json?Page=1`,
    7,
  ])('that leads elsewhere is not followed, and not taken for complete: %p', async (next_page_uri) => {
    answer({ messages: [], next_page_uri });
    await expect(listed()).rejects.toMatchObject({ code: 'channel.provider_unavailable' });
    expect(api.requests).toHaveLength(1);
  });

  test('that leads round in a circle ends with an error', async () => {
    const pages = ['1', '2'].map((page) => `${account}/Messages.json?PageSize=100&Page=${page}`);
    answer(...[0, 1, 0].map((page) => ({ messages: [], next_page_uri: pages[page] })));
    await expect(listed()).rejects.toMatchObject({ code: 'channel.provider_unavailable' });
    expect(api.requests).toHaveLength(3);
  });

  test('ends with the period', async () => {
    const until = new Date('2026-11-21T09:59:00Z');
    const messages = [message('1', { date_sent: 'Sat, 21 Nov 2026 09:59:01 +0000' }), message('2')];
    answer({ messages });
    expect((await listed(undefined, { since, until })).map(({ messageId }) => messageId)).toEqual([
      sid('MM', '2'),
    ]);
    expect(new URL(api.requests[0]?.path ?? '', 'http://twilio').searchParams.get('DateSent<')).toBe(
      '2026-11-22',
    );
  });

  test('tells the time of the oldest message of each page, also of one without media', async () => {
    const older = message('2', { num_media: '0', date_sent: 'Sat, 21 Nov 2026 08:00:00 +0000' });
    answer(
      { messages: [message('1'), older], next_page_uri: `${account}/Messages.json?Page=1` },
      { messages: [null] },
    );
    const oldest: (Date | null)[] = [];
    for await (const page of connectionOf('twilio').missed?.({ since }, api.http) ?? [])
      oldest.push(page.oldest);
    expect(oldest).toEqual([new Date('2026-11-21T08:00:00Z'), null]);
  });

  test('has no messages of other accounts and senders, whatever the answer holds', async () => {
    answer({
      messages: [
        message('1', { account_sid: sid('AC', 'f') }),
        message('2', { to: 'whatsapp:+5511800000002' }),
        message('3', { account_sid: null, to: null }),
      ],
    });
    expect((await listed()).map(({ messageId }) => messageId)).toEqual([sid('MM', '3')]);
  });

  test('has the inbound messages with media since that time only', async () => {
    answer({
      messages: [
        message('1'),
        message('2', { direction: 'outbound-api' }),
        message('3', { num_media: '0' }),
        message('4', { date_sent: 'Fri, 20 Nov 2026 11:59:59 +0000' }),
        message('5', { date_sent: null, date_created: 'Fri, 20 Nov 2026 12:00:00 +0000' }),
        message('6', { sid: null }),
        null,
      ],
    });
    expect((await listed()).map(({ messageId }) => messageId)).toEqual(
      ['1', '5'].map((digit) => sid('MM', digit)),
    );
  });

  test('of a Messaging Service has the messages of the service, to any of its senders', async () => {
    answer({
      messages: [message('1', { messaging_service_sid: service, to: '+15550100001' }), message('2')],
    });
    expect((await listed(service)).map(({ messageId }) => messageId)).toEqual([sid('MM', '1')]);
    expect(api.requests[0]?.path).toBe(`${account}/Messages.json?DateSent%3E=2026-11-20&PageSize=100`);
  });

  test.each([
    [{ status: 401, body: { code: 20_003, message: 'Authenticate' } }, 'channel.provider_refused'],
    [{ status: 429 }, 'channel.provider_unavailable'],
    [{ status: 200, body: {} }, 'channel.provider_unavailable'],
    [{ status: 200, hang: true as const }, 'media.connection_failed'],
  ])('is an error for people after %j', async (given, code) => {
    api.answers.push(given);
    await expect(listed()).rejects.toMatchObject({ code });
  });
});

describe('a missed message', () => {
  const parse = (payload: unknown) => adapter.parse(JSON.parse(JSON.stringify(payload)), receivedAt);

  test('has the same ids, people and media as its webhook', async () => {
    const files = [file('1', '3', 'application/pdf'), file('1', '2', 'image/png'), file('1', '1')];
    answer({ messages: [message('1', { num_media: '3' })] }, { media_list: files });
    const [missed] = await listed();
    const [fetched] = parse(await missed?.payload());
    expect(api.requests[1]?.path).toBe(`${account}/Messages/${sid('MM', '1')}/Media.json`);
    const link = (digit: string) =>
      `https://api.twilio.com${account}/Messages/${sid('MM', '1')}/Media/${sid('ME', digit)}`;
    const [arrived] = adapter.parse(
      {
        MessageSid: sid('MM', '1'),
        From: 'whatsapp:+5511999990000',
        To: 'whatsapp:+5511800000001',
        Body: 'Is it this one?',
        NumMedia: '3',
        MediaUrl0: link('1'),
        MediaContentType0: 'image/jpeg',
        MediaUrl1: link('2'),
        MediaContentType1: 'image/png',
        MediaUrl2: link('3'),
        MediaContentType2: 'application/pdf',
      },
      receivedAt,
    );
    if (fetched?.type !== 'message' || arrived?.type !== 'message') throw new Error('there is no message');
    expect({ ...fetched, sentAt: null, media: [] }).toEqual({ ...arrived, media: [] });
    expect(fetched.sentAt).toEqual(new Date('2026-11-21T09:59:00Z'));
    // The order of the list is not that of the webhook, so each file has an identity of its own.
    expect([...fetched.media].reverse()).toEqual(arrived.media);
  });

  test.each([
    [{ uri: 'https://elsewhere.example.com/x.json' }],
    [{ uri: '//elsewhere.example.com/x.json' }],
    [{ uri: '/a/../../x.json' }],
    [{ uri: `${account}/x` }],
    [{ uri: null }],
    [{ uri: 7 }],
  ])('with a file at %j is malformed', (change) => {
    const payload = { message: message('1'), media_list: [{ ...file('1', '1'), ...change }] };
    expect(parse(payload)).toEqual([{ type: 'malformed', reason: 'media without a usable address' }]);
  });

  test('whose media were deleted at Twilio is ignored', () => {
    expect(parse({ message: message('1'), media_list: [] })).toEqual([
      { type: 'ignored', reason: 'media were deleted' },
    ]);
    expect(parse({ message: message('1'), media_list: 'x' })).toMatchObject([{ type: 'malformed' }]);
  });

  test.each([
    'Sat, 21 Nov 2026 09:59:00',
    '2026-11-21T09:59:00Z',
    'Sat, 21 Nov 1926 09:59:00 +0000',
    'Sat, 99 Nov 2026 09:59:00 +0000',
    7,
    null,
  ])('has no time if it is written as %p', (date_sent) => {
    const payload = {
      message: message('1', { date_sent, date_created: null }),
      media_list: [file('1', '1')],
    };
    expect(parse(payload)).toMatchObject([{ type: 'message', sentAt: null }]);
  });
});
