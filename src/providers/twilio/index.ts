/**
 * Twilio: Programmable Messaging with SMS, MMS, WhatsApp and RCS. A webhook that is not accepted comes once
 * more, to the fallback address, and then never again (twilio.com/docs/usage/webhooks).
 */
import { z } from 'zod';

import { AppError } from '../../domain/errors.js';
import type { Downloads } from '../../domain/provider.js';
import type { Acknowledgement } from '../../domain/provider-adapter.js';
import { apiUrl, defineProvider, hostList, hostOf, issuedSecretList } from '../kit/define-provider.js';
import { fieldsOfForm, recordOfForm } from '../kit/form.js';
import { type Account, credentialsOf, isOwnMediaPath, senderFormat } from './account.js';
import { connectionOf } from './connection.js';
import { eventsOfMissed } from './missed.js';
import { eventsOfWebhook } from './parse.js';
import { sendingOf, sendOptions } from './send.js';
import { isJson, verifier } from './verify.js';

const senderNeeds = [['accountSid', 'from']] as const;

export const twilio = defineProvider({
  id: 'twilio',
  envPrefix: 'TWILIO',
  settings: z.object({
    authToken: issuedSecretList(
      'The auth token of the account, which signs webhooks; while you promote another one, both, the new one first: it signs in to the API, too',
    ),
    accountSid: z
      .string()
      .trim()
      .regex(/^AC[\da-f]{32}$/i, 'must be AC and 32 hexadecimal digits')
      .meta({ description: 'The account SID: for downloading media, sending and connecting' })
      .optional(),
    from: z
      .string()
      .trim()
      .regex(
        senderFormat,
        'must be whatsapp:+ and a number, + and a number, a short code, MG…, rcs:… or a name',
      )
      .meta({
        description:
          'For sending and connecting: whatsapp:+… for WhatsApp, +… or a short code for SMS and MMS, or the SID of a Messaging Service, MG…',
      })
      .optional(),
    apiUrl: apiUrl('https://api.twilio.com'),
    mediaHosts: hostList,
  }),
  enabledBy: ['authToken'],
  // Twilio issues it, and it is the key to the whole account.
  ownSecret: null,
  setup: (webhookUrl) => [
    'Copy the account SID and the auth token from the start page of the console of Twilio, and give them to this channel as accountSid and authToken.',
    'With the settings accountSid and from, Inlet sets the webhooks itself: choose Connect. Otherwise follow the next steps.',
    `For SMS and MMS, open Phone Numbers, then your number, then Messaging, and set "A message comes in" to ${webhookUrl} with HTTP POST; or do so in the integration of your Messaging Service.`,
    `For WhatsApp, open Messaging, then Senders, then WhatsApp senders, then yours, and set the webhook for incoming messages and the status callback to ${webhookUrl} with HTTP POST.`,
    'Enter the same address as the fallback: Twilio tries no more often than that.',
    'The address must be the same to the letter as PUBLIC_URL says, because the signature covers it.',
    'To send, give this channel your sender as from: whatsapp:+ and the number, + and the number, or the SID of the Messaging Service.',
  ],
  connecting: { needs: senderNeeds },
  sending: { needs: senderNeeds, options: sendOptions },
  create: ({ authToken, accountSid, from, apiUrl, mediaHosts }, now) => {
    const account = accountSid === undefined ? undefined : { accountSid, authTokens: authToken, apiUrl };
    const sender = account && from !== undefined ? { ...account, from } : undefined;
    return {
      verify: verifier(authToken),
      decode,
      acknowledge: () => emptyTwiml,
      parse: (payload) => eventsOfMissed(payload, apiUrl) ?? eventsOfWebhook(payload),
      downloads: downloadsOf(account, [hostOf(apiUrl), ...mediaHosts]),
      ...(sender && { sending: sendingOf(sender, now), connection: connectionOf(sender, now) }),
    };
  },
});

/** A form, unless it is said to be JSON. */
function decode(rawBody: Uint8Array, contentType: string | undefined): unknown {
  if (isJson(contentType)) return undefined;
  const fields = fieldsOfForm(rawBody);
  if (fields === undefined) throw new AppError('webhook.not_json', 'the form has too many fields');
  return recordOfForm(fields);
}

/**
 * TwiML without an instruction. JSON would be reported to the customer as an error
 * (twilio.com/docs/api/errors/12300), and a text would be sent to the person.
 */
const emptyTwiml: Acknowledgement = {
  status: 200,
  contentType: 'text/xml',
  body: '<?xml version="1.0" encoding="UTF-8"?><Response/>',
};

/** The file of a new message may be missing for some seconds: chatwoot/chatwoot#15499. */
const notYetMs = 10 * 60_000;

/**
 * Twilio redirects from its API to a host with short-lived links, which gets no credentials. Media stay until
 * the customer deletes them (twilio.com/docs/messaging/api/media-resource).
 */
function downloadsOf(account: Account | undefined, trustedHosts: readonly string[]): Downloads {
  if (!account) return { trustedHosts, notYetMs };
  return {
    trustedHosts,
    notYetMs,
    authorize: ({ pathname }) => (isOwnMediaPath(pathname, account) ? credentialsOf(account) : {}),
  };
}
