import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';

import { pdf, video, voiceNote } from './attachments.js';
import { failsFirst } from './media-checks.js';
import { bytes, endless, filledUpTo, type Content } from './media-host.js';
import { animatedGif, photo, sticker, transparentPng, type Orientation } from './photos.js';
import type { Simulator } from './providers/index.js';
import type { ProviderId } from './providers/registry.js';
import type { Webhook } from './providers/simulated-provider.js';

export type Outcome = 'accepted' | 'status' | 'ignored' | 'malformed';

export interface Expected {
  readonly outcome: Outcome;
  /** The expected state of the attachment; absent if there is none. */
  readonly state?: 'ready' | 'rejected' | 'failed';
  readonly errorCode?: string;
  readonly duplicate?: boolean;
  /** Further members that `GET /v1/media/:id` must return. */
  readonly media?: Readonly<Record<string, string | number>>;
}

/** One call of one provider, and its expected outcome. */
export interface Step {
  readonly provider: ProviderId;
  /** A description of what is sent. */
  readonly sent: string;
  /** Created when it is sent, because signatures are valid for minutes only. */
  readonly webhook: () => Webhook;
  readonly expected: Expected;
}

const size = { width: 1600, height: 1200 } as const;
/** More than any limit on attachments in the demo or in the default settings. */
const tooManyBytes = 200 * 1024 * 1024;

/** Makes the pictures, puts them on the simulator's host, and lists what is sent step by step. */
export async function scenario(simulator: Simulator): Promise<readonly Step[]> {
  const parts = [
    photosOfAllProviders,
    photosOfMeta,
    filesOfBots,
    photosOfCustom,
    turnedPhotos,
    otherFormats,
    guardedLinks,
    hostileLinks,
  ];
  const steps = await Promise.all(parts.map((part) => part(simulator)));
  return [...steps.flat(), ...withoutMedia(simulator)];
}

const ready = (media: Expected['media'] = { kind: 'image' }): Expected => ({
  outcome: 'accepted',
  state: 'ready',
  media,
});
const upright = ready({ kind: 'image', type: 'image/jpeg', ...size });

function jpeg(seed: number, orientation: Orientation = 1): Promise<Buffer> {
  return photo({ seed, ...size, orientation });
}

const asJpeg = (file: Uint8Array): Content => bytes('image/jpeg', file);

async function photosOfAllProviders({ providers }: Simulator): Promise<Step[]> {
  const { blip, 'z-api': zApi, vonage, aisoule, sobot, twilio } = providers;
  const [first, second, third, fourth, fifth, sixth] = await Promise.all([
    jpeg(1),
    jpeg(2),
    jpeg(3),
    jpeg(4),
    jpeg(5),
    jpeg(6),
  ]);
  const toZApi = zApi.webhook({ kind: 'image', url: zApi.publish(asJpeg(first)), caption: 'Look!' });
  const fromBlip = blip.publish(asJpeg(second));
  const fromVonage = vonage.publish(asJpeg(third));
  const fromAisoule = aisoule.publish(asJpeg(fourth));
  const fromSobot = sobot.publish(asJpeg(fifth));
  const fromTwilio = twilio.publish(asJpeg(sixth));
  const sha256 = createHash('sha256').update(fifth).digest('hex');
  return [
    { provider: 'z-api', sent: 'photo', webhook: () => toZApi, expected: upright },
    {
      provider: 'z-api',
      sent: 'the same call again',
      webhook: () => toZApi,
      expected: { ...upright, duplicate: true },
    },
    {
      provider: 'blip',
      sent: 'photo behind a signed link',
      webhook: () => blip.webhook({ kind: 'image', url: fromBlip, caption: 'Good morning' }),
      expected: upright,
    },
    {
      provider: 'vonage',
      sent: 'photo',
      webhook: () => vonage.webhook({ kind: 'image', url: fromVonage, name: 'Bruno' }),
      expected: upright,
    },
    {
      provider: 'aisoule',
      sent: 'photo',
      webhook: () => aisoule.webhook({ kind: 'image', url: fromAisoule, caption: 'My parcel' }),
      expected: upright,
    },
    {
      provider: 'sobot',
      sent: 'photo with its digest in Base64',
      webhook: () => sobot.webhook({ kind: 'image', url: fromSobot, sha256 }),
      expected: { ...upright, media: { ...upright.media, sha256 } },
    },
    {
      provider: 'twilio',
      sent: "photo behind the account's credentials",
      webhook: () => twilio.webhook({ kind: 'image', url: fromTwilio, caption: 'At last' }),
      expected: upright,
    },
  ];
}

