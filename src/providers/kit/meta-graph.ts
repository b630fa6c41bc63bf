/** What is common to all calls of Meta's Graph API: its version, its credential, and its errors. */
import type { HeaderRecord } from '../../domain/provider.js';
import { fieldsOf, firstText, type JsonRecord } from './lenient.js';

export const graphUrl = 'https://graph.facebook.com';
/** The version is part of every path; Meta supports each for about two years. */
export const graphVersion = 'v25.0';

export function bearerOf(accessToken: string): HeaderRecord {
  return { authorization: `Bearer ${accessToken}` };
}

/** `{error: {message, type, code, error_subcode?, error_data?: {details}}}` */
interface GraphError {
  /**
   * Decides what an error means, not the HTTP status (developers.facebook.com, whatsapp/support/error-codes).
   */
  readonly code: number | undefined;
  readonly subcode: number | undefined;
  /** A foreign text. */
  readonly message: string | null;
}

/** Undefined if the body reports no error. */
export function graphErrorIn({ error }: JsonRecord): GraphError | undefined {
  const { code, error_subcode: subcode, message, error_data: data } = fieldsOf(error);
  const { details } = fieldsOf(data);
  const found = { code: codeOf(code), subcode: codeOf(subcode), message: firstText([details, message]) };
  return found.code === undefined && found.message === null ? undefined : found;
}

export function codeOf(code: unknown): number | undefined {
  if (typeof code === 'string' && /^\d{1,9}$/.test(code)) return Number(code);
  return typeof code === 'number' && Number.isSafeInteger(code) ? code : undefined;
}

/** Whether the access token is wrong, has ended, or lacks a permission. */
export function isAccessError(code: number | undefined): boolean {
  if (code === undefined) return false;
  return [0, 3, 10, 190].includes(code) || (code >= 200 && code < 300);
}

/** Whether there were too many calls: of the app, of the business account, or of the number. */
export function isRateError(code: number | undefined): boolean {
  return code !== undefined && [4, 80007, 130429].includes(code);
}
