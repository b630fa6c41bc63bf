/** The methods `sendPhoto`, `sendVideo` and so on: JSON with a link, or a form with the bytes. */
import type { ApiAnswer, ApiCall } from './calls.js';
import {
  flag,
  inWords,
  isObject,
  link,
  object,
  oneOf,
  text,
  whole,
  type FieldCheck,
  type Fields,
  type JsonObject,
} from './fields.js';
import { mebibyte, type MediaOffer, type MediaProblem, type MediaRule } from './media-inspection.js';
import type { Route, Ruling } from './provider-api.js';
import { botIdOf, readParameters, telegramProblem, type TelegramBot } from './telegram-calls.js';

interface Method {
  readonly field: string;
  /** For bytes that come with the call. */
  readonly upload: MediaRule;
  /** For links, which Telegram downloads. */
  readonly linked: MediaRule;
  readonly fields: Fields['optional'];
}

const caption = { caption: text({ max: 1024 }) };
const visual = { ...caption, has_spoiler: flag, show_caption_above_media: flag };
const rule = (types: readonly string[], megabytes: number): MediaRule => ({
  types,
  maxBytes: megabytes * mebibyte,
});
const pictures = ['image/jpeg', 'image/png', 'image/webp'];
const music = ['audio/mpeg', 'audio/mp4', 'audio/x-m4a'];
const voices = ['audio/ogg', 'audio/opus', ...music];

const edges = { maxEdges: 10_000, maxRatio: 20 } as const;

const methods: ReadonlyMap<string, Method> = new Map(
  Object.entries<Method>({
    sendPhoto: {
      field: 'photo',
      upload: { ...rule(pictures, 10), ...edges },
      linked: { ...rule(pictures, 5), ...edges },
      fields: visual,
    },
    sendVideo: {
      field: 'video',
      upload: rule(['video/mp4'], 50),
      linked: rule(['video/mp4'], 20),
      fields: visual,
    },
    sendAnimation: {
      field: 'animation',
      upload: rule(['image/gif', 'video/mp4'], 50),
      linked: rule(['image/gif', 'video/mp4'], 20),
      fields: visual,
    },
    sendAudio: { field: 'audio', upload: rule(music, 50), linked: rule(music, 20), fields: caption },
    sendVoice: { field: 'voice', upload: rule(voices, 50), linked: rule(voices, 1), fields: caption },
    sendDocument: {
      field: 'document',
      upload: rule(['application/*', 'text/*', 'image/*', 'video/*', 'audio/*'], 50),
      linked: rule(['application/pdf', 'application/zip', 'image/gif'], 20),
      fields: caption,
    },
    sendSticker: {
      field: 'sticker',
      upload: rule(['image/webp', 'video/webm', 'application/gzip'], 0.5),
      linked: rule(['image/webp'], 0.5),
      fields: {},
    },
  }),
);

/** A number, or the name of a channel. */
const chatId: FieldCheck = (value, name) =>
  Number.isSafeInteger(value) ||
  (typeof value === 'string' && /^(?:-?\d{1,19}|@[A-Za-z]\w{3,31})$/.test(value))
    ? []
    : [{ name, reason: 'is not the id of a chat' }];

const common: Fields['optional'] = {
  business_connection_id: text(),
  message_thread_id: whole(1),
  disable_notification: flag,
  protect_content: flag,
  reply_parameters: object({
    required: { message_id: whole(1) },
    optional: { allow_sending_without_reply: flag },
  }),
  parse_mode: oneOf('MarkdownV2', 'HTML', 'Markdown'),
};

const file: FieldCheck = (value, name) =>
  isObject(value) && value['bytes'] instanceof Buffer ? [] : link(value, name);

export function sendingRoute(bot: TelegramBot, refusal: (call: ApiCall) => ApiAnswer | undefined): Route {
  const lastIds = new Map<string, number>();
  const nextId = (chat: string): number => {
    const id = (lastIds.get(chat) ?? 0) + 1;
    lastIds.set(chat, id);
    return id;
  };
  const send = async (call: ApiCall): Promise<Ruling> => {
    const refused = refusal(call);
    if (refused) return { answer: refused };
    const method = methods.get(call.parameters[1] ?? '');
    if (method === undefined) return { answer: telegramProblem(404, 'method not found') };
    const parameters = readParameters(call);
    const { field, fields } = method;
    const check = object({
      required: { chat_id: chatId, [field]: file },
      optional: { ...common, ...fields },
    });
    const faults = check(parameters, '');
    if (faults.length > 0) return { answer: telegramProblem(400, inWords(faults)) };
    return ruleOn(bot, { method, nextId, parameters: parameters as Parameters });
  };
  return { method: 'POST', path: /^\/bot([^/]+)\/(send[A-Z]\w+)$/, sends: true, handle: send };
}

type Parameters = JsonObject & { readonly chat_id: number | string };

interface Sending {
  readonly method: Method;
  readonly nextId: (chat: string) => number;
  readonly parameters: Parameters;
}

async function ruleOn(bot: TelegramBot, { method, nextId, parameters }: Sending): Promise<Ruling> {
  const { field, upload, linked } = method;
  const offer = offerOf(parameters[field]);
  const found = await bot.inspect(offer, 'bytes' in offer ? upload : linked);
  if ('problem' in found) return { answer: refusalOf(found.problem, 'bytes' in offer) };
  const to = String(parameters.chat_id);
  const chat = to.startsWith('@') ? channelId : to;
  const number = nextId(chat);
  const connection = parameters['business_connection_id'];
  const result = {
    message_id: number,
    from: { id: botIdOf(bot), is_bot: true, first_name: 'Demo', username: 'inlet_demo_bot' },
    chat: { id: Number(chat), type: chat.startsWith('-') ? 'supergroup' : 'private' },
    date: Math.floor(Date.now() / 1000),
    ...(typeof connection === 'string' && { business_connection_id: connection }),
  };
  const space = typeof connection === 'string' ? `${connection}/` : '';
  return {
    answer: { status: 200, json: { ok: true, result } },
    taken: { id: `${space}${chat}:${String(number)}`, to, media: { found }, report: () => [] },
  };
}

/** The channel of every name. */
const channelId = '-1001122334455';

function offerOf(value: unknown): MediaOffer {
  return typeof value === 'string' ? { link: value } : { bytes: (value as { bytes: Buffer }).bytes };
}

function refusalOf({ reason, message }: MediaProblem, isUpload: boolean): ApiAnswer {
  if (isUpload && reason === 'too_large') return telegramProblem(413, message);
  const start = isUpload ? 'IMAGE_PROCESS_FAILED' : 'failed to get HTTP URL content';
  return telegramProblem(400, `${start}: ${message}`);
}
