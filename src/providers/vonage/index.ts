/**
 * Vonage (Nexmo): the Messages API, and the older Conversation API, whose in-app messaging was announced to
 * end on 30 April 2026.
 */
import { z } from 'zod';

import {
  apiUrl,
  defineProvider,
  hostList,
  issuedSecretList,
  pemOrPath,
  secretList,
} from '../kit/define-provider.js';
import { sharedSecret } from '../kit/verification.js';
import { bearer, isRsaKey, parsePem } from './application.js';
import { parse, vonageHost } from './parse.js';
import { sendingOf, sendOptions } from './send.js';
import { verifier } from './verify.js';

export const vonage = defineProvider({
  id: 'vonage',
  envPrefix: 'VONAGE',
  settings: z.object({
    signatureSecret: issuedSecretList(
      "The account's signature secret, from the API settings of the dashboard; verifies webhooks of the Messages API",
    ).optional(),
    webhookSecret: secretList.optional(),
    applicationId: z
      .string()
      .meta({
        description: 'Together with the private key: makes tokens for sending and for protected media',
      })
      .optional(),
    privateKey: pemOrPath
      .refine(isRsaKey, 'must be an RSA private key of at least 2048 bits in PEM')
      .meta({
        description: 'RSA key of the application in PEM, at least 2048 bits',
        secret: true,
        contentFromFile: true,
      })
      .optional(),
    from: z
      .string()
      .trim()
      .regex(/^[\w-]{1,50}$/, 'must be a number, or the id of a page or a service')
      .meta({
        description:
          'The sender of messages, unless options.from says otherwise: your number, page or service id',
      })
      .optional(),
    apiUrl: apiUrl('https://api.nexmo.com'),
    mediaHosts: hostList,
  }),
  enabledBy: ['signatureSecret', 'webhookSecret'],
  ownSecret: 'webhookSecret',
  setup: (webhookUrl) => [
    'Open Applications in the dashboard of Vonage, then your application, then Capabilities, Messages.',
    `Set the Inbound URL and the Status URL to ${webhookUrl}`,
    "Give this channel the account's signature secret, from the API settings, as the setting signatureSecret.",
    `For Conversation events, which are not signed, set the event URL of RTC to ${webhookUrl}?token=<webhookSecret>`,
    'To send, give this channel the id and the private key of the application as applicationId and privateKey, and your number as from.',
  ],
  connecting: {
    // developer.vonage.com/en/api/application.v2: GET and PUT /v2/applications/{id} with Basic
    // authentication.
    absent:
      'the Application API of Vonage needs the key and the secret of the whole account, which a channel does not have: set the addresses in the dashboard',
  },
  sending: { needs: [['applicationId', 'privateKey']], options: sendOptions },
  create: (settings, now) => {
    const { signatureSecret = [], webhookSecret = [], applicationId, privateKey, mediaHosts } = settings;
    const token = sharedSecret(webhookSecret);
    const authorize =
      applicationId === undefined || privateKey === undefined
        ? undefined
        : bearer(applicationId, parsePem(privateKey), now);
    return {
      verify: verifier(signatureSecret, token.verify),
      handshake: token.handshake,
      parse,
      downloads: { trustedHosts: [vonageHost, ...mediaHosts], ...(authorize && { authorize }) },
      ...(authorize && { sending: sendingOf({ ...settings, authorize }, now) }),
    };
  },
});
