import { randomBytes, randomInt } from 'node:crypto';

import { sobotRules } from './api/sobot.js';
import {
  businessNumber,
  declaredType,
  jsonHeaders,
  present,
  senderOf,
  unixSeconds,
  type Place,
  type SimulatedMedia,
  type SimulatedMessage,
  type SimulatedProvider,
  type Webhook,
} from './simulated-provider.js';

export interface SobotSecrets {
  readonly webhookSecret: string;
  readonly apiKey: string;
  readonly apiSecret: string;
}

export function createSobotSecrets(): SobotSecrets {
  const hex = () => randomBytes(24).toString('hex');
  return { webhookSecret: hex(), apiKey: hex(), apiSecret: hex() };
}

/** Sobot: arrays of WhatsApp changes with the secret in the query; files by media id, without extension. */
export function simulateSobot(secrets: SobotSecrets, { host, api }: Place): SimulatedProvider {
  const webhook = (message: SimulatedMessage): Webhook => ({
    path: `/webhooks/sobot?token=${secrets.webhookSecret}`,
    headers: jsonHeaders,
    body: JSON.stringify(message.kind === 'status' ? statusOf(message) : changes(message)),
  });
  const { apiKey, apiSecret } = secrets;
  api.obey(
    sobotRules({
      apiKey,
      apiSecret,
      makeId,
      inspect: api.inspect,
      // A status `failed` is not documented: Sobot reports nothing more about such a message.
      report: (id, from) => (status) =>
        status === 'failed' ? [] : [webhook({ kind: 'status', id, from, status })],
    }),
  );
  return {
    api,
    webhook,
    publish: (content, ...checks) =>
      host.serve(`/104000000000/208000000000/images/${mediaId()}`, content, checks),
    env: () => ({
      SOBOT_WEBHOOK_SECRET: secrets.webhookSecret,
      SOBOT_API_KEY: secrets.apiKey,
      SOBOT_API_SECRET: secrets.apiSecret,
      SOBOT_API_URL: api.origin,
      SOBOT_MEDIA_HOSTS: host.host,
    }),
  };
}

function makeId(): string {
  return `wamid.${randomBytes(30).toString('base64')}`;
}

function mediaId(): string {
  return `2593${String(randomInt(10 ** 11)).padStart(11, '0')}`;
}

/** Unlike messages, a status is a bare object. */
function statusOf({ id, status, ...rest }: SimulatedMessage & { kind: 'status' }): Record<string, unknown> {
  return { id, status, timestamp: String(unixSeconds(rest.sentAt ?? new Date())) };
}

function changes(message: Exclude<SimulatedMessage, { kind: 'status' }>): unknown[] {
  const { id, from, name, sentAt } = senderOf(message, makeId);
  const value = {
    messaging_product: 'whatsapp',
    metadata: { display_phone_number: businessNumber },
    contacts: [{ profile: { name }, wa_id: from }],
    messages: [{ from, id, timestamp: String(unixSeconds(sentAt)), ...payload(message) }],
  };
  return [{ value, field: 'messages' }];
}

function payload(message: Exclude<SimulatedMessage, { kind: 'status' }>): Record<string, unknown> {
  if (message.kind === 'text') return { type: 'text', text: { body: message.text } };
  if (message.kind === 'malformed') return { type: 'image' };
  const { kind, group: group_id } = message;
  // In Sobot's own sample, a video is under the key of pictures.
  const key = kind === 'video' ? 'image' : kind;
  return present({ type: kind, group_id, [key]: mediaObject(message) });
}

function mediaObject(media: SimulatedMedia): Record<string, unknown> {
  const { url, caption, filename, sha256 } = media;
  return present({
    mime_type: declaredType(media),
    // The digest is in Base64, as WhatsApp writes it.
    sha256: sha256 === undefined ? undefined : Buffer.from(sha256, 'hex').toString('base64'),
    id: new URL(url).pathname.split('/').at(-1),
    url,
    caption,
    filename,
  });
}
