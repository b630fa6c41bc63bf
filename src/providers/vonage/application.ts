/** The application's key, and the tokens that it signs for protected media and for the API. */
import { createPrivateKey, type KeyObject, randomUUID } from 'node:crypto';

import jwt from 'jsonwebtoken';

const tokenLifetimeSeconds = 15 * 60;

export type Bearer = () => { readonly authorization: string };

/**
 * Environment files often contain a PEM on one line, with `
 * ` written out.
 */
export const parsePem = (pem: string): KeyObject => createPrivateKey(pem.replaceAll('\\n', '\n'));

export function isRsaKey(pem: string): boolean {
  try {
    const { asymmetricKeyType, asymmetricKeyDetails } = parsePem(pem);
    return asymmetricKeyType === 'rsa' && (asymmetricKeyDetails?.modulusLength ?? 0) >= 2048;
  } catch {
    return false;
  }
}

/** The claims of an application's token: nexmo-developer concepts/guides/authentication.md. */
export function bearer(applicationId: string, key: KeyObject, now: () => Date): Bearer {
  let cached = { headers: { authorization: '' }, renewAt: 0 };
  return () => {
    const iat = Math.floor(now().getTime() / 1000);
    if (iat >= cached.renewAt) {
      const claims = {
        application_id: applicationId,
        iat,
        exp: iat + tokenLifetimeSeconds,
        jti: randomUUID(),
      };
      const authorization = `Bearer ${jwt.sign(claims, key, { algorithm: 'RS256' })}`;
      cached = { headers: { authorization }, renewAt: claims.exp - 60 };
    }
    return cached.headers;
  };
}
