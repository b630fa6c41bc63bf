/**
 * Z-API (WhatsApp). Authenticity, retries and order of its webhooks are documented nowhere.
 */
import { z } from 'zod';

import { apiUrl, credential, defineProvider, hostList, secretList } from '../kit/define-provider.js';
import { sharedSecret } from '../kit/verification.js';
import { parse } from './parse.js';
import { sendingOf, sendOptions } from './send.js';

export const zApi = defineProvider({
  id: 'z-api',
  envPrefix: 'ZAPI',
  settings: z.object({
    webhookSecret: secretList,
    instanceId: z
      .string()
      .meta({ description: 'For sending: the id of the instance, from its page in the panel' })
      .optional(),
    token: credential('For sending: the token of the instance').optional(),
    clientToken: credential(
      "For sending: the account's security token, where it is switched on (Security in the panel)",
    ).optional(),
    apiUrl: apiUrl('https://api.z-api.io'),
    mediaHosts: hostList,
  }),
  enabledBy: ['webhookSecret'],
  ownSecret: 'webhookSecret',
  setup: (webhookUrl) => [
    'Open Instances in the panel of Z-API, then your instance, then its webhooks.',
    `Set the webhook "on receive" to ${webhookUrl}?token=<webhookSecret>`,
    'Set the webhooks "on send" and "message status" to the same address, to hear what becomes of messages.',
    'Switch on "notify sent by me" if pictures that are sent from the phone are to be kept too.',
    'To send, give this channel the ID and the token of the instance as instanceId and token, and the security token of the account, if there is one, as clientToken.',
  ],
  sending: { needs: [['instanceId', 'token']], options: sendOptions },
  create: ({ webhookSecret, mediaHosts, instanceId, token, clientToken, apiUrl }, now) => ({
    ...sharedSecret(webhookSecret),
    parse,
    // Links are public (f00N.backblazeb2.com/file/temp-file-download/): there are no credentials to give away.
    downloads: { trustedHosts: mediaHosts },
    ...(instanceId !== undefined &&
      token !== undefined && { sending: sendingOf({ instanceId, token, clientToken, apiUrl }, now) }),
  }),
});
