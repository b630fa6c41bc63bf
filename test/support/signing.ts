/** Creates the proofs of webhooks as each provider does. */
import { createHash, createHmac, randomUUID } from 'node:crypto';

import jwt from 'jsonwebtoken';

export interface Proof {
  readonly headers: Record<string, string>;
  readonly query: Record<string, string>;
}

interface ProofOptions {
  /** The secret; by default the first of {@link secrets}. */
  readonly secret?: string;
  /** The time of the signature, which only Vonage uses; by default now. */
  readonly at?: Date;
}

/** Every channel has two secrets, as during a rotation. */
export const secrets = ['first-secret-0123456789abcdef', 'second-secret-0123456789abcdef'] as const;
const secretList = secrets.join(',');

/** The settings that enable every provider, under the names of the provider's own file. */
export const settings: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  blip: { webhookSecret: secretList, contractId: 'floraria', key: 'aW52ZW50ZWQ=' },
  'z-api': { webhookSecret: secretList },
  vonage: { signatureSecret: secretList, webhookSecret: secretList },
  aisoule: { webhookSecret: secretList },
  sobot: { webhookSecret: secretList },
};

type Signer = (rawBody: Uint8Array, secret: string, at: Date) => Proof;

const token: Signer = (_rawBody, secret) => ({ headers: {}, query: { token: secret } });

const signers: Readonly<Record<string, Signer>> = {
  blip: token,
  'z-api': token,
  sobot: token,
  vonage: (rawBody, secret, at) => {
    const claims = {
      iat: Math.floor(at.getTime() / 1000),
      jti: randomUUID(),
      iss: 'Vonage',
      api_key: 'abcd1234',
      payload_hash: createHash('sha256').update(rawBody).digest('hex'),
    };
    return { headers: { authorization: `Bearer ${jwt.sign(claims, secret)}` }, query: {} };
  },
  aisoule: (rawBody, secret) => {
    const mac = createHmac('sha256', secret).update(rawBody).digest('hex');
    return { headers: { 'x-aisoule-signature': `sha256=${mac}` }, query: {} };
  },
};

export function signWebhook(providerId: string, rawBody: Uint8Array, options: ProofOptions = {}): Proof {
  const signer = signers[providerId];
  if (signer === undefined) throw new Error(`say in signing.ts how ${providerId} proves its webhooks`);
  return signer(rawBody, options.secret ?? secrets[0], options.at ?? new Date());
}
