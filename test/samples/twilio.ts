import { createHmac } from 'node:crypto';
import { parse } from 'node:querystring';

import { secretList, type ProviderSample } from './sample.js';

/** The signature of an address and a form, read with another parser than the service's. */
export function signed(url: string, form: string, token: string): string {
  const fields = parse(form, '&', '=', { maxKeys: 0 });
  const parameters = Object.keys(fields)
    .sort()
    .map((name) => [...new Set([fields[name] ?? ''].flat())].sort().map((value) => name + value));
  return createHmac('sha1', token)
    .update(url + parameters.flat().join(''))
    .digest('base64');
}

export const twilio: ProviderSample = {
  settings: { authToken: secretList },
  credentials: { accountSid: `AC${'0a'.repeat(16)}`, from: 'whatsapp:+5511800000001' },
  sign: ({ rawBody, url, secret }) => ({
    headers: { 'x-twilio-signature': signed(url, Buffer.from(rawBody).toString('utf8'), secret) },
    query: {},
  }),
  contentType: 'application/x-www-form-urlencoded',
  coveredBy: (rawBody) => signed('', Buffer.from(rawBody).toString('utf8'), ''),
  choices: { default: {} },
};
