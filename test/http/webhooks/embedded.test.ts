/**
 * Files that webhooks contain themselves: read from the stored webhook, never copied into a row, gone with
 * it.
 */
import { hash } from 'node:crypto';

import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import sharp from 'sharp';

import type { Channel } from '../../../src/domain/channel.js';
import type { InboundEvent, MediaSource } from '../../../src/domain/provider.js';
import { call, type Answer, type MediaView, type Receipt } from '../../support/client.js';
import { startTestService, type TestService } from '../../support/test-service.js';
import { until } from '../../support/until.js';

interface Payload {
  readonly id: string;
  readonly file: string;
  /** Makes the bytes of the webhook different. */
  readonly again?: number;
}

/** A provider whose webhooks contain their files, or what a hostile sender claims to be the place of one. */
function channelOf(id: string, sourceOf: (payload: Payload) => MediaSource): Channel {
  const parse = (payload: unknown): InboundEvent[] => [
    {
      type: 'message',
      messageId: (payload as Payload).id,
      direction: 'inbound',
      from: 'person-1',
      to: null,
      chat: null,
      senderName: null,
      caption: null,
      sentAt: null,
      media: [
        {
          kind: 'image',
          source: sourceOf(payload as Payload),
          declaredType: null,
          filename: null,
          sha256: null,
        },
      ],
    },
  ];
  const adapter = { verify: () => ({ ok: true }) as const, parse, downloads: { trustedHosts: [] } };
  return { id, provider: id, source: 'environment', settings: [], adapter };
}

const channels = [
  channelOf('embedding', () => ({ type: 'embedded', pointer: '/file' })),
  channelOf('foreign', ({ file }) => ({ type: 'reference', reference: file })),
];
const maxBytes = 40_000;

let service: TestService;
let picture: string;
let lastId = 0;
beforeAll(async () => {
  service = await startTestService({ channels, env: { MAX_MEDIA_BYTES: String(maxBytes) } });
});
afterAll(() => service.stop());
beforeEach(async () => {
  lastId += 1;
  const background = { r: lastId, g: 100, b: 200 };
  const png = await sharp({ create: { width: 20, height: 10, channels: 3, background } })
    .png()
    .toBuffer();
  picture = png.toString('base64');
});

function post(payload: Omit<Payload, 'id'> & { readonly id?: string }, to = service, channel = 'embedding') {
  const json = { id: `m${String(lastId)}`, ...payload };
  return call<Receipt>(to.url, `/webhooks/${channel}`, { method: 'post', json });
}

/** The media item of a webhook after an attempt, or after its refusal. */
function mediaOf({ body }: Answer<Receipt>, from = service): Promise<MediaView> {
  const path = `/v1/media/${String(body.media[0])}`;
  return until(async () => {
    const { body: media } = await call<MediaView>(from.url, path, { token: from.token('media:read') });
    return (media.attempts > 0 || media.state !== 'pending') && media;
  });
}

test('a picture in a webhook becomes ready, and its row holds no byte of it', async () => {
  const received = await post({ file: `data:image/png;base64,${picture}` });
  expect(received.body).toMatchObject({ outcome: 'accepted', duplicate: false });
  const media = await mediaOf(received);
  expect(media).toMatchObject({ state: 'ready', type: 'image/png', width: 20, height: 10, attempts: 1 });
  const rows = await service.database.query<{ row: string }>(
    'select media::text as row from media where id = $1',
    [media.id],
  );
  expect(rows[0]?.row).toContain(':/file');
  expect(rows[0]?.row).not.toContain(picture.slice(0, 40));
});

test('the same webhook again changes nothing', async () => {
  const first = await post({ file: picture });
  await mediaOf(first);
  const second = await post({ file: picture });
  expect(second.body).toEqual({ ...first.body, duplicate: true });
  expect(await mediaOf(second)).toMatchObject({ state: 'ready', attempts: 1 });
});

test.each([
  ['is not Base64', 'not base64!', { state: 'failed', error: { code: 'media.provider_failed' } }],
  ['is no file at all', '', { state: 'failed', error: { code: 'media.provider_failed' } }],
  [
    'is too large',
    Buffer.alloc(maxBytes + 1).toString('base64'),
    { state: 'rejected', error: { code: 'media.too_large' } },
  ],
])('a text that %s has an error that says so', async (_what, file, expected) => {
  const received = await post({ file });
  expect(await mediaOf(received)).toMatchObject(expected);
});

test('a file is gone with its webhook, and comes back with another webhook of the same message', async () => {
  const idle = await startTestService({ channels, queue: false });
  const first = await post({ file: picture }, idle);
  await idle.database.query(
    `update delivery set body = '', headers = '{}', erased_at = now() where id = $1`,
    [first.body.delivery],
  );
  const working = await startTestService({ channels, beside: idle });
  expect(await mediaOf(first, working)).toMatchObject({ state: 'failed', error: { code: 'media.gone' } });
  const second = await post({ file: picture, again: 1 }, working);
  expect(second.body.media).toEqual(first.body.media);
  expect(await mediaOf(second, working)).toMatchObject({ state: 'ready' });
  await working.stop();
  await idle.stop();
});

test('erasing the media item erases the webhook that contains its bytes', async () => {
  const received = await post({ file: picture });
  const { id } = await mediaOf(received);
  const token = service.token('admin');
  expect((await call(service.url, `/v1/media/${id}`, { method: 'delete', token })).status).toBeLessThan(300);
  const rows = await service.database.query(
    'select octet_length(body) as bytes, source_reference from delivery, media where delivery.id = $1 and media.id = $2',
    [received.body.delivery, id],
  );
  expect(rows).toEqual([{ bytes: 0, source_reference: null }]);
});

test('an id of a provider is never taken for a place in a webhook', async () => {
  const { body } = await post({ file: picture });
  const contentHash = hash('sha256', JSON.stringify({ id: `m${String(lastId)}`, file: picture }));
  const stolen = await post({ file: `embedded:${contentHash}:/file`, again: 1 }, service, 'foreign');
  expect(body.outcome).toBe('accepted');
  expect(await mediaOf(stolen)).toMatchObject({ state: 'rejected', error: { code: 'media.no_address' } });
});