/** Meta's files are known by their ids, and their links live for five minutes. */
async function photosOfMeta({ host, providers: { meta } }: Simulator): Promise<Step[]> {
  const [sixth, seventh] = await Promise.all([jpeg(6), jpeg(7)]);
  const fresh = meta.publish(asJpeg(sixth));
  const old = meta.publishExpired(asJpeg(seventh));
  const unknown = `${host.origin}${new URL(fresh).pathname}0`;
  return [
    {
      provider: 'meta',
      sent: 'photo',
      webhook: () => meta.webhook({ kind: 'image', url: fresh, caption: 'São Paulo' }),
      expected: upright,
    },
    {
      provider: 'meta',
      sent: 'photo with an old link',
      webhook: () => meta.webhook({ kind: 'image', url: old }),
      expected: upright,
    },
    {
      provider: 'meta',
      sent: 'photo with an id that leads nowhere',
      webhook: () => meta.webhook({ kind: 'image', url: unknown }),
      expected: { outcome: 'accepted', state: 'failed', errorCode: 'media.gone', media: { kind: 'image' } },
    },
  ];
}

/** Telegram gives each bot ids of its own, which lead to files of at most 20 MiB. */
async function filesOfBots({ providers: { telegram } }: Simulator): Promise<Step[]> {
  const picture = await jpeg(6);
  const photoUrl = telegram.publish(asJpeg(picture));
  const drawing = gzipSync(JSON.stringify({ v: '5.5.2', tgs: 1, layers: [] }));
  const stickerUrl = telegram.publish(bytes('application/gzip', drawing));
  const largeUrl = telegram.publish(filledUpTo(21 * 1024 * 1024, 'image/jpeg', picture));
  return [
    {
      provider: 'telegram',
      sent: 'photo',
      webhook: () => telegram.webhook({ kind: 'image', url: photoUrl, caption: 'From the road' }),
      expected: upright,
    },
    {
      provider: 'telegram',
      sent: 'animated sticker',
      webhook: () => telegram.webhook({ kind: 'sticker', url: stickerUrl, type: 'application/gzip' }),
      expected: ready({ kind: 'sticker', type: 'application/gzip' }),
    },
    {
      provider: 'telegram',
      sent: 'file that is too large for a bot',
      webhook: () => telegram.webhook({ kind: 'document', url: largeUrl, filename: 'scan.jpg' }),
      expected: { outcome: 'accepted', state: 'rejected', errorCode: 'media.too_large' },
    },
  ];
}

/** A custom channel: links, and files that are part of the webhook. */
async function photosOfCustom({ providers: { custom } }: Simulator): Promise<Step[]> {
  const [linked, embedded] = await Promise.all([jpeg(8), jpeg(9)]);
  const link = custom.publish(asJpeg(linked));
  return [
    {
      provider: 'custom',
      sent: 'photo',
      webhook: () => custom.webhook({ kind: 'image', url: link, caption: 'At the door' }),
      expected: upright,
    },
    {
      provider: 'custom',
      sent: 'photo in the webhook itself',
      webhook: () => custom.webhookWithBytes({ kind: 'image', caption: 'Signed' }, embedded),
      expected: upright,
    },
  ];
}

