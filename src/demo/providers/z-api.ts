import { randomBytes } from 'node:crypto';

import { zApiRules } from './api/z-api.js';
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
  type SimulatedStatus,
  type Webhook,
} from './simulated-provider.js';

export interface ZApiSecrets {
  readonly webhookSecret: string;
  readonly instanceId: string;
  readonly token: string;
  readonly clientToken: string;
}

export function createZApiSecrets(): ZApiSecrets {
  const hex = (bytes: number) => randomBytes(bytes).toString('hex').toUpperCase();
  return {
    webhookSecret: randomBytes(24).toString('hex'),
    instanceId: hex(16),
    token: hex(12),
    clientToken: hex(17),
  };
}

/** Z-API: callbacks with the secret in the query; files on public links. */
export function simulateZApi(secrets: ZApiSecrets, { host, api }: Place): SimulatedProvider {
  const { webhookSecret, instanceId, token, clientToken } = secrets;
  const call = (body: unknown): Webhook => ({
    path: `/webhooks/z-api?token=${webhookSecret}`,
    headers: jsonHeaders,
    body: JSON.stringify(body),
  });
  api.obey(
    zApiRules({
      instanceId,
      token,
      clientToken,
      makeIds: () => ({ zaapId: randomBytes(16).toString('hex').toUpperCase(), messageId: messageId() }),
      report: (ids, phone) => (status, failure) => {
        const sent = present({ phone, ...ids, error: failure?.message });
        const delivery = call({ ...sent, type: 'DeliveryCallback', instanceId });
        if (status === 'failed') return [delivery];
        const report = { kind: 'status', id: ids.messageId, from: phone, status } as const;
        const reports = call(callback(report, instanceId));
        return status === 'sent' ? [delivery, reports] : [reports];
      },
    }),
  );
  return {
    api,
    webhook: (message) => call(callback(message, instanceId)),
    publish: (content, ...checks) => {
      const folder = `/file/temp-file-download/instances/${instanceId}/${messageId()}`;
      const name = randomBytes(12).toString('base64url');
      return host.serve(`${folder}/${name}.${extensions[content.type] ?? 'bin'}`, content, checks);
    },
    env: () => ({
      ZAPI_WEBHOOK_SECRET: webhookSecret,
      ZAPI_INSTANCE_ID: instanceId,
      ZAPI_TOKEN: token,
      ZAPI_CLIENT_TOKEN: clientToken,
      ZAPI_API_URL: api.origin,
      ZAPI_MEDIA_HOSTS: host.host,
    }),
  };
}

const extensions: Readonly<Record<string, string>> = {
  'image/jpeg': 'jpg',
  'image/png': 'png',
  'image/webp': 'webp',
  'image/gif': 'gif',
  'video/mp4': 'mp4',
  'audio/ogg': 'ogg',
  'application/pdf': 'pdf',
};

function messageId(): string {
  return `3EB0${randomBytes(9).toString('hex').toUpperCase()}`;
}

const statuses = { sent: 'SENT', delivered: 'RECEIVED', read: 'READ' } as const satisfies Record<
  Exclude<SimulatedStatus, 'failed'>,
  string
>;

function callback(message: SimulatedMessage, instanceId: string): Record<string, unknown> {
  const { id, from, name, sentAt } = senderOf(message, messageId);
  const momment = sentAt.getTime();
  if (message.kind === 'status') {
    if (message.status === 'failed') throw new Error('Z-API tells of failures with a DeliveryCallback');
    const report = { status: statuses[message.status], ids: [id], momment, phone: from, isGroup: false };
    return { instanceId, ...report, phoneDevice: 0, type: 'MessageStatusCallback' };
  }
  return {
    isStatusReply: false,
    chatLid: null,
    connectedPhone: businessNumber,
    waitingMessage: false,
    isEdit: false,
    isNewsletter: false,
    instanceId,
    messageId: id,
    ...conversation(message, from),
    fromMe: false,
    momment,
    status: 'RECEIVED',
    chatName: name,
    senderPhoto: null,
    senderName: name,
    photo: null,
    broadcast: false,
    participantLid: null,
    forwarded: false,
    type: 'ReceivedCallback',
    fromApi: false,
    ...payload(message),
  };
}

/** In a group, `phone` is the group and the author is the participant. */
function conversation(message: SimulatedMessage, from: string): Record<string, unknown> {
  const group = 'group' in message ? message.group : undefined;
  return group === undefined
    ? { phone: from, isGroup: false, participantPhone: null }
    : { phone: `${group}-group`, isGroup: true, participantPhone: from };
}

function payload(message: Exclude<SimulatedMessage, { kind: 'status' }>): Record<string, unknown> {
  if (message.kind === 'text') return { text: { message: message.text } };
  if (message.kind === 'malformed') return { image: { mimeType: 'image/jpeg', caption: '' } };
  return { [message.kind]: mediaObject(message) };
}

function mediaObject(media: SimulatedMedia): Record<string, unknown> {
  const { kind, url, caption = '', filename } = media;
  const common = { [`${kind}Url`]: url, mimeType: declaredType(media) };
  switch (kind) {
    case 'image':
      return { ...common, thumbnailUrl: url, caption, width: 600, height: 315, viewOnce: false };
    case 'video':
      return { ...common, caption, seconds: 1, viewOnce: false };
    case 'audio':
      return { ...common, ptt: true, seconds: 2, viewOnce: false };
    case 'document':
      return present({ ...common, title: filename, fileName: filename, caption, pageCount: 1 });
    case 'sticker':
      return common;
  }
}
