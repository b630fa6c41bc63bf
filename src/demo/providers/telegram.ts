import { createHash, randomBytes, randomInt } from 'node:crypto';

import { fileIdOf, telegramRules } from './api/telegram.js';
import {
  declaredType,
  jsonHeaders,
  present,
  senderOf,
  unixSeconds,
  type Place,
  type SimulatedMedia,
  type SimulatedMessage,
  type SimulatedProvider,
  type Webhook,
} from './simulated-provider.js';

export interface TelegramSecrets {
  readonly webhookSecret: string;
  readonly botToken: string;
}

export function createTelegramSecrets(): TelegramSecrets {
  const botId = String(randomInt(1_000_000_000, 9_999_999_999));
  return {
    webhookSecret: randomBytes(24).toString('hex'),
    botToken: `${botId}:${randomBytes(26).toString('base64url')}`,
  };
}

/** Telegram: updates with the secret in a header; files by id, which only calls with the token lead to. */
export function simulateTelegram(secrets: TelegramSecrets, { host, api }: Place): SimulatedProvider {
  const { webhookSecret, botToken } = secrets;
  api.obey(telegramRules({ token: botToken, host, inspect: api.inspect }));
  return {
    api,
    webhook: (message): Webhook => ({
      path: '/webhooks/telegram',
      headers: { ...jsonHeaders, 'x-telegram-bot-api-secret-token': webhookSecret },
      body: JSON.stringify(updateOf(message)),
    }),
    publish: (content, ...checks) =>
      host.serve(`/telegram/${randomBytes(9).toString('base64url')}`, content, checks),
    referenceTo: fileIdOf,
    messageIdOf: (message) => {
      const { chat, number } = placeOf(message);
      return `${String(chat)}:${String(number)}`;
    },
    env: () => ({
      TELEGRAM_WEBHOOK_SECRET: webhookSecret,
      TELEGRAM_BOT_TOKEN: botToken,
      TELEGRAM_API_URL: api.origin,
      TELEGRAM_MEDIA_HOSTS: host.host,
    }),
  };
}

/** The chat of a message and its number there, which follows from the simulated id. */
function placeOf(message: SimulatedMessage): { readonly chat: number; readonly number: number } {
  const { id, from } = senderOf(message);
  const group = 'group' in message ? message.group : undefined;
  const digest = createHash('sha256').update(id).digest();
  return {
    chat: Number(group === undefined ? from : `-100${group.slice(-10)}`),
    // Up to 31 bits, and not 0.
    number: (digest.readUInt32BE(0) >>> 1) | 1,
  };
}

function updateOf(given: SimulatedMessage): Record<string, unknown> {
  const sender = senderOf(given);
  const message = { ...given, ...sender };
  const { from, name, sentAt } = sender;
  const { chat: chatId, number } = placeOf(message);
  const person = { id: Number(from), is_bot: false, first_name: name };
  const chat =
    chatId < 0
      ? { id: chatId, title: 'A group', type: 'supergroup' }
      : { id: chatId, first_name: name, type: 'private' };
  const common = { message_id: number, chat, date: unixSeconds(sentAt) };
  if (message.kind === 'status')
    // There are no statuses. What comes nearest is that the person reacts to the message.
    return {
      update_id: number,
      message_reaction: {
        ...common,
        user: person,
        old_reaction: [],
        new_reaction: [{ type: 'emoji', emoji: '👍' }],
      },
    };
  return { update_id: number, message: { ...common, from: person, ...payload(message) } };
}

function payload(message: Exclude<SimulatedMessage, { kind: 'status' }>): Record<string, unknown> {
  if (message.kind === 'text') return { text: message.text };
  if (message.kind === 'malformed') return { photo: [] };
  const { kind, caption } = message;
  const type = declaredType(message);
  const captioned = present({ caption });
  switch (kind) {
    case 'image':
      return { photo: sizesOf(message), ...captioned };
    case 'video':
      return { video: { ...fileOf(message), width: 1280, height: 720, duration: 4 }, ...captioned };
    case 'audio':
      return type.startsWith('audio/ogg')
        ? { voice: { ...fileOf(message), duration: 3 }, ...captioned }
        : { audio: { ...fileOf(message), duration: 3 }, ...captioned };
    case 'document':
      return { document: fileOf(message), ...captioned };
    case 'sticker':
      return { sticker: stickerOf(message) };
  }
}

function idsOf(url: string): Record<string, string> {
  const unique = createHash('sha256').update(url).digest('base64url').slice(0, 12);
  return { file_id: fileIdOf(url), file_unique_id: `AQAD${unique}` };
}

function fileOf(media: SimulatedMedia): Record<string, unknown> {
  return present({
    ...idsOf(media.url),
    file_name: media.filename,
    mime_type: declaredType(media).split(';')[0],
  });
}

/** A small size and the picture itself. */
function sizesOf({ url }: SimulatedMedia): Record<string, unknown>[] {
  return [
    { ...idsOf(`${url}#small`), width: 90, height: 67, file_size: 1_200 },
    { ...idsOf(url), width: 1280, height: 960 },
  ];
}

function stickerOf(media: SimulatedMedia): Record<string, unknown> {
  const type = declaredType(media);
  return {
    ...idsOf(media.url),
    type: 'regular',
    width: 512,
    height: 512,
    is_animated: type === 'application/gzip',
    is_video: type === 'video/webm',
    emoji: '👍',
  };
}
