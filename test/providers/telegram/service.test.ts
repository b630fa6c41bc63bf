/** Updates and messages of a bot in the whole service, with the API of a simulated Telegram. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import sharp from 'sharp';

import { bytes } from '../../../src/demo/media-host.js';
import { sticker, uniquePhotos, type UniquePhotos } from '../../../src/demo/photos.js';
import { createSecrets, startSimulator, type Simulator } from '../../../src/demo/providers/index.js';
import type { SimulatedProvider } from '../../../src/demo/providers/simulated-provider.js';
import {
  call,
  afterPending,
  type Answer,
  type MediaView,
  type Problem,
  type Receipt,
} from '../../support/client.js';
import { filesFolder } from '../../support/files.js';
import { describeWith, systemProgram } from '../../support/programs.js';
import { dataOf, send, settled } from '../../support/sending.js';
import { startTestService, type TestService } from '../../support/test-service.js';

const secrets = createSecrets();
let simulator: Simulator;
let telegram: SimulatedProvider;
let service: TestService;
let photos: UniquePhotos;
beforeAll(async () => {
  photos = await uniquePhotos(64, { width: 64, height: 48 });
  simulator = await startSimulator({ secrets });
  telegram = simulator.providers.telegram;
  const { FETCH_ALLOW_PRIVATE_HOSTS: hosts = '', ...env } = simulator.env();
  const ffmpeg = systemProgram('ffmpeg');
  service = await startTestService({
    env: { ...env, ...(ffmpeg !== undefined && { PATH: dirname(ffmpeg) }) },
    mediaHosts: [hosts],
  });
});
afterAll(async () => {
  await service.stop();
  await simulator.close();
});

let next = 0;
const freshPhoto = (): Buffer => photos.at(next++);
const sha256 = (content: Buffer): string => createHash('sha256').update(content).digest('hex');
const admin = () => service.token('admin');
const ask = <Body>(path: string, method: 'get' | 'delete' = 'get') =>
  call<Body>(service.url, path, { token: admin(), method });

interface MessageView {
  readonly id: string;
  readonly from: string;
  readonly chat: string | null;
  readonly direction: string;
  readonly media: readonly MediaView[];
}

/** A file that the API gives this bot, with the identity that follows from its bytes. */
function fileOf(content: Buffer, type = 'image/jpeg') {
  const url = telegram.publish(bytes(type, content));
  return { file_id: telegram.referenceTo?.(url) ?? '', file_unique_id: sha256(content).slice(0, 16) };
}
const sizesOf = (content: Buffer) => [
  { file_id: 'a-small-size', file_unique_id: 'small', width: 9, height: 9 },
  { ...fileOf(content), width: 64, height: 48 },
];

let chat: number;
beforeEach(() => {
  chat = 5_100_000_000 + next;
  next += 1;
});

/** Posts an update with this message of the person of the test. */
function post(message: object, kind = 'message'): Promise<Answer<Receipt>> {
  const person = { id: chat, is_bot: false, first_name: 'Rosa' };
  const whole = {
    message_id: 7,
    date: 1_795_255_200,
    from: person,
    chat: { id: chat, type: 'private', first_name: 'Rosa' },
    ...message,
  };
  return call<Receipt>(service.url, '/webhooks/telegram', {
    method: 'post',
    json: { update_id: 1, [kind]: whole },
    headers: { 'x-telegram-bot-api-secret-token': secrets.telegram.webhookSecret },
  });
}

/** The files of an answered webhook when none is pending any more. */
async function mediaOf({ body }: Answer<Receipt>): Promise<MediaView[]> {
  return Promise.all(body.media.map((id) => afterPending(service, id)));
}

const messageAt = async (id: string): Promise<MessageView> =>
  (await ask<MessageView>(`/v1/messages/telegram/${encodeURIComponent(id)}`)).body;

