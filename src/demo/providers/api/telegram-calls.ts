/** What the methods of the Bot API share: the bot, the parameters of a call, and errors. */
import { STATUS_CODES } from 'node:http';

import type { MediaHost } from '../../media-host.js';
import { isOfType, type ApiAnswer, type ApiCall } from './calls.js';
import { isObject, type JsonObject } from './fields.js';
import { readForm, type FormValue } from './multipart.js';
import type { ProviderApi } from './provider-api.js';

export interface TelegramBot {
  readonly token: string;
  /** Where the files are behind the API. Only the API knows its links. */
  readonly host: MediaHost;
  readonly inspect: ProviderApi['inspect'];
}

/** The number before the colon of its token. */
export function botIdOf({ token }: Pick<TelegramBot, 'token'>): number {
  return Number(token.split(':')[0]);
}

export function telegramProblem(status: number, message: string, parameters?: object): ApiAnswer {
  const description = `${STATUS_CODES[status] ?? 'Error'}: ${message}`;
  return {
    status,
    json: { ok: false, error_code: status, description, ...(parameters && { parameters }) },
  };
}

/**
 * The parameters of a call in any format; undefined if it has none. Values within a form are JSON, except for
 * texts.
 */
export function readParameters(call: ApiCall): JsonObject | undefined {
  if (isOfType(call, 'application/json')) return isObject(call.json) ? call.json : undefined;
  const form = isOfType(call, 'multipart/form-data')
    ? readForm(call.headers['content-type'] ?? '', call.body)
    : undefined;
  return form && Object.fromEntries([...form].map(([name, value]) => [name, valueOf(name, value)]));
}

const texts: readonly string[] = ['caption', 'parse_mode', 'business_connection_id'];

function valueOf(name: string, value: FormValue): unknown {
  if (typeof value !== 'string' || texts.includes(name)) return value;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return value;
  }
}
