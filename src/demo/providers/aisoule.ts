import { createHmac, randomBytes } from 'node:crypto';

import { aisouleRules } from './api/aisoule.js';
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

export interface AisouleSecrets {
  readonly webhookSecret: string;
  readonly apiKey: string;
}

export interface SimulatedAisoule extends SimulatedProvider {
  /** The same in the format and with the header of the second generation of AISoule's documentation. */
  readonly webhookV2: (message: SimulatedMessage) => Webhook;
}

export function createAisouleSecrets(): AisouleSecrets {
  return { webhookSecret: randomBytes(24).toString('hex'), apiKey: randomBytes(24).toString('hex') };
}

/** AISoule: events signed with an HMAC over the body, in two generations; files on plain links. */
export function simulateAisoule(secrets: AisouleSecrets, { host, api }: Place): SimulatedAisoule {
  const sign = (body: string) => createHmac('sha256', secrets.webhookSecret).update(body).digest('hex');
  const webhook = (message: SimulatedMessage): Webhook => {
    const body = JSON.stringify(eventV1(message));
    const headers = { ...jsonHeaders, 'x-aisoule-signature': `sha256=${sign(body)}` };
    return { path: '/webhooks/aisoule', headers, body };
  };
  const webhookV2 = (message: SimulatedMessage): Webhook => {
    const body = JSON.stringify(eventV2(message));
    const headers = { ...jsonHeaders, 'x-webhook-signature': sign(body) };
    return { path: '/webhooks/aisoule', headers, body };
  };
  const tell = { v1: webhook, v2: webhookV2 };
  api.obey(
    aisouleRules({
      apiKey: secrets.apiKey,
      makeId: (generation) => makeId[generation](),
      report: (generation, id, to) => (status, failure) => [
        tell[generation]({ kind: 'status', id, from: to, status, failure }),
      ],
    }),
  );
  return {
    api,
    webhook,
    webhookV2,
    publish: (content, ...checks) =>
      host.serve(`/aisoule/media/${randomBytes(12).toString('hex')}`, content, checks),
    env: () => ({
      AISOULE_WEBHOOK_SECRET: secrets.webhookSecret,
      AISOULE_API_KEY: secrets.apiKey,
      AISOULE_API_URL: api.origin,
      AISOULE_MEDIA_HOSTS: host.host,
    }),
  };
}

const makeId = {
  v1: () => `msg_${randomBytes(8).toString('hex')}`,
  v2: () => `wamid.${randomBytes(18).toString('base64')}`,
} as const;

function eventV1(message: SimulatedMessage): Record<string, unknown> {
  const { id, from, sentAt } = senderOf(message, makeId.v1);
  const timestamp = unixSeconds(sentAt);
  const data = { message_id: id, waba_number: businessNumber };
  if (message.kind === 'status') {
    const { status, failure } = message;
    const report = { ...data, sender: businessNumber, recipient: from, status, error: failure ?? undefined };
    return { event: `message.${status}`, timestamp, data: present(report) };
  }
  if (message.kind === 'malformed') return { event: 'message.received', timestamp };
  const parties = { ...data, sender: from, recipient: businessNumber };
  const content = message.kind === 'text' ? { type: 'text', body: message.text } : mediaData(message, 'link');
  return { event: 'message.received', timestamp, data: { ...parties, ...content } };
}

function eventV2(message: SimulatedMessage): Record<string, unknown> {
  const { id, from, name, sentAt } = senderOf(message, makeId.v2);
  const timestamp = sentAt.toISOString();
  if (message.kind === 'status') {
    const { status, failure } = message;
    const report = present({ message_id: id, status, error: failure ?? undefined });
    return { event: `message.${status}`, timestamp, data: report };
  }
  if (message.kind === 'malformed') return { event: 'message.incoming', timestamp };
  const parties = { message_id: id, from: `+${from}`, contact_name: name };
  const content = message.kind === 'text' ? { type: 'text', text: message.text } : mediaData(message, 'url');
  return { event: 'message.incoming', timestamp, data: { ...parties, ...content } };
}

/** The format of inbound media is not documented; this mirrors outbound media, in each generation. */
function mediaData(media: SimulatedMedia, addressName: 'link' | 'url'): Record<string, unknown> {
  const { kind, url, caption, filename } = media;
  return {
    type: kind,
    [kind]: present({ [addressName]: url, caption, filename, mime_type: declaredType(media) }),
  };
}