async function turnedPhotos({ providers }: Simulator): Promise<Step[]> {
  const { 'z-api': zApi, vonage, aisoule } = providers;
  const [onItsSide, upsideDown, onTheOther] = await Promise.all([jpeg(11, 6), jpeg(12, 3), jpeg(13, 8)]);
  const fromZApi = zApi.publish(asJpeg(onItsSide));
  const fromVonage = vonage.publish(asJpeg(upsideDown));
  const fromAisoule = aisoule.publish(asJpeg(onTheOther));
  return [
    {
      provider: 'z-api',
      sent: 'photo on its side, to a group',
      webhook: () => zApi.webhook({ kind: 'image', url: fromZApi, group: '120363400000000000' }),
      expected: upright,
    },
    {
      provider: 'vonage',
      sent: 'photo upside down',
      webhook: () => vonage.webhook({ kind: 'image', url: fromVonage }),
      expected: upright,
    },
    {
      provider: 'aisoule',
      sent: 'photo on its other side, second generation',
      webhook: () => aisoule.webhookV2({ kind: 'image', url: fromAisoule }),
      expected: upright,
    },
  ];
}

async function otherFormats({ providers }: Simulator): Promise<Step[]> {
  const { blip, 'z-api': zApi, vonage, aisoule, sobot } = providers;
  const [png, gif, webp, cut] = await Promise.all([
    transparentPng({ seed: 21, width: 1000, height: 800 }),
    animatedGif({ seed: 22, width: 480, height: 360 }),
    photo({ seed: 23, ...size, format: 'webp' }),
    sticker(24),
  ]);
  const pngUrl = aisoule.publish(bytes('image/png', png));
  const gifUrl = blip.publish(bytes('image/gif', gif));
  const webpUrl = vonage.publish(bytes('image/webp', webp));
  const stickerUrl = zApi.publish(bytes('image/webp', cut));
  const videoUrl = sobot.publish(bytes('video/mp4', video({ seed: 25 })));
  const voiceUrl = blip.publishKeyed(bytes('audio/ogg', voiceNote({ seed: 26 })));
  const pdfUrl = aisoule.publish(bytes('application/pdf', pdf('Invoice 2026-001')));
  return [
    {
      provider: 'aisoule',
      sent: 'PNG with transparency',
      webhook: () => aisoule.webhook({ kind: 'image', url: pngUrl, type: 'image/png' }),
      expected: ready({ kind: 'image', type: 'image/png', width: 1000, height: 800 }),
    },
    {
      provider: 'blip',
      sent: 'animated GIF',
      webhook: () => blip.webhook({ kind: 'image', url: gifUrl, type: 'image/gif' }),
      expected: ready({ kind: 'image', type: 'image/gif', width: 480, height: 360 }),
    },
    {
      provider: 'vonage',
      sent: 'WebP photo',
      webhook: () => vonage.webhook({ kind: 'image', url: webpUrl, type: 'image/webp' }),
      expected: ready({ kind: 'image', type: 'image/webp', ...size }),
    },
    {
      provider: 'z-api',
      sent: 'sticker',
      webhook: () => zApi.webhook({ kind: 'sticker', url: stickerUrl }),
      expected: ready({ kind: 'sticker', type: 'image/webp', width: 512, height: 512 }),
    },
    {
      provider: 'sobot',
      sent: 'video under the key of pictures',
      webhook: () => sobot.webhook({ kind: 'video', url: videoUrl }),
      expected: ready({ kind: 'video', type: 'video/mp4' }),
    },
    {
      provider: 'blip',
      sent: 'voice note that wants the bot key',
      webhook: () => blip.webhook({ kind: 'audio', url: voiceUrl, credentials: true }),
      expected: ready({ kind: 'audio' }),
    },
    {
      provider: 'aisoule',
      sent: 'PDF',
      webhook: () => aisoule.webhook({ kind: 'document', url: pdfUrl, filename: 'invoice.pdf' }),
      expected: ready({ kind: 'document', type: 'application/pdf', filename: 'invoice.pdf' }),
    },
  ];
}

