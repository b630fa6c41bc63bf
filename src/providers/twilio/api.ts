/** Calls of Twilio's API, for connections and missed messages. */
import type { FormField, Http, HttpRequest } from '../../domain/provider.js';
import { type Asked, askProvider } from '../kit/connection.js';
import { isAbsent, type JsonRecord } from '../kit/lenient.js';
import { type Account, credentialsOf, secretsOf } from './account.js';

/** The parts of the API that have hosts of their own. */
type Product = 'api' | 'messaging' | 'monitor';

export interface TwilioApi {
  readonly get: (product: Product, path: string) => Promise<JsonRecord>;
  readonly post: (
    product: Product,
    path: string,
    fields: Readonly<Record<string, string>>,
  ) => Promise<JsonRecord>;
  readonly postJson: (product: Product, path: string, json: object) => Promise<JsonRecord>;
}

/** Errors are `{code, message, more_info, status}` (twilio.com/docs/usage/twilios-response). */
export function askedOf(account: Account, now: () => Date): Asked {
  return {
    provider: 'Twilio',
    problemIn: ({ code, message }) => (isAbsent(code) ? undefined : message),
    secrets: secretsOf(account),
    now,
  };
}

/** Rejects like {@link askProvider}. */
export function apiOf(account: Account, asked: Asked, http: Http): TwilioApi {
  const call = (request: Omit<HttpRequest, 'headers'>): Promise<JsonRecord> =>
    askProvider({ ...request, headers: credentialsOf(account) }, http, asked);
  const at = (product: Product, path: string): string => originOf(product, account.apiUrl) + path;
  return {
    get: (product, path) => call({ method: 'GET', url: at(product, path) }),
    post: (product, path, fields) =>
      call({ method: 'POST', url: at(product, path), urlencoded: Object.entries(fields).map(toField) }),
    postJson: (product, path, json) => call({ method: 'POST', url: at(product, path), json }),
  };
}

function toField([name, value]: [string, string]): FormField {
  return { name, value };
}

/** `api.twilio.com` and its regional names have siblings. Any other address stands for all products. */
function originOf(product: Product, apiUrl: string): string {
  return apiUrl.replace(/^(https:\/\/)api(\.(?:[a-z\d-]+\.){0,2}twilio\.com)$/i, `$1${product}$2`);
}
