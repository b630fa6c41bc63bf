import { secretList, type ProviderSample } from './sample.js';

/** The token of a bot that does not exist. */
export const botToken = '700000001:an_invented-token_for_tests_0123456';

export const telegram: ProviderSample = {
  settings: { webhookSecret: secretList },
  credentials: { botToken },
  sign: ({ secret }) => ({ headers: { 'x-telegram-bot-api-secret-token': secret }, query: {} }),
  choices: { default: {} },
};
