/** How the sender of a custom channel proves itself, as the operator has declared it. */
import { createHmac } from 'node:crypto';

import { ownValue } from '../../domain/own-value.js';
import type { ProviderAdapter } from '../../domain/provider-adapter.js';
import type { Verdict, WebhookRequest } from '../../domain/provider.js';
import { secretMatcher, singleHeader } from '../kit/verification.js';

export const proofs = ['header', 'query', 'hmac', 'basic'] as const;
export const hmacAlgorithms = ['sha1', 'sha256', 'sha512'] as const;
export const hmacEncodings = ['hex', 'base64'] as const;

export interface ProofSettings {
  /** Any of them is valid. For Basic they are passwords. */
  readonly webhookSecret: readonly string[];
  readonly proof: (typeof proofs)[number];
  /** The header or the query parameter; by default {@link usualNames}. */
  readonly proofName?: string | undefined;
  readonly basicUser?: string | undefined;
  readonly hmacAlgorithm: (typeof hmacAlgorithms)[number];
  readonly hmacEncoding: (typeof hmacEncodings)[number];
  /** The text before the signature, such as `sha256=`. */
  readonly hmacPrefix: string;
}

export const usualNames = { header: 'X-Inlet-Token', query: 'token', hmac: 'X-Signature' } as const;

/** Every check covers the raw bytes or a secret, and takes the same time for every wrong proof. */
export function verifierOf(settings: ProofSettings): ProviderAdapter['verify'] {
  const { proof, webhookSecret, proofName } = settings;
  switch (proof) {
    case 'header':
      return checkOf(headerOf(proofName ?? usualNames.header), headerMatcher(settings));
    case 'query':
      return checkOf(
        ({ query }) => ownValue(query, proofName ?? usualNames.query),
        secretMatcher(webhookSecret),
      );
    case 'basic':
      return checkOf(headerOf('authorization'), basicMatcher(settings));
    case 'hmac':
      return hmacCheck(settings);
  }
}

type ProofIn = (request: WebhookRequest) => string | undefined;

const headerOf =
  (name: string): ProofIn =>
  ({ headers }) =>
    singleHeader(ownValue(headers, name.toLowerCase()));

function checkOf(
  proofIn: ProofIn,
  isRight: (proof: string, request: WebhookRequest) => boolean,
): ProviderAdapter['verify'] {
  return (request): Verdict => {
    const proof = proofIn(request);
    if (proof === undefined || proof === '') return { ok: false, reason: 'no proof' };
    return isRight(proof, request) ? { ok: true } : { ok: false, reason: 'wrong proof' };
  };
}

/** The secret itself; in `Authorization` also with the scheme of RFC 6750, `Bearer`. */
function headerMatcher({ proofName, webhookSecret }: ProofSettings): (proof: string) => boolean {
  const matches = secretMatcher(webhookSecret);
  if (proofName?.toLowerCase() !== 'authorization') return matches;
  const matchesBearer = secretMatcher(webhookSecret.map((secret) => `bearer ${secret}`));
  return (proof) => matches(proof) || matchesBearer(proof.replace(/^bearer +/i, 'bearer '));
}

/** RFC 7617: `Basic` and the Base64 of `user:password`. */
function basicMatcher({ basicUser = '', webhookSecret }: ProofSettings): (proof: string) => boolean {
  const matches = secretMatcher(webhookSecret.map((password) => `${basicUser}:${password}`));
  return (proof) => {
    const [, credentials] = /^basic +([\w+/-]+={0,2})$/i.exec(proof) ?? [];
    return credentials !== undefined && matches(Buffer.from(credentials, 'base64').toString('utf8'));
  };
}

function hmacCheck(settings: ProofSettings): ProviderAdapter['verify'] {
  const { webhookSecret, proofName, hmacAlgorithm, hmacEncoding, hmacPrefix } = settings;
  return checkOf(headerOf(proofName ?? usualNames.hmac), (proof, { rawBody }) => {
    if (!proof.startsWith(hmacPrefix)) return false;
    const signatures = webhookSecret.map((secret) =>
      createHmac(hmacAlgorithm, secret).update(rawBody).digest(hmacEncoding),
    );
    return secretMatcher(signatures)(plainSignature(proof.slice(hmacPrefix.length), hmacEncoding));
  });
}

/**
 * The spelling that Node.js writes: hexadecimal in lower case, Base64 with its own characters and padding.
 */
function plainSignature(signature: string, encoding: ProofSettings['hmacEncoding']): string {
  if (encoding === 'hex') return signature.toLowerCase();
  const plain = signature.replaceAll('-', '+').replaceAll('_', '/').replace(/=+$/, '');
  return plain.padEnd(Math.ceil(plain.length / 4) * 4, '=');
}
