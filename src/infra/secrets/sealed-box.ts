/**
 * Encrypts secrets at rest with AES-256-GCM, using a key that is derived from AUTH_SECRET for one purpose.
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

/** The data cannot be decrypted: it was changed, belongs to another row, or AUTH_SECRET has changed. */
export class SealedBoxError extends Error {
  override readonly name = 'SealedBoxError';

  constructor(options?: ErrorOptions) {
    super('the data cannot be decrypted with this AUTH_SECRET', options);
  }
}

export interface SealedBox {
  /** `boundTo` names the row that the data belongs to: in another row, it cannot be decrypted. */
  readonly seal: (text: string, boundTo: string) => Buffer;
  /** Throws a {@link SealedBoxError} if the data is not valid. */
  readonly open: (sealed: Uint8Array, boundTo: string) => string;
}

/** The first byte, so that a future format can be distinguished. */
const version = 1;
const nonceBytes = 12;
const tagBytes = 16;
const headBytes = 1 + nonceBytes;
const cipher = 'aes-256-gcm';

/**
 * Layout: version, nonce, ciphertext, tag. Each purpose has its own key, so data of one purpose cannot be
 * decrypted for another.
 */
export function createSealedBox(authSecret: string, purpose: string): SealedBox {
  const key = Buffer.from(hkdfSync('sha256', authSecret, '', `inlet sealed box: ${purpose}`, 32));
  const additional = (boundTo: string): Buffer => Buffer.concat([Buffer.of(version), Buffer.from(boundTo)]);

  return {
    seal: (text, boundTo) => {
      const nonce = randomBytes(nonceBytes);
      const sealing = createCipheriv(cipher, key, nonce, { authTagLength: tagBytes });
      sealing.setAAD(additional(boundTo));
      const body = Buffer.concat([sealing.update(text, 'utf8'), sealing.final()]);
      return Buffer.concat([Buffer.of(version), nonce, body, sealing.getAuthTag()]);
    },
    open: (sealed, boundTo) => {
      if (sealed.length < headBytes + tagBytes || sealed[0] !== version) throw new SealedBoxError();
      const opening = createDecipheriv(cipher, key, sealed.subarray(1, headBytes), {
        authTagLength: tagBytes,
      });
      opening.setAAD(additional(boundTo));
      opening.setAuthTag(sealed.subarray(-tagBytes));
      try {
        const body = opening.update(sealed.subarray(headBytes, -tagBytes));
        return Buffer.concat([body, opening.final()]).toString('utf8');
      } catch (error) {
        throw new SealedBoxError({ cause: error });
      }
    },
  };
}
