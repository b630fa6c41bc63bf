/** Telegram: bots, through the Bot API of Telegram or of a server of one's own. */
import { z } from 'zod';

import { apiUrl, defineProvider, hostList, hostOf, restrictedSecretList } from '../kit/define-provider.js';
import type { ProviderAdapter } from '../../domain/provider-adapter.js';
import { secretMatcher, singleHeader } from '../kit/verification.js';
import { connectionOf } from './connection.js';
import { downloadsOf } from './downloads.js';
import { parse } from './parse.js';
import { sendingOf, sendOptions } from './send.js';

export const telegram = defineProvider({
  id: 'telegram',
  envPrefix: 'TELEGRAM',
  settings: z.object({
    // core.telegram.org/bots/api#setwebhook: 1 to 256 of these characters.
    webhookSecret: restrictedSecretList(
      /^[\w-]{1,256}$/,
      'each secret may contain letters, digits, _ and - only, at most 256',
      'Verifies the sender: at least 16 letters, digits, _ and -; several values, separated by commas, allow a rotation without a gap',
    ),
    botToken: z
      .string()
      .regex(/^\d+:[\w-]+$/, 'must be the token of a bot: its id, a colon, letters and digits')
      .meta({
        description: 'For downloads, for sending and for connecting: the token of the bot, from @BotFather',
        secret: true,
      })
      .optional(),
    apiUrl: apiUrl('https://api.telegram.org'),
    mediaHosts: hostList,
  }),
  enabledBy: ['webhookSecret'],
  ownSecret: 'webhookSecret',
  // The Bot API does not tell what becomes of a message.
  reports: [],
  setup: (webhookUrl) => [
    'Send /newbot to @BotFather in Telegram, and give this channel the token of the bot as botToken: without it, no file can be downloaded.',
    `Connect the channel here, or call the method setWebhook with the url ${webhookUrl} and the secret_token <webhookSecret>: Telegram has no page for it.`,
    'For groups, add the bot, and switch off its privacy mode with /setprivacy, or it sees only commands and replies to it.',
    'For a channel of Telegram, make the bot an administrator; for a business account, switch on its business mode, and connect it in the settings of the account.',
    'Send a picture to the bot.',
  ],
  connecting: { needs: [['botToken']] },
  sending: { needs: [['botToken']], options: sendOptions },
  create: ({ webhookSecret, botToken, apiUrl, mediaHosts }, now) => {
    const bot = botToken === undefined ? undefined : { token: botToken, apiUrl };
    return {
      verify: verifier(webhookSecret),
      parse,
      downloads: downloadsOf(bot, [hostOf(apiUrl), ...mediaHosts], now),
      ...(bot && { sending: sendingOf(bot, now), connection: connectionOf(bot, webhookSecret, now) }),
    };
  },
});

/** The secret comes back in a header of every call. Nothing is signed, and there is no time. */
function verifier(secrets: readonly string[]): ProviderAdapter['verify'] {
  const matches = secretMatcher(secrets);
  return ({ headers }) => {
    const secret = singleHeader(headers['x-telegram-bot-api-secret-token']);
    if (secret === undefined) return { ok: false, reason: 'no secret' };
    return matches(secret) ? { ok: true } : { ok: false, reason: 'wrong secret' };
  };
}
