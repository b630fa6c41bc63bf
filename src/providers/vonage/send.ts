/** Chooses between Vonage's two APIs and validates the options. */
import { z } from 'zod';

import type { Sending, SendOptions } from '../../domain/sending.js';
import { type ResponseReader, optionsCheck } from '../kit/sending.js';
import type { Bearer } from './application.js';
import { conversationSender } from './conversation.js';
import { type Channel, channels, limitsOfChannels, limitsOfConversation } from './limits.js';
import { errorIn, messagesSender } from './messages.js';

export const sendOptions = z.strictObject({
  product: z
    .enum(['messages', 'conversation'])
    .default('messages')
    .meta({ description: 'The Messages API, or an event in a conversation of the older Conversation API' }),
  channel: z
    .enum([...channels, 'viber'])
    .default('whatsapp')
    .meta({ description: 'Of the Messages API: how the message goes; viber is short for viber_service' }),
  from: z
    .string()
    .regex(/^[\w-]{1,50}$/, 'must be a number, or the id of a page, a service or a member')
    .meta({ description: "What it is sent from; else the channel's own. Of a conversation: a member, MEM-…" })
    .optional(),
  clientRef: z
    .string()
    .min(1)
    .max(100)
    .meta({ description: 'Your own reference, which Vonage repeats in what it reports' })
    .optional(),
  ttl: z.int().min(1).meta({ description: 'Seconds after which it is not delivered any more' }).optional(),
});

interface Account {
  readonly authorize: Bearer;
  readonly from?: string | undefined;
  readonly apiUrl: string;
}

export function sendingOf(account: Account, now: () => Date): Sending {
  const reader: Pick<ResponseReader, 'errorIn' | 'secrets' | 'now'> = { errorIn, secrets: [], now };
  const sendMessage = messagesSender(account, reader);
  const sendEvent = conversationSender(account, reader);
  return {
    checkOptions: optionsCheck(checked(account.from)),
    limitsFor: (options) =>
      isConversation(options) ? limitsOfConversation : limitsOfChannels[channelOf(options)],
    limits: { ...limitsOfChannels, conversation: limitsOfConversation },
    // A reply names the original message in `context`, which only WhatsApp supports.
    takesReply: (options) => !isConversation(options) && channelOf(options) === 'whatsapp',
    apiUrl: account.apiUrl,
    send: (message, http) => (isConversation(message.options) ? sendEvent : sendMessage)(message, http),
  };
}

const isConversation = ({ product }: SendOptions): boolean => product === 'conversation';

const channelOf = ({ channel }: SendOptions): Channel =>
  channels.find((one) => one === channel) ?? (channel === 'viber' ? 'viber_service' : 'whatsapp');

/** Adds the channel's own number and the requirements of the two APIs. */
function checked(ownFrom: string | undefined): z.ZodType<SendOptions> {
  return sendOptions.transform((options, context) => {
    if (isConversation(options)) {
      if (options.from?.startsWith('MEM-') !== true)
        context.addIssue({
          code: 'custom',
          path: ['from'],
          message: 'must be a member of the conversation, MEM-…',
        });
      return options;
    }
    const from = options.from ?? ownFrom;
    if (from === undefined) {
      const message = 'is required because this channel has no number of its own (setting from)';
      context.addIssue({ code: 'custom', path: ['from'], message });
    }
    return { ...options, channel: channelOf(options), from };
  });
}
