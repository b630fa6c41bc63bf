/** The exact requests to Twilio, and the meaning of its responses. */
import { describe, expect, test } from '@jest/globals';

import { credentials, secrets } from '../../support/signing.js';
import {
  answersMean,
  api,
  audio,
  document,
  message,
  requestsAre,
  send,
  sendingOf,
  sticker,
  video,
} from '../sending-stage.js';

const accountSid = credentials['twilio']?.['accountSid'] ?? '';
const basic = Buffer.from(`${accountSid}:${secrets[0]}`).toString('base64');
const path = `/2010-04-01/Accounts/${accountSid}/Messages.json`;
const service = `MG${'1b'.repeat(16)}`;
const callback = 'StatusCallback=https%3A%2F%2Finlet.example.com%2Fwebhooks%2Fa-channel';
const addresses = 'To=whatsapp%3A%2B5511900000001&From=whatsapp%3A%2B5511800000001';
const mediaUrl = (name: string) => `MediaUrl=https%3A%2F%2Finlet.example.com%2Fpublic%2F${name}`;

describe('twilio is sent', () => {
  const headers = {
    authorization: `Basic ${basic}`,
    'content-type': 'application/x-www-form-urlencoded',
  };
  requestsAre('twilio', headers, [
    {
      name: 'an image for WhatsApp',
      message: { caption: 'look & say: 50 %\r\né' },
      path,
      body: `${addresses}&Body=look+%26+say%3A+50+%25%0D%0A%C3%A9&${mediaUrl('p1.jpg')}&${callback}`,
    },
    {
      name: 'an image with everything',
      message: { caption: 'look', filename: 'rose.jpg', replyTo: 'SM1' },
      options: { validityPeriod: 600 },
      path,
      body: `${addresses}&Body=look&${mediaUrl('p1.jpg')}&${callback}&ValidityPeriod=600`,
    },
    {
      name: 'a video',
      message: video,
      path,
      body: `${addresses}&${mediaUrl('v1.mp4')}&${callback}`,
    },
    { name: 'audio', message: audio, path, body: `${addresses}&${mediaUrl('a1.mp3')}&${callback}` },
    { name: 'a document', message: document, path, body: `${addresses}&${mediaUrl('d1.pdf')}&${callback}` },
    { name: 'a sticker', message: sticker, path, body: `${addresses}&${mediaUrl('s1.webp')}&${callback}` },
    {
      name: 'an image for a person without a known number',
      message: { to: 'BR.13491208655302741918' },
      path,
      body: `To=whatsapp%3ABR.13491208655302741918&From=whatsapp%3A%2B5511800000001&${mediaUrl('p1.jpg')}&${callback}`,
    },
    {
      name: 'an image for an address in the format of Twilio',
      message: { to: 'whatsapp:+5511900000001' },
      path,
      body: `${addresses}&${mediaUrl('p1.jpg')}&${callback}`,
    },
    {
      name: 'an MMS from a number',
      message: { caption: 'look' },
      settings: { from: '+15550100001' },
      path,
      body: `To=%2B5511900000001&From=%2B15550100001&Body=look&${mediaUrl('p1.jpg')}&${callback}`,
    },
    {
      name: 'an MMS from a short code',
      settings: { from: '55501' },
      path,
      body: `To=%2B5511900000001&From=55501&${mediaUrl('p1.jpg')}&${callback}`,
    },
    {
      name: 'an MMS from a Messaging Service',
      message: { to: '+5511900000001' },
      settings: { from: service },
      path,
      body: `To=%2B5511900000001&MessagingServiceSid=${service}&${mediaUrl('p1.jpg')}&${callback}`,
    },
    {
      name: 'an image from an RCS agent',
      settings: { from: 'rcs:an_agent' },
      path,
      body: `To=%2B5511900000001&From=rcs%3Aan_agent&${mediaUrl('p1.jpg')}&${callback}`,
    },
  ]);
});

const sid = `MM${'2c'.repeat(16)}`;
const problem = (status: number, code: number, words: string) => ({
  status,
  body: { code, message: words, more_info: `https://www.twilio.com/docs/errors/${String(code)}`, status },
});

