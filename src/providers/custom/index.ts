/**
 * A provider without code of its own: the settings of the channel declare how its sender proves itself and
 * which expression turns its payloads into events (docs/providers/custom.md).
 */
import { defineProvider } from '../kit/define-provider.js';
import { sharedSecret } from '../kit/verification.js';
import { downloadsOf } from './downloads.js';
import { examples } from './examples.js';
import { objectOfForm } from './form.js';
import { headerOf } from './header.js';
import { limitsOf } from './limits.js';
import { verifierOf } from './proof.js';
import { sendingOf, sendOptions, type SendTemplate } from './send.js';
import { settings, type CustomSettings } from './settings.js';
import { parse, translate } from './translation.js';

export const custom = defineProvider({
  id: 'custom',
  envPrefix: 'CUSTOM',
  settings,
  enabledBy: ['webhookSecret'],
  ownSecret: 'webhookSecret',
  setup: (webhookUrl) => [
    `Let the sender post its webhooks to ${webhookUrl}`,
    'Choose with the setting proof how it proves itself, and give it the secret of this channel.',
    'Send a sample: as long as there is no expression, it is kept as a malformed delivery.',
    'Write the expression "events" for the sample, or choose an example, and look at its events in the preview.',
    'Replay the deliveries that were malformed.',
  ],
  examples,
  connecting: { absent: 'The sender is told the address of the webhook in its own settings.' },
  sending: { needs: [['apiUrl', 'send']], options: sendOptions },
  create: (values, now) => {
    const { webhookSecret, body, formLists, events, apiUrl, send } = values;
    return {
      verify: verifierOf(values),
      handshake: sharedSecret(webhookSecret).handshake,
      ...(body === 'form' && { decode: (rawBody: Uint8Array) => objectOfForm(rawBody, formLists) }),
      translate: (payload, evaluate) => translate(events, payload, evaluate),
      parse,
      downloads: downloadsOf(values),
      ...(apiUrl !== undefined &&
        send !== undefined && { sending: sendingOf(templateOf({ ...values, apiUrl, send }), now) }),
    };
  },
});

type SendingSettings = CustomSettings & { readonly apiUrl: string; readonly send: string };

function templateOf(values: SendingSettings): SendTemplate {
  const { apiUrl, apiHeader, send, sendId } = values;
  return {
    apiUrl,
    headers: headerOf(apiHeader),
    expression: send,
    idExpression: sendId,
    limits: limitsOf({
      media: values.sendMedia,
      perSecond: values.sendPerSecond,
      recipient: values.sendRecipient,
      file: values.sendFile,
    }),
  };
}
