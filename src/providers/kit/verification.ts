import { hash, timingSafeEqual } from 'node:crypto';

import type { ProviderAdapter } from '../../domain/provider-adapter.js';

const digest = (text: string): Buffer => hash('sha256', text, 'buffer');

/**
 * Whether a text is one of the secrets. Digests are compared, and all of them, so that neither content, length nor
 * place in the list shows in the time it takes.
 */
export function secretMatcher(secrets: readonly string[]): (candidate: string | undefined) => boolean {
  const digests = secrets.map(digest);
  return (candidate) => {
    if (candidate === undefined) return false;
    const offered = digest(candidate);
    let found = false;
    for (const expected of digests) if (timingSafeEqual(expected, offered)) found = true;
    return found;
  };
}

/** The value of a header that has one value. Node joins the lines of one that a gateway has repeated, which say the same. */
export function singleHeader(value: string | undefined): string | undefined {
  const [first, ...others] = value?.split(', ') ?? [];
  return others.every((other) => other === first) ? first : value;
}

/**
 * For providers that sign nothing: the operator puts a secret into the webhook's address (`?token=`) or, where the
 * provider can send one, into the header `X-Inlet-Token`. The same secret answers Meta's GET challenge
 * (developers.facebook.com, webhooks/create-webhook-endpoint).
 */
export function sharedSecret(
  secrets: readonly string[],
): Required<Pick<ProviderAdapter, 'verify' | 'handshake'>> {
  const matches = secretMatcher(secrets);
  return {
    verify: ({ headers, query }) => {
      const header = singleHeader(headers['x-inlet-token']);
      const token = query['token'];
      if (header === undefined && token === undefined) return { ok: false, reason: 'no token' };
      return matches(header) || matches(token) ? { ok: true } : { ok: false, reason: 'wrong token' };
    },
    handshake: (query) => {
      const challenge = query['hub.challenge'];
      const asked = query['hub.mode'] === 'subscribe' && matches(query['hub.verify_token']);
      // Echoed to whoever asks: nothing that a browser could take for a document.
      return asked && challenge !== undefined && /^[\w.-]{1,200}$/.test(challenge) ? challenge : undefined;
    },
  };
}
