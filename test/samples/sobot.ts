import { inQuery, secretList, type ProviderSample } from './sample.js';

export const sobot: ProviderSample = {
  settings: { webhookSecret: secretList },
  credentials: { apiKey: 'sk_0123456789', apiSecret: 'ss_0123456789' },
  sign: inQuery,
  choices: { default: {} },
};
