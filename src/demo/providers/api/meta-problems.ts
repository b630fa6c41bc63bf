/**
 * Errors of Meta's Graph API. Nearly everything that is wrong is answered with 400; the code says what it is.
 */
import type { ApiAnswer, ApiCall } from './calls.js';

export function graphProblem(status: number, code: number, details: string): ApiAnswer {
  const message = `(#${String(code)}) ${details}`;
  const error = { message, type: 'OAuthException', code, error_data: { details }, fbtrace_id: 'A1b2C3' };
  return { status, json: { error } };
}

/** For an id that does not exist, or that the token may not see. */
export const noSuchObject: ApiAnswer = {
  status: 400,
  json: {
    error: {
      message: 'Unsupported request: there is no such object',
      type: 'GraphMethodException',
      code: 100,
      error_subcode: 33,
    },
  },
};

/** The error about a call without the right token. */
export function refusalOf({ headers }: ApiCall, accessToken: string): ApiAnswer | undefined {
  return headers.authorization === `Bearer ${accessToken}`
    ? undefined
    : graphProblem(401, 190, 'Invalid OAuth access token');
}
