import { inQuery, secretList, type ProviderSample } from './sample.js';

export const zApi: ProviderSample = {
  settings: { webhookSecret: secretList },
  credentials: { instanceId: '3C01', token: 'T/0123456789', clientToken: 'F0123456789' },
  sign: inQuery,
  choices: { default: {} },
};
