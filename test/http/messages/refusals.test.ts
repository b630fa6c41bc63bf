/**
 * What a provider would refuse is refused here, with the field and the limit by name, and nothing of it is
 * kept or sent.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import sharp, { type Sharp } from 'sharp';

import { bytes, startMediaHost, type MediaHost } from '../../../src/demo/media-host.js';
import { photo } from '../../../src/demo/photos.js';
import { upload } from '../../support/client.js';
import { startCourier, type Courier } from '../../support/courier.js';
import { filesOf } from '../../support/everything.js';
import { dataOf, send, sent } from '../../support/sending.js';
import { startTestService, type TestService } from '../../support/test-service.js';
import { until } from '../../support/until.js';

let courier: Courier;
let service: TestService;
let host: MediaHost;
let picture: Buffer;
let media: { data: string };
beforeAll(async () => {
  [courier, host] = await Promise.all([startCourier(), startMediaHost()]);
  service = await startTestService({ channels: [courier.channel], mediaHosts: [host.host] });
  picture = await photo({ seed: 1, width: 64, height: 48 });
  media = { data: dataOf(picture) };
});
afterAll(async () => {
  courier.close();
  await host.close();
  await service.stop();
});

interface Refusal {
  readonly code: string;
  readonly detail: string;
  readonly errors: readonly { readonly field: string; readonly message: string }[];
}

/** What the answer says is wrong. Nothing may have been kept. */
async function refused(members: object, status = 422): Promise<Record<string, string>> {
  const before = [await filesKept(), await rows()];
  const { body, ...answer } = await send<Refusal>(service, members);
  expect([answer.status, body.code]).toEqual([
    status,
    status === 422 ? 'message.refused' : 'request.invalid',
  ]);
  expect([await filesKept(), await rows()]).toEqual(before);
  const told = new Map<string, string>();
  for (const { field, message } of body.errors)
    told.set(field, [told.get(field) ?? [], message].flat().join('; '));
  return Object.fromEntries(told);
}

/** All files, when the temporary ones are gone, which go with an answer or right after it. */
async function filesKept(): Promise<string[]> {
  const temporary = join(service.uploadsDir, 'tmp');
  await until(async () => (await readdir(temporary).catch(() => [])).length === 0);
  return filesOf(service);
}

const rows = () =>
  service.database.query(
    'select (select count(*) from outbound) as sent, (select count(*) from media) as media',
  );

/** A picture with exactly so many bytes: what follows its end is nobody's business. */
const ofSize = (size: number): Buffer => Buffer.concat([picture, Buffer.alloc(size - picture.length)]);

describe('the words', () => {
  test('name a channel that there is, and that the token sees', async () => {
    expect(await refused({ media, channel: 'nobody' })).toEqual({ channel: 'there is no such channel' });
    const token = service.token('messages:send', { channels: ['z-api'] });
    const { status, body } = await send<Refusal>(service, { media }, { token });
    expect([status, body.errors]).toMatchObject([422, [{ field: 'channel' }]]);
  });

  test('name a channel that has what sending needs', async () => {
    expect(await refused({ media, channel: 'sobot' })).toEqual({
      channel: expect.stringMatching(/^cannot send yet: it lacks settings/),
    });
  });

  test('name a recipient as the provider knows them', async () => {
    expect(await refused({ media, to: '+55 11 Ana' })).toEqual({
      to: 'is not a phone number: 8 to 15 digits',
    });
    expect(await refused({ media, to: '5511999990000\n' })).toHaveProperty('to');
  });

  test('name a kind that there is, and that the provider takes', async () => {
    expect(await refused({ media, kind: 'video' })).toEqual({
      kind: 'video is not accepted; accepted: image, sticker, document',
    });
    expect(await refused({ media, kind: 'hologram' }, 400)).toHaveProperty('kind');
  });

  test('have a caption of as many characters as the provider takes, and one more is too many', async () => {
    expect(await refused({ media, caption: 'x'.repeat(21) })).toEqual({
      caption: 'has 21 characters; at most 20 are allowed',
    });
    await sent(service, { media, caption: '🌹'.repeat(20) });
    const sticker = { data: dataOf(await sharp(picture).png().toBuffer(), 'image/png') };
    expect(await refused({ media: sticker, kind: 'sticker', caption: 'Hi' })).toEqual({
      caption: 'is not accepted: this provider has no captions',
    });
  });

  test('have a file name where it is needed', async () => {
    const pdf = { data: dataOf(Buffer.from('%PDF-1.7'), 'application/pdf') };
    expect(await refused({ media: pdf, kind: 'document' })).toEqual({ filename: 'is required' });
    await sent(service, { media: pdf, kind: 'document', filename: 'bill.pdf' });
  });

  test('have options that the provider knows', async () => {
    expect(await refused({ media, options: { nonsense: 1 } })).toEqual({
      'options.nonsense': 'is not known',
    });
    expect(await refused({ media, options: { fit: 'yes' } }, 400)).toHaveProperty(['options.fit']);
  });

  test('are all found wrong at once', async () => {
    const wrong = { to: 'Ana', caption: 'x'.repeat(30), options: { nonsense: 1 }, media: { data: 'data:' } };
    expect(Object.keys(await refused(wrong)).sort()).toEqual([
      'caption',
      'media.data',
      'options.nonsense',
      'to',
    ]);
  });

  test.each([
    ['NUL in a caption', { caption: 'a\0b' }, 'caption'],
    ['half a character', { caption: '\ud83c' }, 'caption'],
    ['NUL in an option', { options: { note: 'a\0b' } }, 'options.note'],
    ['a member that there is not', { nonsense: 1 }, 'nonsense'],
    [
      'two media',
      { media: { id: '019aa5e2-0000-7000-8000-000000000000', url: 'https://a.example/' } },
      'media',
    ],
    ['no media', { media: {} }, 'media'],
  ])('may not have %s', async (_, members, field) => {
    expect(await refused({ media, ...members }, 400)).toHaveProperty([field]);
  });
});