describe('a photo', () => {
  test('is downloaded by its id, in its largest size', async () => {
    const photo = freshPhoto();
    const [media] = await mediaOf(await post({ photo: sizesOf(photo), caption: 'A rose' }));
    expect(media).toMatchObject({ state: 'ready', sha256: sha256(photo), attempts: 1, warnings: [] });
    expect(media?.message).toMatchObject({
      id: `${String(chat)}:7`,
      from: String(chat),
      senderName: 'Rosa',
      caption: 'A rose',
    });
  });

  test('keeps the name and the type of the update, whatever the download says', async () => {
    const document = { ...fileOf(freshPhoto()), file_name: 'IMG_0001.HEIC', mime_type: 'image/heic' };
    const [media] = await mediaOf(await post({ document }));
    expect(media).toMatchObject({ kind: 'document', filename: 'IMG_0001.HEIC', type: 'image/jpeg' });
    const rows = await service.database.query('select declared_type, source_url from media where id = $1', [
      media?.id,
    ]);
    expect(rows).toEqual([{ declared_type: 'image/heic', source_url: null }]);
  });

  test('of each chat is another one, although their numbers are the same', async () => {
    const first = await post({ photo: sizesOf(freshPhoto()) });
    chat += 1_000;
    const second = await post({ photo: sizesOf(freshPhoto()) });
    expect((await messageAt(`${String(chat)}:7`)).media.map(({ id }) => id)).toEqual(second.body.media);
    expect((await messageAt(`${String(chat - 1_000)}:7`)).media.map(({ id }) => id)).toEqual(
      first.body.media,
    );
  });

  test('of a business chat is another one than that of the chat with the bot', async () => {
    await post({ photo: sizesOf(freshPhoto()) });
    const business = await post(
      { photo: sizesOf(freshPhoto()), business_connection_id: 'A1/x' },
      'business_message',
    );
    expect(await messageAt(`A1/x/${String(chat)}:7`)).toMatchObject({
      direction: 'inbound',
      media: [{ id: business.body.media[0] }],
    });
    expect((await messageAt(`${String(chat)}:7`)).media).toHaveLength(1);
  });

  test('of an album is a message of its own', async () => {
    const parts = [41, 42, 43].map((message_id) =>
      post({ message_id, media_group_id: '9', photo: sizesOf(freshPhoto()) }),
    );
    const media = (await Promise.all((await Promise.all(parts)).map(mediaOf))).flat();
    expect(media.map(({ message }) => message?.id)).toEqual(
      [41, 42, 43].map((id) => `${String(chat)}:${String(id)}`),
    );
    expect(media.every(({ state }) => state === 'ready')).toBe(true);
  });

  test('that comes again, with the same update, is the same', async () => {
    const photo = sizesOf(freshPhoto());
    const first = await post({ photo });
    const second = await post({ photo });
    expect(second.body).toEqual({ ...first.body, duplicate: true });
  });
});

describe('an edited message', () => {
  test('with another caption adds nothing', async () => {
    const photo = sizesOf(freshPhoto());
    const before = await post({ photo, caption: 'one' });
    const after = await post({ photo, caption: 'two', edit_date: 1_795_255_300 }, 'edited_message');
    expect(after.body).toMatchObject({ outcome: 'accepted', media: before.body.media });
    expect((await messageAt(`${String(chat)}:7`)).media).toHaveLength(1);
  });

  test('with another picture brings it, too', async () => {
    const before = await post({ photo: sizesOf(freshPhoto()) });
    const photo = freshPhoto();
    const after = await post({ photo: sizesOf(photo), edit_date: 1_795_255_300 }, 'edited_message');
    expect(await mediaOf(after)).toMatchObject([{ state: 'ready', sha256: sha256(photo) }]);
    const { media } = await messageAt(`${String(chat)}:7`);
    expect(media.map(({ id }) => id).sort()).toEqual([...before.body.media, ...after.body.media].sort());
  });

  test('of a person who was erased brings nothing back', async () => {
    await mediaOf(await post({ photo: sizesOf(freshPhoto()) }));
    expect((await ask(`/v1/contacts/telegram/${String(chat)}`, 'delete')).status).toBe(200);
    const after = await post({ photo: sizesOf(freshPhoto()), edit_date: 1_795_255_300 }, 'edited_message');
    expect(after).toMatchObject({ status: 200, body: { media: [] } });
  });
});

