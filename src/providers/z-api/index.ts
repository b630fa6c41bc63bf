/** Z-API (WhatsApp). Authenticity, retries and order of its webhooks are not documented. */
import { z } from 'zod';

import type { ProviderAdapter } from '../../domain/provider-adapter.js';
import {
  apiUrl,
  credential,
  defineProvider,
  hostList,
  issuedSecretList,
  secretList,
} from '../kit/define-provider.js';
import { secretMatcher, sharedSecret, singleHeader } from '../kit/verification.js';
import { connectionOf } from './connection.js';
import { parse } from './parse.js';
import { sendingOf, sendOptions } from './send.js';

const accountNeeds = [['instanceId', 'token']] as const;

export const zApi = defineProvider({
  id: 'z-api',
  envPrefix: 'ZAPI',
  settings: z.object({
    webhookSecret: secretList.optional(),
    headerToken: issuedSecretList(
      'The value of the header z-api-token of its webhooks, usually the token of the instance; the address then needs no secret',
    ).optional(),
    instanceId: z
      .string()
      .meta({ description: 'For sending and connecting: the id of the instance, from its page in the panel' })
      .optional(),
    token: credential('For sending and connecting: the token of the instance').optional(),
    clientToken: credential(
      "For sending: the account's security token, if it is enabled (Security in the panel)",
    ).optional(),
    apiUrl: apiUrl('https://api.z-api.io'),
    mediaHosts: hostList,
  }),
  enabledBy: ['webhookSecret', 'headerToken'],
  ownSecret: 'webhookSecret',
  setup: (webhookUrl) => [
    'With the settings instanceId and token (and clientToken, if the account has one), Inlet sets the webhooks itself: choose Connect. Otherwise follow the next steps.',
    'Open Instances in the panel of Z-API, then your instance, then its webhooks.',
    `Set the webhook "on receive" to ${webhookUrl}?token=<webhookSecret>`,
    'Instead of ?token= the token of the instance proves the calls, if you give it to this channel as headerToken: Z-API sends it in a header.',
    'Set the webhooks "on send" and "message status" to the same address, to hear what becomes of messages.',
    'Switch on "notify sent by me" if pictures that are sent from the phone are to be kept too.',
    'To send, give this channel the ID and the token of the instance as instanceId and token, and the security token of the account, if there is one, as clientToken.',
  ],
  connecting: { needs: accountNeeds },
  sending: { needs: accountNeeds, options: sendOptions },
  create: (settings, now) => {
    const {
      webhookSecret = [],
      headerToken = [],
      mediaHosts,
      instanceId,
      token,
      clientToken,
      apiUrl,
    } = settings;
    const account =
      instanceId === undefined || token === undefined
        ? undefined
        : { instanceId, token, clientToken, apiUrl };
    const proofs = { webhookSecrets: webhookSecret, headerTokens: headerToken };
    return {
      ...proofOf(webhookSecret, headerToken),
      parse,
      // Links are public (f00N.backblazeb2.com/file/temp-file-download/), so there are no credentials.
      downloads: { trustedHosts: mediaHosts },
      ...(account && {
        sending: sendingOf(account, now),
        connection: connectionOf(account, proofs, now),
      }),
    };
  },
});

/**
 * Accepts the secret in the URL, or the header that Z-API sets by itself. Z-API does not document that
 * header, and third-party code disagrees whether it contains the token of the instance or of the account, so
 * it only counts if the operator has configured its value.
 */
function proofOf(
  webhookSecrets: readonly string[],
  headerTokens: readonly string[],
): Required<Pick<ProviderAdapter, 'verify' | 'handshake'>> {
  const shared = sharedSecret(webhookSecrets);
  const matches = secretMatcher(headerTokens);
  return {
    ...shared,
    verify: (request) =>
      matches(singleHeader(request.headers['z-api-token'])) ? { ok: true } : shared.verify(request),
  };
}
