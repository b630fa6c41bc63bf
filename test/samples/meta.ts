import { createHmac } from 'node:crypto';

import { secretList, type ProviderSample } from './sample.js';

export const meta: ProviderSample = {
  settings: { appSecret: secretList, verifyToken: 'a-token-of-our-own-0123456789' },
  credentials: { accessToken: 'EAAinvented0123456789', phoneNumberId: '100000000000042' },
  sign: ({ rawBody, secret }) => {
    const signature = createHmac('sha256', secret).update(rawBody).digest('hex');
    return { headers: { 'x-hub-signature-256': `sha256=${signature}` }, query: {} };
  },
  verifyToken: 'a-token-of-our-own-0123456789',
  choices: { default: {} },
};
