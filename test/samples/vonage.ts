import { createHash, generateKeyPairSync, randomUUID } from 'node:crypto';

import jwt from 'jsonwebtoken';

import { secretList, type ProviderSample } from './sample.js';

const { publicKey, privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});

/** Verifies the tokens that Vonage receives. */
export const vonagePublicKey = publicKey;

export const vonage: ProviderSample = {
  settings: { signatureSecret: secretList, webhookSecret: secretList },
  credentials: {
    applicationId: '00000000-0000-4000-8000-000000000001',
    privateKey,
    from: '5511800000001',
  },
  sign: ({ rawBody, secret, at }) => {
    const claims = {
      iat: Math.floor(at.getTime() / 1000),
      jti: randomUUID(),
      iss: 'Vonage',
      api_key: 'abcd1234',
      payload_hash: createHash('sha256').update(rawBody).digest('hex'),
    };
    return { headers: { authorization: `Bearer ${jwt.sign(claims, secret)}` }, query: {} };
  },
  choices: {
    whatsapp: {},
    messenger: { channel: 'messenger' },
    mms: { channel: 'mms' },
    viber_service: { channel: 'viber_service' },
    conversation: { product: 'conversation', from: 'MEM-1' },
  },
};
