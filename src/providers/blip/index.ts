/** Blip (Take Blip, LIME protocol). Its webhooks are not signed. */
import { z } from 'zod';

import { apiUrl, credential, defineProvider, hostList, secretList } from '../kit/define-provider.js';
import { sharedSecret } from '../kit/verification.js';
import { withKey } from './downloads.js';
import { parse } from './parse.js';
import { freeMessagesPerSecond, sendingOf, sendOptions } from './send.js';

export const blip = defineProvider({
  id: 'blip',
  envPrefix: 'BLIP',
  settings: z.object({
    webhookSecret: secretList,
    contractId: z
      .string()
      .regex(/^[\w-]+$/, 'must be the part before .http.msging.net')
      .meta({ description: 'The part before .http.msging.net; needed for sending and for renewing links' })
      .optional(),
    key: credential(
      "The bot's key, Base64 of identifier:accessKey; needed for sending, renewing links and protected media",
    ).optional(),
    apiUrl: apiUrl('https://{contractId}.http.msging.net'),
    mediaHosts: hostList,
    messagesPerSecond: z.coerce.number().int().min(1).max(50).default(freeMessagesPerSecond).meta({
      description: 'Messages per second that the plan allows: 3 on the free plan, 50 on paid plans',
    }),
  }),
  enabledBy: ['webhookSecret'],
  ownSecret: 'webhookSecret',
  setup: (webhookUrl) => [
    'Open your bot in the portal of Blip, then Configurations, Connection information, HTTP Endpoints.',
    `Set the messages URL and the notifications URL to ${webhookUrl}`,
    'Add the custom header X-Inlet-Token with the value <webhookSecret>.',
    `Where no header can be set, append the secret to both addresses: ${webhookUrl}?token=<webhookSecret>`,
    'Or use Integrations, Webhook with the same address and header, which also brings what attendants send.',
    'To send, give this channel the contract id and the key, both from Connection information, as contractId and key.',
  ],
  connecting: {
    absent: 'Blip documents no command that sets the addresses of a bot: set them in its portal',
  },
  sending: {
    needs: [
      ['key', 'contractId'],
      ['key', 'apiUrl'],
    ],
    options: sendOptions,
  },
  create: (settings, now) => {
    const { webhookSecret, contractId, apiUrl, mediaHosts, messagesPerSecond } = settings;
    const api = apiOf(apiUrl, contractId);
    const key = settings.key?.replace(/^Key\s+/i, '');
    const headers = { authorization: `Key ${key ?? ''}` };
    return {
      // There is no signature; a custom header can be set in the portal (help.blip.ai 4474381206423).
      ...sharedSecret(webhookSecret),
      parse,
      downloads: {
        // The key is for media with `authorizationRealm: "blip"`, which are on this host, and never for the
        // blob stores, whose links contain a signature (takenet/blip-cards-vue-components src/utils/media.js
        // @0558fac).
        trustedHosts: ['media.msging.net', ...mediaHosts],
        ...(key !== undefined && withKey(headers, api)),
      },
      ...(key !== undefined &&
        api !== undefined && { sending: sendingOf({ api, headers, key, messagesPerSecond }, now) }),
    };
  },
});

/** The default URL contains the contract id. */
function apiOf(apiUrl: string, contractId: string | undefined): string | undefined {
  if (!apiUrl.includes('{contractId}')) return apiUrl;
  return contractId === undefined ? undefined : apiUrl.replace('{contractId}', contractId);
}
