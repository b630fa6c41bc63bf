/**
 * Sobot (sobot.in, WhatsApp). Shapes: EffCode/sobot-api-doc source/includes/webhook @b690929 (docs.sobot.in).
 * Every webhook is sent exactly once, whatever is answered (_add-a-webhook.md): what is not kept is lost.
 */
import { z } from 'zod';

import type { InboundEvent } from '../domain/provider.js';
import { apiUrl, credential, defineProvider, hostList, secretList } from './kit/define-provider.js';
import { asRecord } from './kit/lenient.js';
import { metaEvents, metaStatus } from './kit/meta.js';
import { sharedSecret } from './kit/verification.js';

export const sobot = defineProvider({
  id: 'sobot',
  envPrefix: 'SOBOT',
  settings: z.object({
    webhookSecret: secretList,
    apiKey: credential('For sending; not used yet').optional(),
    apiSecret: credential('For sending; not used yet').optional(),
    apiUrl: apiUrl('https://api.sobot.in'),
    mediaHosts: hostList,
  }),
  enabledBy: ['webhookSecret'],
  ownSecret: 'webhookSecret',
  setup: (webhookUrl) => [
    'Open the webhook settings of your WhatsApp number in the console of Sobot (docs.sobot.in: Adding a Webhook).',
    `Set the webhook address to ${webhookUrl}?token=<webhookSecret>`,
    'Send a picture to your number: Sobot sends each event once, so what failed before does not come again.',
  ],
  sending: { needs: [], options: z.strictObject({}) },
  create: ({ webhookSecret, mediaHosts }) => ({
    // No signature, header or handshake is documented (UNVERIFIED).
    ...sharedSecret(webhookSecret),
    parse,
    // Links into the bucket sobot-assets carry no signature in the samples: there are no credentials to give away.
    downloads: { trustedHosts: mediaHosts },
  }),
});

function parse(payload: unknown): InboundEvent[] {
  return metaEvents(payload) ?? (isStatus(payload) ? [metaStatus(payload)] : []);
}

/** `{id, status, timestamp}`, bare (_message-status.md). Two fields with a status are one that lost its id. */
function isStatus(payload: unknown): boolean {
  const body = asRecord(payload);
  return typeof body?.['status'] === 'string' && ('id' in body || Object.keys(body).length <= 2);
}