describe('a sticker', () => {
  const stickerOf = (content: Buffer, type: string) => ({
    sticker: {
      ...fileOf(content, type),
      type: 'regular',
      width: 512,
      height: 512,
      is_animated: type === 'application/gzip',
      is_video: type === 'video/webm',
    },
  });

  test('that is a picture has previews', async () => {
    expect(await mediaOf(await post(stickerOf(await sticker(5), 'image/webp')))).toMatchObject([
      { kind: 'sticker', state: 'ready', type: 'image/webp', warnings: [], previews: { small: {} } },
    ]);
  });

  test('that is a compressed drawing is kept without a warning, and never shown in a page', async () => {
    const drawing = readFileSync(join(filesFolder, 'sticker.tgs'));
    const [media] = await mediaOf(await post(stickerOf(drawing, 'application/gzip')));
    expect(media).toMatchObject({ kind: 'sticker', state: 'ready', type: 'application/gzip', warnings: [] });
    const { headers, bytes: content } = await ask(`/v1/media/${String(media?.id)}/content`);
    expect(headers['content-disposition']).toMatch(/^attachment/);
    expect(content).toEqual(drawing);
  });

  describeWith('ffmpeg', 'that is a video', () => {
    test('has previews, too', async () => {
      const video = readFileSync(join(filesFolder, 'sticker.webm'));
      expect(await mediaOf(await post(stickerOf(video, 'video/webm')))).toMatchObject([
        { kind: 'sticker', state: 'ready', type: 'video/webm', warnings: [], previews: { small: {} } },
      ]);
    });
  });
});

describe('a sent message', () => {
  const sendTo = (members: object) => send(service, { channel: 'telegram', to: String(chat), ...members });

  test('has the id of its webhooks, and stays sent', async () => {
    const { body } = await sendTo({ media: { data: dataOf(freshPhoto()) } });
    const message = await settled(service, body.id, 'sent');
    expect(message).toMatchObject({ messageId: `${String(chat)}:1`, status: 'sent', error: null });
    expect((await messageAt(`${String(chat)}:1`)).direction).toBe('outbound');
    expect(telegram.api.reports).toEqual([]);
  });

  test('that comes back from a business account is not there twice', async () => {
    const photo = freshPhoto();
    const { body } = await sendTo({
      media: { data: dataOf(photo) },
      options: { businessConnectionId: 'B2' },
    });
    await settled(service, body.id, 'sent');
    const message_id = 1;
    const from = { id: 77, is_bot: false, first_name: 'Loja' };
    await post({ message_id, from, photo: sizesOf(photo), business_connection_id: 'B2' }, 'business_message');
    expect((await messageAt(`B2/${String(chat)}:1`)).media).toHaveLength(1);
  });

  test('follows the one before it after a second', async () => {
    const sent = [
      await sendTo({ media: { data: dataOf(freshPhoto()) } }),
      await sendTo({ media: { data: dataOf(freshPhoto()) } }),
    ];
    for (const { body } of sent) await settled(service, body.id, 'sent');
    const times = telegram.api.accepted.filter(({ to }) => to === String(chat)).map(({ at }) => at.getTime());
    expect(times).toHaveLength(2);
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(950);
  });

  test.each(['5100000000:7', '7', 'B2/7:7', '-1002000000003:7', 'wamid.HBgM'])(
    'that replies to %s elsewhere is refused at once',
    async (replyTo) => {
      const { status, body } = await send<Problem>(service, {
        channel: 'telegram',
        to: String(chat),
        media: { data: dataOf(freshPhoto()) },
        replyTo,
      });
      expect({ status, fields: body.errors?.map(({ field }) => field) }).toEqual({
        status: 422,
        fields: ['replyTo'],
      });
      expect(telegram.api.accepted.filter(({ to }) => to === String(chat))).toEqual([]);
    },
  );

  test('that replies to a message of its chat is sent', async () => {
    const { body } = await sendTo({
      media: { data: dataOf(freshPhoto()) },
      replyTo: `${String(chat)}:7`,
    });
    expect((await settled(service, body.id, 'sent')).error).toBeNull();
  });

  test('with a picture that is too narrow is refused at once', async () => {
    const narrow = await sharp({ create: { width: 300, height: 10, channels: 3, background: '#fff' } })
      .jpeg()
      .toBuffer();
    const { status, bytes: answer } = await sendTo({ media: { data: dataOf(narrow) } });
    expect(status).toBe(422);
    expect(answer.toString()).toMatch(/one edge may be at most 20 times as long as the other/);
  });
});
