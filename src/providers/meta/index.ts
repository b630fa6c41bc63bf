/**
 * Meta's WhatsApp Cloud API (developers.facebook.com/documentation/business-messaging/whatsapp). A webhook
 * that is not answered with 200 is sent again for up to 7 days (docs.360dialog.com).
 */
import { createHmac } from 'node:crypto';

import { z } from 'zod';

import type { Downloads, InboundEvent } from '../../domain/provider.js';
import type { ProviderAdapter } from '../../domain/provider-adapter.js';
import { apiUrl, credential, defineProvider, hostList, issuedSecretList } from '../kit/define-provider.js';
import { metaEvents } from '../kit/meta.js';
import { graphUrl } from '../kit/meta-graph.js';
import { metaDownloads, metaHosts, metaSource } from '../kit/meta-media.js';
import { challengeAnswer, secretMatcher } from '../kit/verification.js';
import { accountsOf } from './accounts.js';
import { connectionOf } from './connection.js';
import { sendingOf, sendOptions } from './send.js';

export const meta = defineProvider({
  id: 'meta',
  envPrefix: 'META',
  settings: z.object({
    appSecret: issuedSecretList(
      'The app secret, from App settings, Basic; verifies the sender. Several values, separated by commas, allow a reset without a gap',
    ),
    verifyToken: credential(
      'Any text of your own, which you also enter beside the callback URL: Meta sends it when it checks the URL',
    ).optional(),
    accessToken: credential(
      'For downloading, sending and connecting: the permanent access token of a system user with whatsapp_business_messaging and whatsapp_business_management',
    ).optional(),
    phoneNumberId: z
      .string()
      .trim()
      .regex(/^\d{1,32}$/, 'must be the id of a phone number, digits only')
      .meta({
        description:
          'For sending and connecting, and to divide the webhooks of an app with several numbers: the id of the phone number, from WhatsApp, API Setup',
      })
      .optional(),
    apiUrl: apiUrl(graphUrl),
    mediaHosts: hostList,
  }),
  enabledBy: ['appSecret'],
  ownSecret: null,
  setup: (webhookUrl) => [
    'With the settings verifyToken, accessToken and phoneNumberId, Inlet sets the address for the business account of the number itself: choose Connect once the app has a callback URL and its fields. Otherwise follow the next steps.',
    'Open your app at developers.facebook.com, then WhatsApp, Configuration.',
    `Set the callback URL to ${webhookUrl} and the verify token to <verifyToken>: Meta calls the URL at once, so give the channel this setting first.`,
    'Subscribe to the field messages, and to smb_message_echoes and history if the number is also used in the phone app.',
    'Give this channel the app secret, from App settings, Basic, as the setting appSecret.',
    'Files need an access token: create a system user in the business settings, and give its token to this channel as accessToken.',
    'To send, also give it the id of the phone number, from WhatsApp, API Setup, as phoneNumberId.',
  ],
  connecting: { needs: [['verifyToken', 'accessToken', 'phoneNumberId']] },
  sending: { needs: [['accessToken', 'phoneNumberId']], options: sendOptions },
  create: (settings, now) => {
    const { appSecret, verifyToken, accessToken, phoneNumberId, apiUrl, mediaHosts } = settings;
    const account =
      accessToken === undefined || phoneNumberId === undefined
        ? undefined
        : { accessToken, phoneNumberId, apiUrl };
    const hosts = [...metaHosts(apiUrl), ...mediaHosts];
    const downloads: Downloads = {
      trustedHosts: hosts,
      ...(accessToken !== undefined && metaDownloads({ accessToken, apiUrl, now }, hosts)),
    };
    return {
      verify: signatureCheck(appSecret),
      ...(verifyToken !== undefined && { handshake: challengeAnswer([verifyToken]) }),
      parse: (payload) => parse(payload, hosts),
      accounts: accountsOf({ appSecret, phoneNumberId: phoneNumberId ?? null }),
      downloads,
      ...(account && { sending: sendingOf(account, now) }),
      ...(account &&
        verifyToken !== undefined && { connection: connectionOf(account, { verifyToken, appSecret }, now) }),
    };
  },
});

/**
 * `X-Hub-Signature-256: sha256=<hex>`, the HMAC-SHA256 of the raw body: Meta escapes characters in its JSON,
 * so the same value printed again has another signature. The older header with SHA-1 proves nothing.
 */
function signatureCheck(secrets: readonly string[]): ProviderAdapter['verify'] {
  return ({ headers, rawBody }) => {
    const signature = headers['x-hub-signature-256'];
    if (signature === undefined) return { ok: false, reason: 'no signature' };
    const signatures = secrets.map(
      (secret) => `sha256=${createHmac('sha256', secret).update(rawBody).digest('hex')}`,
    );
    return secretMatcher(signatures)(signature) ? { ok: true } : { ok: false, reason: 'wrong signature' };
  };
}

/** A file is known by its id for days, and by its link for five minutes. */
function parse(payload: unknown, hosts: readonly string[]): InboundEvent[] {
  return metaEvents(payload, { sourceOf: (file) => metaSource(file, hosts), namesErrors: true }) ?? [];
}
