import { randomBytes } from 'node:crypto';

import type { MediaHost } from '../media-host.js';
import {
  businessNumber,
  declaredType,
  jsonHeaders,
  present,
  senderOf,
  type SimulatedMedia,
  type SimulatedMessage,
  type SimulatedProvider,
  type SimulatedStatus,
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
export function simulateZApi(secrets: ZApiSecrets, host: MediaHost): SimulatedProvider {
  const { webhookSecret, instanceId, token, clientToken } = secrets;
  return {
    webhook: (message) => ({
      path: `/webhooks/z-api?token=${webhookSecret}`,
      headers: jsonHeaders,
      body: JSON.stringify(callback(message, instanceId)),
    }),
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
      ZAPI_API_URL: host.origin,
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
  SimulatedStatus,
  string
>;

function callback(message: SimulatedMessage, instanceId: string): Record<string, unknown> {
  const { id, from, name, sentAt } = senderOf(message, messageId);
  const momment = sentAt.getTime();
  if (message.kind === 'status') {
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

/** In a group `phone` is the group, and who wrote is the participant. */
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
