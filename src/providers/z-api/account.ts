/** The instance that Inlet calls. */
import type { HeaderRecord } from '../../domain/provider.js';

export interface Account {
  readonly instanceId: string;
  readonly token: string;
  /** Required if the account has enabled the security token (docs/security/client-token.md). */
  readonly clientToken: string | undefined;
  readonly apiUrl: string;
}

/** The beginning of the URL of all calls, which holds the token, and their headers. */
export function callsOf({ instanceId, token, clientToken, apiUrl }: Account): {
  readonly base: string;
  readonly headers: HeaderRecord;
} {
  return {
    base: `${apiUrl}/instances/${encodeURIComponent(instanceId)}/token/${encodeURIComponent(token)}`,
    headers: clientToken === undefined ? {} : { 'client-token': clientToken },
  };
}
