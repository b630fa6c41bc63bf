import { createHmac } from 'node:crypto';

import { secretList, type ProviderSample } from './sample.js';

export const aisoule: ProviderSample = {
  settings: { webhookSecret: secretList },
  credentials: { apiKey: 'ak_0123456789' },
  sign: ({ rawBody, secret }) => {
    const mac = createHmac('sha256', secret).update(rawBody).digest('hex');
    return { headers: { 'x-aisoule-signature': `sha256=${mac}` }, query: {} };
  },
  choices: { v1: { generation: 'v1' }, v2: { generation: 'v2' } },
};
