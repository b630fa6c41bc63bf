/**
 * AISoule (WhatsApp). Its two generations of documentation disagree; webhooks of both are understood, and
 * both can be used for sending.
 */
import { createHmac } from 'node:crypto';

import { z } from 'zod';

import type { ProviderAdapter } from '../../domain/provider-adapter.js';
import { apiUrl, credential, defineProvider, hostList, issuedSecretList } from '../kit/define-provider.js';
import { metaAccessToken, metaApiUrl, passedOn } from '../kit/meta-passed-on.js';
import { secretMatcher, sharedSecret } from '../kit/verification.js';
import { parserFor } from './parse.js';
import { generations, hosts, sendingOf, sendOptions } from './send.js';

export const aisoule = defineProvider({
  id: 'aisoule',
  envPrefix: 'AISOULE',
  settings: z.object({
    webhookSecret: issuedSecretList(
      'The secret key that AISoule has generated for the webhook; until you enter it, the channel rejects all webhooks',
    ),
    apiKey: credential('For sending: the API key, from Settings, API').optional(),
    generation: z.enum(generations).default('v1').meta({
      description:
        'Which of the two APIs sends, unless options.generation says otherwise: v1 (aisoule.com/docs) or v2 (its help center)',
    }),
    apiUrl: apiUrl(hosts.v1),
    mediaHosts: hostList,
    metaAccessToken,
    metaApiUrl,
  }),
  enabledBy: ['webhookSecret'],
  ownSecret: 'webhookSecret',
  setup: (webhookUrl) => [
    'Open Settings, Webhooks in AISoule and choose New Webhook.',
    `Set the address to ${webhookUrl} and choose the message.* events.`,
    'AISoule then shows a secret key of its own: give it to this channel as the setting webhookSecret.',
    'To send, give it the API key, from Settings, API, as the setting apiKey.',
  ],
  sending: { needs: [['apiKey']], options: sendOptions },
  create: ({ webhookSecret, apiKey, generation, apiUrl, ...media }, now) => {
    // Media hosts and their authorisation are UNVERIFIED. It is unknown whether the API key would be right
    // there, so links are downloaded without credentials.
    const { dialect, downloads } = passedOn(media, now);
    return {
      verify: signatureCheck(webhookSecret),
      handshake: sharedSecret(webhookSecret).handshake,
      parse: parserFor(dialect),
      downloads,
      ...(apiKey !== undefined && { sending: sendingOf({ apiKey, generation, apiUrl }, now) }),
    };
  },
});

/**
 * HMAC-SHA256 of the raw body: v1 `X-AISoule-Signature: sha256=<hex>`
 * (aisoule.com/docs/webhooks/signature-validation), v2 `X-Webhook-Signature: <hex>`
 * (aisoule.com/help/settings/webhook-configuration). Each signature that is present must be valid.
 */
function signatureCheck(secrets: readonly string[]): ProviderAdapter['verify'] {
  return ({ headers, rawBody }) => {
    const v1 = headers['x-aisoule-signature'];
    const v2 = headers['x-webhook-signature'];
    if (v1 === undefined && v2 === undefined) return { ok: false, reason: 'no signature' };
    const digests = secrets.map((secret) => createHmac('sha256', secret).update(rawBody).digest('hex'));
    const v1Matches =
      v1 === undefined || secretMatcher(digests.map((hex) => `sha256=${hex}`))(v1.toLowerCase());
    const v2Matches = v2 === undefined || secretMatcher(digests)(v2.toLowerCase());
    return v1Matches && v2Matches ? { ok: true } : { ok: false, reason: 'wrong signature' };
  };
}
