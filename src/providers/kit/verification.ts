import { hash, timingSafeEqual } from 'node:crypto';

import type { ProviderAdapter } from '../../domain/provider-adapter.js';

const digest = (text: string): Buffer => hash('sha256', text, 'buffer');

/**
 * Returns a function that checks whether a text is one of the secrets. All digests are compared, so that the
 * time reveals neither content, length nor position in the list.
 */
export function secretMatcher(secrets: readonly string[]): (candidate: string | undefined) => boolean {
  const digests = secrets.map(digest);
  return (candidate) => {
    if (candidate === undefined) return false;
    const offered = digest(candidate);
    let isMatch = false;
    for (const expected of digests) if (timingSafeEqual(expected, offered)) isMatch = true;
    return isMatch;
  };
}

/**
 * The value of a header with a single value. Node joins repeated lines, for example from a gateway, which are
 * then equal.
 */
export function singleHeader(value: string | undefined): string | undefined {
  const [first, ...others] = value?.split(', ') ?? [];
  return others.every((other) => other === first) ? first : value;
}

/**
 * For providers without signatures: the operator puts a secret into the webhook's URL (`?token=`) or, if the
 * provider supports it, into the header `X-Inlet-Token`. The same secret answers Meta's GET challenge
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
    handshake: challengeAnswer(secrets),
  };
}

/** Answers Meta's GET challenge if it comes with one of these tokens. */
export function challengeAnswer(tokens: readonly string[]): Required<ProviderAdapter>['handshake'] {
  const matches = secretMatcher(tokens);
  return (query) => {
    const challenge = query['hub.challenge'];
    const isChallenge = query['hub.mode'] === 'subscribe' && matches(query['hub.verify_token']);
    // The challenge is echoed to the caller, so it must not contain anything that a browser could interpret
    // as a document.
    return isChallenge && challenge !== undefined && /^[\w.-]{1,200}$/.test(challenge)
      ? challenge
      : undefined;
  };
}
