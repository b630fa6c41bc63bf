/** Connects a bot to this service: core.telegram.org/bots/api#setwebhook. There is no page for webhooks. */
import type { Connection, WebhookState } from '../../domain/connection.js';
import { AppError } from '../../domain/errors.js';
import type { Http } from '../../domain/provider.js';
import { cleanText } from '../kit/clean-text.js';
import { type Asked, askProvider, notUnderstood, shownAddress } from '../kit/connection.js';
import { asRecord, dateFromSeconds, itemsOf, type JsonRecord, textOrNull } from '../kit/lenient.js';
import { type Bot, methodUrl, secretsOf } from './api.js';
import { messageUpdates } from './parse.js';

/** The number of webhooks at once, from 1 to 100; this is Telegram's own default. */
const maxConnections = 40;
const ports: readonly string[] = ['443', '80', '88', '8443'];

/** `webhookSecrets` prove the webhooks, the newest first. */
export function connectionOf(bot: Bot, webhookSecrets: readonly string[], now: () => Date): Connection {
  const secrets = [...secretsOf(bot), ...webhookSecrets];
  const asked: Asked = {
    provider: 'Telegram',
    problemIn: ({ ok, description }) => (ok === true ? undefined : description),
    secrets,
    now,
  };
  const call = async (name: string, http: Http, json: JsonRecord = {}): Promise<unknown> => {
    const { ok, result } = await askProvider(
      { method: 'POST', url: methodUrl(bot, name), json },
      http,
      asked,
    );
    if (ok === true) return result;
    throw notUnderstood(asked.provider);
  };
  const ask = async (name: string, http: Http): Promise<JsonRecord> => {
    const result = asRecord(await call(name, http));
    if (result === undefined) throw notUnderstood(asked.provider);
    return result;
  };
  return {
    connect: async (webhookUrl, http) => {
      checkAddress(webhookUrl);
      const result = await call('setWebhook', http, {
        url: webhookUrl,
        secret_token: webhookSecrets[0],
        allowed_updates: messageUpdates,
        max_connections: maxConnections,
      });
      if (result !== true) throw notUnderstood(asked.provider);
    },
    state: async (webhookUrl, http) => {
      const webhook = await ask('getWebhookInfo', http);
      const about = await ask('getMe', http);
      return stateOf({ webhook, about }, webhookUrl, secrets);
    },
  };
}

/** Telegram would refuse other addresses, too; this message says what to change. */
function checkAddress(webhookUrl: string): void {
  const { protocol, port } = new URL(webhookUrl);
  if (protocol === 'https:' && ports.includes(port === '' ? '443' : port)) return;
  throw new AppError(
    'channel.not_connectable',
    'Telegram calls only addresses that begin with https:// and have the port 443, 80, 88 or 8443: set PUBLIC_URL to one',
  );
}

interface Answers {
  readonly webhook: JsonRecord;
  readonly about: JsonRecord;
}

function stateOf({ webhook, about }: Answers, webhookUrl: string, secrets: readonly string[]): WebhookState {
  const { url, pending_update_count: pending } = webhook;
  const missing = missingUpdates(webhook['allowed_updates']);
  const lastError = cleanText(webhook['last_error_message'], secrets);
  return {
    // The addresses of many bots contain the token.
    url: cleanText(shownAddress(url), secrets) ?? null,
    isConnected: url === webhookUrl && missing.length === 0,
    pending: typeof pending === 'number' && pending >= 0 ? pending : null,
    lastError:
      lastError === undefined
        ? null
        : { message: lastError, at: dateFromSeconds(webhook['last_error_date']) },
    notes: [
      ...(missing.length > 0
        ? [`Telegram does not send ${missing.join(', ')}: connect the channel again.`]
        : []),
      ...(/\b401\b/.test(lastError ?? '')
        ? ['Webhooks were refused: if Telegram may have another secret, connect the channel again.']
        : []),
      ...notesOfBot(about),
    ],
  };
}

/**
 * A list that is absent or empty stands for the usual updates. A server leaves out the names that it does not
 * know, which may be that of guest queries.
 */
function missingUpdates(allowed: unknown): readonly string[] {
  const names = itemsOf(allowed) ?? [];
  if (names.length === 0) return [];
  return messageUpdates.filter((name) => name !== 'guest_message' && !names.includes(name));
}

function notesOfBot({ username, can_read_all_group_messages: readsAll }: JsonRecord): readonly string[] {
  if (readsAll !== false) return [];
  const name = textOrNull(username);
  const bot = name === null ? 'the bot' : `@${name}`;
  return [`In groups, ${bot} sees only commands and replies to it: /setprivacy of @BotFather changes that.`];
}
