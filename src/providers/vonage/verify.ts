/** Verifies the sender: by the signature of the Messages API, or by a token in the URL. */
import { createHmac, createSecretKey, hash, type KeyObject } from 'node:crypto';

import type { Verdict, WebhookRequest } from '../../domain/provider.js';
import type { ProviderAdapter } from '../../domain/provider-adapter.js';
import { fieldsOf, isAbsent, type JsonRecord } from '../kit/lenient.js';
import { secretMatcher } from '../kit/verification.js';

/**
 * Vonage retries for this long (api.support.vonage.com 360028543292), and it is unknown whether it signs each
 * retry again.
 */
const maxSignatureAgeSeconds = 24 * 60 * 60;
/** The largest difference between the clocks. */
const maxAheadSeconds = 5 * 60;

/**
 * Messages API: nexmo-developer messages/concepts/signed-webhooks.md. Whether Conversation events are signed
 * is UNVERIFIED, so a token in their URL verifies them. A signature that is present must be valid in any
 * case.
 */
export function verifier(
  signatureSecrets: readonly string[],
  verifyToken: ProviderAdapter['verify'],
): ProviderAdapter['verify'] {
  const keys = signatureSecrets.map((secret) => createSecretKey(Buffer.from(secret)));
  return (request) => {
    const { authorization, 'x-inlet-token': header } = request.headers;
    if (authorization !== undefined && keys.length > 0) return verifySignature(authorization, keys, request);
    // "Rarely a callback arrives unsigned by internal error: answer 5xx to get a signed retry"
    // (signed-webhooks.md).
    if (authorization === undefined && header === undefined && request.query['token'] === undefined)
      return { ok: false, reason: 'not signed', askToResend: true };
    return verifyToken(request);
  };
}

function verifySignature(
  authorization: string,
  keys: readonly KeyObject[],
  request: WebhookRequest,
): Verdict {
  const nowSeconds = request.receivedAt.getTime() / 1000;
  const token = /^Bearer +(\S+)$/i.exec(authorization)?.[1] ?? '';
  const claims = keys.map((key) => claimsOf(token, key)).find((found) => found !== undefined);
  if (claims === undefined) return { ok: false, reason: 'wrong signature' };
  const { iat, exp, payload_hash: payloadHash } = claims;
  // Tokens usually have no `exp`, and Vonage's own SDK checks no age (vonage-node-sdk
  // packages/jwt/lib/verifySignature.ts). An attacker who has recorded a request can repeat it until then but
  // gains nothing, because the same delivery counts once.
  if (!isRecent(iat, nowSeconds) || !(isAbsent(exp) || isAfter(exp, nowSeconds)))
    return { ok: false, reason: 'signature is not fresh' };
  const bodyHash = hash('sha256', request.rawBody, 'hex');
  const isOfBody = typeof payloadHash === 'string' && secretMatcher([bodyHash])(payloadHash.toLowerCase());
  return isOfBody ? { ok: true } : { ok: false, reason: 'signature of another body' };
}

const isRecent = (time: unknown, nowSeconds: number): boolean =>
  typeof time === 'number' &&
  nowSeconds - time <= maxSignatureAgeSeconds &&
  time - nowSeconds <= maxAheadSeconds;

const isAfter = (time: unknown, nowSeconds: number): boolean => typeof time === 'number' && time > nowSeconds;

/**
 * Only HS256 is accepted: the SDK also accepts RS256, which allows a public key to be used as a secret. The
 * check is done here and not by jsonwebtoken, which takes eight times as long, on the path that acknowledges
 * webhooks.
 */
function claimsOf(token: string, key: KeyObject): JsonRecord | undefined {
  const [header = '', payload = '', signature = '', ...more] = token.split('.');
  const expected = createHmac('sha256', key).update(`${header}.${payload}`).digest('base64url');
  // Compared as text, because in base64url the same signature has several spellings, and only one of them is
  // valid.
  const isRight = more.length === 0 && secretMatcher([expected])(signature);
  return isRight && decodePart(header)['alg'] === 'HS256' ? decodePart(payload) : undefined;
}

function decodePart(part: string): JsonRecord {
  try {
    return fieldsOf(JSON.parse(Buffer.from(part, 'base64url').toString('utf8')));
  } catch {
    return {};
  }
}