describe('media that come along', () => {
  test.each([
    ['no data URL', 'aGVsbG8='],
    ['no base64', 'data:image/png;base64,****'],
    ['base64 with blanks', `data:image/png;base64,aGVs bG8=`],
    ['nothing', 'data:image/png;base64,'],
  ])('are base64: %s is refused', async (_, data) => {
    expect(await refused({ media: { data } })).toHaveProperty(['media.data']);
  });

  test('are what their bytes say: text is no picture that the provider takes', async () => {
    const text = { data: dataOf(Buffer.from('no picture at all')) };
    expect(await refused({ media: text })).toEqual({
      'media.data': 'Text (text/plain) is not accepted; accepted: image/jpeg, image/png',
    });
  });

  test('may be damaged, as long as no limit of the provider speaks against them', async () => {
    const half = { data: dataOf(picture.subarray(0, picture.length / 2)) };
    expect((await send(service, { media: half })).status).toBe(202);
  });

  test('have a type that the provider takes', async () => {
    const gif = { data: dataOf(await sharp(picture).gif().toBuffer(), 'image/jpeg') };
    expect(await refused({ media: gif })).toEqual({
      'media.data': 'image/gif is not accepted; accepted: image/jpeg, image/png',
    });
  });

  test('have as many bytes as the provider takes, and one more is too many', async () => {
    await sent(service, { media: { data: dataOf(ofSize(100_000)) } });
    expect(await refused({ media: { data: dataOf(ofSize(100_001)) } })).toEqual({
      'media.data': 'has 100001 bytes; at most 100000 are allowed',
    });
  });

  test.each([
    ['16 bits', 'image/png', (flower: Sharp) => flower.toColourspace('rgb16').png(), 'rgb16 with 16 bits'],
    ['shades of grey', 'image/png', (flower: Sharp) => flower.toColourspace('b-w').png(), 'b-w with 8 bits'],
    ['CMYK', 'image/jpeg', (flower: Sharp) => flower.toColourspace('cmyk').jpeg(), 'cmyk with 8 bits'],
  ])('have 8 bits of RGB where the provider asks for it: %s is refused', async (_, type, make, words) => {
    const wrong = { kind: 'sticker', media: { data: dataOf(await make(sharp(picture)).toBuffer(), type) } };
    expect(await refused(wrong)).toEqual({
      'media.data': `pictures must be RGB or RGBA with 8 bits per channel; this one is ${words}`,
    });
    const right = dataOf(await sharp(picture).ensureAlpha().png().toBuffer(), 'image/png');
    await sent(service, { kind: 'sticker', media: { data: right } });
  });
});

describe('media by their id', () => {
  test('are ready, and seen by the token', async () => {
    const id = '019aa5e2-0000-7000-8000-000000000000';
    expect(await refused({ media: { id } })).toEqual({
      'media.id': 'no ready media item has this id',
    });
    const { body: others } = await upload(service, { file: picture, fields: { channel: 'blip' } });
    const token = service.token('messages:send', { channels: ['courier'] });
    const { status } = await send(service, { media: { id: others.id } }, { token });
    expect(status).toBe(422);
  });

  test('keep to the limits too', async () => {
    const { body: large } = await upload(service, { file: ofSize(100_001), fields: { channel: 'courier' } });
    expect(await refused({ media: { id: large.id } })).toEqual({
      'media.id': 'has 100001 bytes; at most 100000 are allowed',
    });
  });
});

describe('a foreign link', () => {
  test.each([
    'http://127.0.0.1:1/a.jpg',
    'http://169.254.169.254/a.jpg',
    'http://localhost/a.jpg',
    'file:///etc/passwd',
  ])('to %s is refused', async (url) => {
    expect(await refused({ media: { url } })).toHaveProperty(['media.url']);
    expect(await refused({ media: { url }, options: { fetch: true } })).toHaveProperty(['media.url']);
  });

  test('that answers a page, or nothing, is refused', async () => {
    const page = host.serve('/page', bytes('text/html', Buffer.from('<!doctype html><p>Hi')));
    expect(await refused({ media: { url: page } })).toEqual({
      'media.url': 'Web page (text/html) is not accepted; accepted: image/jpeg, image/png',
    });
    expect(await refused({ media: { url: page }, options: { fetch: true } })).toHaveProperty(['media.url']);
    expect(await refused({ media: { url: `${host.origin}/nothing.jpg` } })).toEqual({
      'media.url': `${host.host} answered 404 Not Found: the file does not exist`,
    });
  });

  test('to more bytes than the provider takes is refused, before they are read', async () => {
    const url = host.serve('/large.jpg', bytes('image/jpeg', ofSize(100_001)));
    expect(await refused({ media: { url } })).toEqual({
      'media.url': 'has 100001 bytes; at most 100000 are allowed',
    });
  });
});
