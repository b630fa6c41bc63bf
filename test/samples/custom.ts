import { createHmac } from 'node:crypto';

import { sendMedia } from '../../src/demo/providers/api/custom.js';
import { appEvents, appSend } from '../../src/demo/providers/custom.js';
import { secretList, type ProviderSample } from './sample.js';

/** The app of the simulator. */
export const custom: ProviderSample = {
  settings: {
    webhookSecret: secretList,
    proof: 'hmac',
    proofName: 'X-App-Signature',
    hmacPrefix: 'sha256=',
    events: appEvents,
  },
  credentials: {
    apiUrl: 'https://api.example.com',
    apiHeader: 'Authorization: Bearer key-0123456789',
    send: appSend,
    sendMedia: JSON.stringify(sendMedia),
  },
  sign: ({ rawBody, secret }) => {
    const signature = createHmac('sha256', secret).update(rawBody).digest('hex');
    return { headers: { 'x-app-signature': `sha256=${signature}` }, query: {} };
  },
  choices: { default: {} },
};
