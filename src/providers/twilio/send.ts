/**
 * Sends a message: twilio.com/docs/messaging/api/message-resource. Twilio downloads the file from its
 * address, and wants the right type there. There is no parameter for replies, and no key that makes a second
 * call harmless.
 */
import { z } from 'zod';

import type { FormField, HttpRequest } from '../../domain/provider.js';
import type { OutboundMessage, Sending } from '../../domain/sending.js';
import { fieldsOf, identifier, isAbsent } from '../kit/lenient.js';
import { compact, linkOf, optionsCheck, sender } from '../kit/sending.js';
import { accountPath, credentialsOf, secretsOf, type Sender, senderKind } from './account.js';
import { limitsFrom } from './limits.js';
import { personOf } from './parse.js';

export const sendOptions = z.strictObject({
  validityPeriod: z
    .int()
    .min(1)
    .max(14_400)
    .meta({ description: 'Seconds after which Twilio does not send it any more; 14 400 by default' })
    .optional(),
});

export function sendingOf(account: Sender, now: () => Date): Sending {
  const limits = limitsFrom(account.from);
  const requestFor = (message: OutboundMessage): HttpRequest => ({
    method: 'POST',
    url: `${account.apiUrl}${accountPath(account)}/Messages.json`,
    headers: credentialsOf(account),
    urlencoded: fieldsFor(message, account.from),
  });
  return {
    checkOptions: optionsCheck(sendOptions),
    limitsFor: () => limits,
    limits: { default: limits },
    personOf: (to) => personOf(to) ?? to,
    takesReply: () => false,
    apiUrl: account.apiUrl,
    send: sender(requestFor, {
      idIn: ({ body }) => identifier(fieldsOf(body)['sid']),
      errorIn: ({ code, message }) => (isAbsent(code) ? undefined : { code, message }),
      // Errors have a status of 4xx. A successful one without an id is not documented.
      meaningOf: (_error, status) => (status < 300 ? 'unknown' : undefined),
      secrets: secretsOf(account),
      now,
    }),
  };
}

function fieldsFor(message: OutboundMessage, from: string): FormField[] {
  const { to, caption, webhookUrl, options } = message;
  const fields = compact({
    To: addressOf(to, from),
    [senderKind(from) === 'service' ? 'MessagingServiceSid' : 'From']: from,
    Body: caption,
    MediaUrl: linkOf(message),
    StatusCallback: webhookUrl,
    ValidityPeriod: options['validityPeriod'],
  });
  return Object.entries(fields).map(([name, value]) => ({ name, value: String(value) }));
}

/**
 * Recipients are reached over the network of the sender. A person without a known number has an id instead.
 */
function addressOf(to: string, from: string): string {
  const person = personOf(to) ?? to;
  const address = /^\d+$/.test(person) ? `+${person}` : person;
  return senderKind(from) === 'whatsapp' ? `whatsapp:${address}` : address;
}
