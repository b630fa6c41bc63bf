/** Settings with which every provider can send. */
import { generateKeyPairSync } from 'node:crypto';

import { settings } from '../support/signing.js';

const { publicKey, privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});

/** Verifies the tokens that Vonage receives. */
export const vonagePublicKey = publicKey;

export const credentials: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  blip: { ...settings['blip'], contractId: 'floraria', key: 'Key aW52ZW50ZWQ=' },
  'z-api': { ...settings['z-api'], instanceId: '3C01', token: 'T/0123456789', clientToken: 'F0123456789' },
  vonage: {
    ...settings['vonage'],
    applicationId: '00000000-0000-4000-8000-000000000001',
    privateKey,
    from: '5511800000001',
  },
  aisoule: { ...settings['aisoule'], apiKey: 'ak_0123456789' },
  sobot: { ...settings['sobot'], apiKey: 'sk_0123456789', apiSecret: 'ss_0123456789' },
};
