/**
 * Sends through the Bot API, with one call per message: core.telegram.org/bots/api#sendphoto and the methods
 * beside it.
 */
import { z } from 'zod';

import type { FormPart, HttpRequest, HttpResponse } from '../../domain/provider.js';
import type { OutboundMessage, Sending, SendOutcome } from '../../domain/sending.js';
import { extensionOf, typeOf } from '../kit/file-names.js';
import { fieldsOf, isAbsent, type JsonRecord, textOrNull } from '../kit/lenient.js';
import { compact, optionsCheck, type ProviderError, sender } from '../kit/sending.js';
import { type Bot, methodUrl, secretsOf } from './api.js';
import { compressedDrawing, gif, limits, recipientIntervalMs, voiceTypes } from './limits.js';
import { messageKey, parseMessageKey, wholeNumber } from './message-key.js';

export const sendOptions = z.strictObject({
  disableNotification: z.boolean().meta({ description: 'Delivers the message without a sound' }).optional(),
  protectContent: z.boolean().meta({ description: 'Prevents forwarding and saving' }).optional(),
  hasSpoiler: z.boolean().meta({ description: 'Covers a picture or a video until it is touched' }).optional(),
  showCaptionAboveMedia: z
    .boolean()
    .meta({ description: 'Shows the caption of a picture or a video above it' })
    .optional(),
  messageThreadId: z
    .int()
    .min(1)
    .meta({ description: 'The topic of a forum in which it is sent' })
    .optional(),
  businessConnectionId: z
    .string()
    .regex(/^\S{1,200}$/, 'must be the id of a business connection')
    .meta({ description: 'The connection to a business account in whose name it is sent' })
    .optional(),
});

export function sendingOf(bot: Bot, now: () => Date): Sending {
  return {
    checkOptions: optionsCheck(sendOptions),
    limitsFor: () => limits,
    limits: { default: limits },
    takesReply: () => true,
    replyProblem: (message) => (replyOf(message) === 'elsewhere' ? replyElsewhere : undefined),
    recipientIntervalMs,
    send: sender((message) => requestFor(bot, message), {
      idIn,
      errorIn,
      waitIn: ({ parameters }) => fieldsOf(parameters)['retry_after'],
      secrets: secretsOf(bot),
      now,
    }),
  };
}

/** The message as it is, whose id is the same as in webhooks. */
function idIn({ body }: HttpResponse): string | undefined {
  const { ok, result } = fieldsOf(body);
  return ok === true ? messageKey(fieldsOf(result)) : undefined;
}

function errorIn({ error_code: code, description, parameters }: JsonRecord): ProviderError | undefined {
  if (isAbsent(code) && isAbsent(description)) return undefined;
  const newChat = wholeNumber(fieldsOf(parameters)['migrate_to_chat_id']);
  const text = textOrNull(description) ?? 'an error without a description';
  return {
    code,
    message: newChat === undefined ? text : `${text}; the group has become a supergroup: send to ${newChat}`,
  };
}

interface Method {
  readonly name: string;
  /** The field of the file. */
  readonly field: string;
  /** Whether it may be covered, and its caption shown above it. */
  readonly isVisual: boolean;
}

function methodOf(message: OutboundMessage): Method {
  const type = typeOf(message) ?? '';
  switch (message.kind) {
    case 'document':
      return { name: 'sendDocument', field: 'document', isVisual: false };
    case 'sticker':
      return { name: 'sendSticker', field: 'sticker', isVisual: false };
    case 'audio':
      return voiceTypes.includes(type)
        ? { name: 'sendVoice', field: 'voice', isVisual: false }
        : { name: 'sendAudio', field: 'audio', isVisual: false };
    case 'image':
    case 'video':
      if (type === gif) return { name: 'sendAnimation', field: 'animation', isVisual: true };
      return message.kind === 'image'
        ? { name: 'sendPhoto', field: 'photo', isVisual: true }
        : { name: 'sendVideo', field: 'video', isVisual: true };
  }
}

async function requestFor(bot: Bot, message: OutboundMessage): Promise<HttpRequest | SendOutcome> {
  const reply = replyOf(message);
  if (reply === 'elsewhere') return repliesElsewhere;
  const method = methodOf(message);
  const parameters = parametersOf(message, method, reply);
  const url = methodUrl(bot, method.name);
  const { content } = message;
  if (content.way === 'link')
    return { method: 'POST', url, json: { ...parameters, [method.field]: content.url } };
  const file: FormPart = {
    name: method.field,
    value: await content.data(),
    filename: message.filename ?? `${method.field}.${endingOf(message)}`,
    type: typeOf(message) ?? 'application/octet-stream',
  };
  return { method: 'POST', url, form: [...Object.entries(parameters).map(fieldOfForm), file] };
}

/** Telegram recognises the kind of a sticker by the ending of its name. */
function endingOf(message: OutboundMessage): string {
  const type = typeOf(message);
  if (type === compressedDrawing) return message.kind === 'sticker' ? 'tgs' : 'gz';
  return type === 'video/webm' ? 'webm' : extensionOf(message);
}

function parametersOf(message: OutboundMessage, { isVisual }: Method, reply: number | null): JsonRecord {
  const { to, kind, caption, options } = message;
  return compact({
    business_connection_id: options['businessConnectionId'],
    chat_id: chatIdOf(to),
    message_thread_id: options['messageThreadId'],
    caption: kind === 'sticker' ? undefined : caption,
    show_caption_above_media: isVisual ? options['showCaptionAboveMedia'] : undefined,
    has_spoiler: isVisual ? options['hasSpoiler'] : undefined,
    disable_notification: options['disableNotification'],
    protect_content: options['protectContent'],
    reply_parameters: reply === null ? undefined : { message_id: reply },
  });
}

/** A number, unless it is a name or too long to be one in JSON. */
function chatIdOf(to: string): number | string {
  const number = Number(to);
  return Number.isSafeInteger(number) ? number : to;
}

/** Within a form, other values than texts are written as JSON. */
function fieldOfForm([name, value]: readonly [string, unknown]): FormPart {
  return { name, value: typeof value === 'string' ? value : JSON.stringify(value) };
}

const replyElsewhere =
  'must be the id of a message in the chat of the recipient, and the recipient must be a number';
const repliesElsewhere: SendOutcome = {
  type: 'refused',
  code: 'reply_elsewhere',
  message: `replyTo ${replyElsewhere}`,
};

/**
 * The number of the message that this one replies to; null if it replies to none. A number of another chat
 * would name another message here.
 */
function replyOf({
  replyTo,
  to,
  options,
}: Pick<OutboundMessage, 'options' | 'replyTo' | 'to'>): number | null | 'elsewhere' {
  if (replyTo === null) return null;
  const named = parseMessageKey(replyTo);
  const space = textOrNull(options['businessConnectionId']);
  return named?.chat === to && named.space === space ? named.messageId : 'elsewhere';
}