describe('the response of twilio', () => {
  answersMean('twilio', [
    {
      name: 'accepts a message under its id',
      answer: { status: 201, body: { sid, status: 'queued', error_code: null, error_message: null } },
      outcome: { type: 'accepted', messageId: sid },
    },
    {
      name: 'accepts a message that is sent later',
      answer: { status: 201, body: { sid, status: 'accepted' } },
      outcome: { type: 'accepted', messageId: sid },
    },
    {
      name: 'refuses a recipient',
      answer: problem(400, 21_211, "The 'To' number is not a valid phone number"),
      outcome: { type: 'refused', code: '21211', message: "The 'To' number is not a valid phone number" },
    },
    {
      name: 'refuses a recipient who has opted out',
      answer: problem(400, 21_610, 'Attempt to send to unsubscribed recipient'),
      outcome: { type: 'refused', code: '21610', message: 'Attempt to send to unsubscribed recipient' },
    },
    {
      name: 'refuses the credentials',
      answer: problem(401, 20_003, 'Authenticate'),
      outcome: { type: 'refused', code: '20003', message: 'Authenticate' },
    },
    {
      name: 'asks to wait',
      answer: problem(429, 20_429, 'Too Many Requests'),
      outcome: { type: 'busy', retryAfterMs: null, code: '20429', message: 'Too Many Requests' },
    },
    {
      name: 'fails, and it is unknown whether the message was accepted',
      answer: problem(500, 20_500, 'Internal Server Error'),
      outcome: { type: 'unknown', message: 'Internal Server Error' },
    },
    {
      name: 'agrees and reports an error without an id',
      answer: { status: 200, body: { code: 30_001, message: 'Queue overflow' } },
      outcome: { type: 'unknown', message: 'Queue overflow' },
    },
    {
      name: 'repeats the token, which is left out',
      answer: problem(400, 21_603, `Basic ${basic} of ${secrets[0]} and ${secrets[1]}`),
      outcome: { type: 'refused', code: '21603', message: 'Basic *** of *** and ***' },
    },
  ]);
});

describe('a recipient', () => {
  const takes = (from: string, to: string) => {
    const { pattern } = sendingOf('twilio', { from }).limitsFor({}).recipient;
    return new RegExp(`^(?:${pattern})$`, 'u').test(to);
  };

  test.each([
    ['whatsapp:+5511800000001', '5511900000001', true],
    ['whatsapp:+5511800000001', '+5511900000001', true],
    ['whatsapp:+5511800000001', 'whatsapp:+5511900000001', true],
    ['whatsapp:+5511800000001', 'BR.13491208655302741918', true],
    ['whatsapp:+5511800000001', 'whatsapp:BR.13491208655302741918', true],
    ['whatsapp:+5511800000001', 'whatsapp:+BR.1', false],
    ['whatsapp:+5511800000001', 'messenger:1234567', false],
    ['+15550100001', '5511900000001', true],
    ['+15550100001', '+5511900000001', true],
    ['+15550100001', 'whatsapp:+5511900000001', false],
    ['+15550100001', 'BR.13491208655302741918', false],
    [service, '5511900000001', true],
    [service, 'BR.13491208655302741918', false],
  ])('of %s may be %s: %p', (from, to, isTaken) => {
    expect(takes(from, to)).toBe(isTaken);
  });

  test.each([
    ['5511900000001', '5511900000001'],
    ['+5511900000001', '5511900000001'],
    ['whatsapp:+5511900000001', '5511900000001'],
    ['whatsapp:BR.13491208655302741918', 'BR.13491208655302741918'],
  ])('%s is the person %s of webhooks', (to, person) => {
    expect(sendingOf('twilio').personOf?.(to)).toBe(person);
  });
});

test('the sender decides what may be sent', () => {
  const kindsOf = (from: string) => Object.keys(sendingOf('twilio', { from }).limitsFor({}).media);
  const all = ['image', 'video', 'audio', 'document'];
  expect(kindsOf('whatsapp:+5511800000001')).toEqual([...all, 'sticker']);
  for (const from of ['+15550100001', '55501', service, 'rcs:an_agent', 'ACME'])
    expect(kindsOf(from)).toEqual(all);
  const captionsOf = (from: string) =>
    Object.values(sendingOf('twilio', { from }).limitsFor({}).media).map(({ maxCaption }) => maxCaption);
  expect(captionsOf('whatsapp:+5511800000001')).toEqual([1600, 1600, 0, 0, 0]);
  expect(captionsOf('+15550100001')).toEqual([1600, 1600, 1600, 1600]);
});

test('a reply is not possible, because Twilio has no parameter for it', () => {
  expect(sendingOf('twilio').takesReply({})).toBe(false);
});

test.each([0, 14_401, 1.5, '600'])('a message cannot be valid for %p seconds', async (validityPeriod) => {
  await expect(send('twilio', { options: { validityPeriod } })).rejects.toThrow('options.validityPeriod');
  expect(api.requests).toEqual([]);
});

test('a message of the kind that nobody can fetch is an error before the call', async () => {
  const content = { way: 'inline', data: () => Promise.resolve(Buffer.from('png!')) } as const;
  expect(await send('twilio', { message: { ...message, content } })).toMatchObject({
    type: 'busy',
    code: 'not_prepared',
  });
  expect(api.requests).toEqual([]);
});
