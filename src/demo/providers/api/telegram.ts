/**
 * Telegram's Bot API (core.telegram.org/bots/api). The path holds the token of the bot, in calls as in
 * downloads. Media are examined before a message is accepted, and nothing is reported afterwards.
 */
import type { MediaHost } from '../../media-host.js';
import type { ApiAnswer, ApiCall } from './calls.js';
import { isObject } from './fields.js';
import { mebibyte } from './media-inspection.js';
import type { ApiRules, Route } from './provider-api.js';
import { botIdOf, readParameters, telegramProblem, type TelegramBot } from './telegram-calls.js';
import { sendingRoute } from './telegram-sending.js';

/** The `file_id` that stands for a file. */
export function fileIdOf(url: string): string {
  return `AgAC${Buffer.from(url).toString('base64url')}`;
}

const accepted = (result: unknown): ApiAnswer => ({ status: 200, json: { ok: true, result } });

export function telegramRules(bot: TelegramBot): ApiRules {
  const refusal = ({ parameters: [token] }: ApiCall): ApiAnswer | undefined =>
    token === bot.token ? undefined : telegramProblem(401, 'the token is wrong');
  return {
    routes: [
      sendingRoute(bot, refusal),
      ...webhookMethods(bot).flatMap(({ name, answer }) =>
        ['GET', 'POST'].map((method): Route => ({
          method,
          path: new RegExp(`^/bot([^/]+)/${name}$`),
          sends: false,
          handle: async (call) => ({ answer: refusal(call) ?? (await answer(call)) }),
        })),
      ),
      {
        method: 'GET',
        path: /^\/file\/bot([^/]+)\/media\/([\w-]+)$/,
        sends: false,
        handle: async (call) => ({ answer: refusal(call) ?? (await fileAt(bot, call)) }),
      },
    ],
    problem: telegramProblem,
    tooMany: (seconds) => telegramProblem(429, `retry after ${String(seconds)}`, { retry_after: seconds }),
    // Updates come again for a day, with pauses that double up to two minutes (tdlib/telegram-bot-api
    // WebhookActor.cpp).
    resendsAfterMs: [],
  };
}

interface BotMethod {
  readonly name: string;
  readonly answer: (call: ApiCall) => ApiAnswer | Promise<ApiAnswer>;
}

/** The methods that send nothing. */
function webhookMethods(bot: TelegramBot): readonly BotMethod[] {
  let webhook: Readonly<Record<string, unknown>> = {};
  return [
    { name: 'getFile', answer: (call) => getFile(bot, call) },
    {
      name: 'getMe',
      answer: () =>
        accepted({
          id: botIdOf(bot),
          is_bot: true,
          first_name: 'Demo',
          username: 'inlet_demo_bot',
          can_read_all_group_messages: true,
          can_connect_to_business: false,
        }),
    },
    {
      name: 'setWebhook',
      answer: (call) => {
        const { url, allowed_updates: updates } = readParameters(call) ?? {};
        if (typeof url !== 'string' || (url !== '' && !url.startsWith('https://')))
          return telegramProblem(400, 'bad webhook: An HTTPS URL must be provided for webhook');
        webhook = { url, allowed_updates: updates };
        return accepted(true);
      },
    },
    {
      name: 'getWebhookInfo',
      answer: () => accepted({ url: '', has_custom_certificate: false, pending_update_count: 0, ...webhook }),
    },
  ];
}

/** Bots may download files of up to 20 MiB. */
const maxFileBytes = 20 * mebibyte;

async function getFile({ host }: TelegramBot, call: ApiCall): Promise<ApiAnswer> {
  const id = call.query.get('file_id') ?? (isObject(call.json) ? call.json['file_id'] : undefined);
  const url = typeof id === 'string' ? urlIn(id.slice(4)) : undefined;
  if (typeof id !== 'string' || url === undefined || !isOn(host, url))
    return telegramProblem(400, 'wrong file_id or the file is temporarily unavailable');
  const head = await fetch(url, { method: 'HEAD' });
  const bytes = Number(head.headers.get('content-length') ?? 0);
  if (bytes > maxFileBytes) return telegramProblem(400, 'file is too big');
  return accepted({
    file_id: id,
    file_unique_id: id.slice(-16),
    ...(bytes > 0 && { file_size: bytes }),
    file_path: `media/${Buffer.from(url).toString('base64url')}`,
  });
}

const urlIn = (encoded: string): string | undefined => {
  const url = Buffer.from(encoded, 'base64url').toString('utf8');
  return URL.canParse(url) ? url : undefined;
};

const isOn = (host: MediaHost, url: string): boolean => {
  const { origin, pathname } = new URL(url);
  return origin === host.origin && host.has(pathname);
};

/** The bytes of a file, with a type that means nothing. */
async function fileAt({ host }: TelegramBot, { parameters }: ApiCall): Promise<ApiAnswer> {
  const url = urlIn(parameters[1] ?? '');
  if (url === undefined || !isOn(host, url)) return telegramProblem(404, 'no such file');
  const response = await fetch(url);
  const { ok, status, body } = response;
  if (!ok || body === null) {
    await body?.cancel();
    return telegramProblem(status, 'the file cannot be had');
  }
  const length = response.headers.get('content-length');
  return {
    status: 200,
    content: {
      type: 'application/octet-stream',
      open: () => ({
        ...(length !== null && { length: Number(length) }),
        chunks: body,
      }),
    },
  };
}
