import { inQuery, secretList, type ProviderSample } from './sample.js';

export const blip: ProviderSample = {
  settings: { webhookSecret: secretList, contractId: 'floraria', key: 'aW52ZW50ZWQ=' },
  credentials: { contractId: 'floraria', key: 'Key aW52ZW50ZWQ=' },
  sign: inQuery,
  choices: { default: {} },
};