async function guardedLinks({ providers }: Simulator): Promise<Step[]> {
  const { blip, 'z-api': zApi, vonage, twilio } = providers;
  const [one, two, three, four, five] = await Promise.all([jpeg(31), jpeg(32), jpeg(33), jpeg(34), jpeg(35)]);
  const expired = blip.publishExpired(asJpeg(one));
  const secure = vonage.publishSecure(asJpeg(two));
  const inConversation = vonage.publishSecure(asJpeg(three));
  const failing = zApi.publish(asJpeg(four), failsFirst(2, 1));
  const late = twilio.publishLate(asJpeg(five), 1);
  return [
    {
      provider: 'blip',
      sent: 'photo whose link has expired',
      webhook: () => blip.webhook({ kind: 'image', url: expired }),
      expected: upright,
    },
    {
      provider: 'vonage',
      sent: 'photo that wants a token',
      webhook: () => vonage.webhook({ kind: 'image', url: secure, credentials: true }),
      expected: upright,
    },
    {
      provider: 'vonage',
      sent: 'photo in an unsigned Conversation event',
      webhook: () => vonage.conversationWebhook({ kind: 'image', url: inConversation }),
      expected: upright,
    },
    {
      provider: 'z-api',
      sent: 'photo whose host fails twice',
      webhook: () => zApi.webhook({ kind: 'image', url: failing }),
      expected: { ...upright, media: { ...upright.media, attempts: 3 } },
    },
    {
      provider: 'twilio',
      sent: 'photo that is not there yet',
      webhook: () => twilio.webhook({ kind: 'image', url: late }),
      expected: { ...upright, media: { ...upright.media, attempts: 2 } },
    },
  ];
}

async function hostileLinks({ host, providers }: Simulator): Promise<Step[]> {
  const { 'z-api': zApi, vonage, aisoule, sobot } = providers;
  const head = await jpeg(41);
  const neverEnding = zApi.publish(endless('image/jpeg', head));
  const tooLarge = sobot.publish(filledUpTo(tooManyBytes, 'image/jpeg', head));
  const page = zApi.publish(asJpeg(Buffer.from('<!doctype html><title>Not a photo</title><p>Sign in')));
  const gone = `${host.origin}/v3/media/00000000-0000-4000-8000-000000000000`;
  const metadata = 'http://169.254.169.254/latest/meta-data/photo.jpg';
  const rejected = (errorCode: string): Expected => ({ outcome: 'accepted', state: 'rejected', errorCode });
  return [
    {
      provider: 'z-api',
      sent: 'picture that never ends',
      webhook: () => zApi.webhook({ kind: 'image', url: neverEnding }),
      expected: rejected('media.too_large'),
    },
    {
      provider: 'sobot',
      sent: 'picture of 200 MB',
      webhook: () => sobot.webhook({ kind: 'image', url: tooLarge }),
      expected: rejected('media.too_large'),
    },
    {
      provider: 'aisoule',
      sent: 'picture at a private address',
      webhook: () => aisoule.webhook({ kind: 'image', url: metadata }),
      expected: rejected('media.forbidden_address'),
    },
    {
      provider: 'z-api',
      sent: 'web page named .jpg',
      webhook: () => zApi.webhook({ kind: 'image', url: page }),
      expected: rejected('media.type_mismatch'),
    },
    {
      provider: 'vonage',
      sent: 'photo that is gone',
      webhook: () => vonage.webhook({ kind: 'image', url: gone }),
      expected: { outcome: 'accepted', state: 'failed', errorCode: 'media.gone' },
    },
  ];
}

function withoutMedia({ providers }: Simulator): Step[] {
  const { blip, 'z-api': zApi, sobot } = providers;
  return [
    {
      provider: 'sobot',
      sent: 'text',
      webhook: () => sobot.webhook({ kind: 'text', text: 'Is my parcel on its way?' }),
      expected: { outcome: 'ignored' },
    },
    {
      provider: 'z-api',
      sent: 'picture message without a picture',
      webhook: () => zApi.webhook({ kind: 'malformed' }),
      expected: { outcome: 'malformed' },
    },
    {
      provider: 'blip',
      sent: 'report that a message was read',
      webhook: () => blip.webhook({ kind: 'status', id: 'a-message-of-ours', status: 'read' }),
      expected: { outcome: 'status' },
    },
  ];
}
