import { createHmac, randomBytes, randomUUID } from 'node:crypto';

import { customRules, sendMedia } from './api/custom.js';
import {
  businessNumber,
  declaredType,
  jsonHeaders,
  present,
  senderOf,
  type Place,
  type SimulatedMedia,
  type SimulatedMessage,
  type SimulatedProvider,
  type Webhook,
} from './simulated-provider.js';

export interface CustomSecrets {
  readonly webhookSecret: string;
  readonly apiKey: string;
}

export function createCustomSecrets(): CustomSecrets {
  return { webhookSecret: randomBytes(24).toString('hex'), apiKey: randomBytes(24).toString('hex') };
}

/** What an operator writes for the webhooks of the app. */
export const appEvents = `
event = "status"
  ? {"type": "status", "id": message, "status": status, "at": time, "error": problem}
  : $exists(files)
    ? {
        "type": "message",
        "id": message,
        "from": driver.phone,
        "to": office,
        "chat": tour,
        "name": driver.name,
        "caption": note,
        "sentAt": time,
        "media": files.{
          "kind": kind, "url": link, "base64": bytes, "type": mime, "filename": name, "sha256": digest
        }
      }
    : {"type": "ignored", "reason": "note"}`;

/** What an operator writes for the requests that the app understands. */
export const appSend = `{"path": "/v1/messages", "json": {
  "reference": id, "driver": to, "kind": kind, "link": url, "mime": type, "note": caption, "name": filename, "answers": replyTo
}}`;

export interface SimulatedCustom extends SimulatedProvider {
  /** A message whose file is in the webhook itself. */
  readonly webhookWithBytes: (message: Omit<SimulatedMedia, 'url'>, file: Uint8Array) => Webhook;
}

/**
 * The app of a delivery company, which knows nothing of the service: signed JSON, links, and an API for
 * messages.
 */
export function simulateCustom(secrets: CustomSecrets, { host, api }: Place): SimulatedCustom {
  const signed = (payload: object): Webhook => {
    const body = JSON.stringify(payload);
    const signature = createHmac('sha256', secrets.webhookSecret).update(body).digest('hex');
    return {
      path: '/webhooks/custom',
      headers: { ...jsonHeaders, 'x-app-signature': `sha256=${signature}` },
      body,
    };
  };
  const webhook = (message: SimulatedMessage): Webhook => signed(payloadOf(message));
  api.obey(
    customRules({
      apiKey: secrets.apiKey,
      report: (id, from) => (status, failure) => [webhook({ kind: 'status', id, from, status, failure })],
    }),
  );
  return {
    api,
    webhook,
    webhookWithBytes: (message, file) => {
      const payload = payloadOf({ ...message, url: '' });
      const bytes = Buffer.from(file).toString('base64');
      return signed({ ...payload, files: [{ kind: message.kind, bytes }] });
    },
    publish: (content, ...checks) => host.serve(`/app/files/${randomUUID()}`, content, checks),
    env: () => ({
      CUSTOM_WEBHOOK_SECRET: secrets.webhookSecret,
      CUSTOM_PROOF: 'hmac',
      CUSTOM_PROOF_NAME: 'X-App-Signature',
      CUSTOM_HMAC_PREFIX: 'sha256=',
      CUSTOM_EVENTS: appEvents,
      CUSTOM_MEDIA_HOSTS: host.host,
      CUSTOM_API_URL: api.origin,
      CUSTOM_API_HEADER: `Authorization: Bearer ${secrets.apiKey}`,
      CUSTOM_SEND: appSend,
      CUSTOM_SEND_MEDIA: JSON.stringify(sendMedia),
      CUSTOM_SEND_PER_SECOND: '10',
    }),
  };
}

function payloadOf(message: SimulatedMessage): Record<string, unknown> {
  const { id, from, name, sentAt } = senderOf(message);
  const time = sentAt.toISOString();
  if (message.kind === 'status') {
    const { status, failure } = message;
    return present({ event: 'status', message: id, status, time, problem: failure ?? undefined });
  }
  const sent = {
    event: 'message',
    message: id,
    driver: { phone: from, name },
    office: businessNumber,
    time,
  };
  if (message.kind === 'text') return { ...sent, note: message.text };
  if (message.kind === 'malformed') return { ...sent, files: [{ kind: 'image' }] };
  const { kind, url, caption, filename, sha256, group } = message;
  const file = { kind, link: url, mime: declaredType(message), name: filename, digest: sha256 };
  return present({ ...sent, tour: group, note: caption, files: [present(file)] });
}
