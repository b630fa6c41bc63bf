import { createHmac, randomBytes, randomInt } from 'node:crypto';

import { requiresBearer, requiresFreshLink } from '../media-checks.js';
import type { Check, Content } from '../media-host.js';
import { metaRules } from './api/meta.js';
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

export interface MetaSecrets {
  readonly appSecret: string;
  readonly verifyToken: string;
  readonly accessToken: string;
  readonly phoneNumberId: string;
  /** The id of the business account, which owns the phone number. */
  readonly accountId: string;
}

export interface SimulatedMeta extends SimulatedProvider {
  /** A link that has expired; the id of its file leads to another one. */
  readonly publishExpired: (content: Content) => string;
}

const digits = (length: number): string =>
  Array.from({ length }, (_, place) => String(randomInt(place === 0 ? 1 : 0, 10))).join('');

export function createMetaSecrets(): MetaSecrets {
  return {
    appSecret: randomBytes(16).toString('hex'),
    verifyToken: randomBytes(16).toString('hex'),
    accessToken: `EAA${randomBytes(48).toString('hex')}`,
    phoneNumberId: digits(15),
    accountId: digits(15),
  };
}

/** Links to files live for five minutes (business-phone-numbers/media). */
const linkLifetimeS = 300;
const folder = '/whatsapp_business/attachments/';

/**
 * Meta: bodies signed with the app secret; files by their id, which the API turns into a link for five
 * minutes, and both require the access token.
 */
export function simulateMeta(secrets: MetaSecrets, { host, api }: Place): SimulatedMeta {
  const linkTo = (id: string, lifetimeS = linkLifetimeS): string =>
    `${host.origin}${folder}${id}?ext=${String(unixSeconds(new Date()) + lifetimeS)}`;
  const keep = (content: Content, checks: readonly Check[] = []): string => {
    const id = digits(16);
    host.serve(folder + id, content, [requiresBearer(secrets.accessToken), requiresFreshLink(), ...checks]);
    return id;
  };
  const webhook = (message: SimulatedMessage): Webhook => {
    const body = escaped(JSON.stringify(payloadOf(message, secrets)));
    const signature = createHmac('sha256', secrets.appSecret).update(body).digest('hex');
    const headers = { ...jsonHeaders, 'x-hub-signature-256': `sha256=${signature}` };
    return { path: '/webhooks/meta', headers, body };
  };
  api.obey(
    metaRules({
      ...secrets,
      linkOf: (id) => (host.has(folder + id) ? linkTo(id) : undefined),
      makeMessageId: makeId,
      makeMediaId: () => digits(16),
      inspect: api.inspect,
      report: (id, from) => (status, failure) => [webhook({ kind: 'status', id, from, status, failure })],
    }),
  );
  return {
    api,
    webhook,
    publish: (content, ...checks) => linkTo(keep(content, checks)),
    publishExpired: (content) => linkTo(keep(content), -linkLifetimeS),
    env: () => ({
      META_APP_SECRET: secrets.appSecret,
      META_VERIFY_TOKEN: secrets.verifyToken,
      META_ACCESS_TOKEN: secrets.accessToken,
      META_PHONE_NUMBER_ID: secrets.phoneNumberId,
      META_API_URL: api.origin,
      META_MEDIA_HOSTS: host.host,
    }),
  };
}

function makeId(): string {
  return `wamid.${randomBytes(30).toString('base64')}`;
}

/** Meta writes only ASCII, and the signature covers what it writes. */
function escaped(json: string): string {
  return json.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function payloadOf(message: SimulatedMessage, { phoneNumberId, accountId }: MetaSecrets): object {
  const value = {
    messaging_product: 'whatsapp',
    metadata: { display_phone_number: businessNumber, phone_number_id: phoneNumberId },
    ...(message.kind === 'status' ? { statuses: [statusOf(message)] } : messagesOf(message)),
  };
  return {
    object: 'whatsapp_business_account',
    entry: [{ id: accountId, changes: [{ value, field: 'messages' }] }],
  };
}

function statusOf({
  id,
  from = '5511999990000',
  status,
  failure,
  ...rest
}: SimulatedMessage & { kind: 'status' }): object {
  const error = failure && {
    code: Number(failure.code),
    title: 'Message not sent',
    message: 'Message not sent',
    error_data: { details: failure.message },
  };
  return present({
    id,
    status,
    timestamp: String(unixSeconds(rest.sentAt ?? new Date())),
    recipient_id: from,
    errors: error ? [error] : undefined,
  });
}

function messagesOf(message: Exclude<SimulatedMessage, { kind: 'status' }>): object {
  const { id, from, name, sentAt } = senderOf(message, makeId);
  return {
    contacts: [{ profile: { name }, wa_id: from }],
    messages: [{ from, id, timestamp: String(unixSeconds(sentAt)), ...contentOf(message) }],
  };
}

function contentOf(message: Exclude<SimulatedMessage, { kind: 'status' }>): object {
  if (message.kind === 'text') return { type: 'text', text: { body: message.text } };
  if (message.kind === 'malformed') return { type: 'image', image: {} };
  const { kind, group: group_id } = message;
  return present({ type: kind, group_id, [kind]: blockOf(message) });
}

function blockOf(media: SimulatedMedia): object {
  const { kind, caption, filename, sha256 } = media;
  return present({
    mime_type: declaredType(media),
    // The digest is in Base64.
    sha256: sha256 === undefined ? undefined : Buffer.from(sha256, 'hex').toString('base64'),
    ...addressOf(media),
    caption,
    filename,
    voice: kind === 'audio' ? true : undefined,
    animated: kind === 'sticker' ? false : undefined,
  });
}

/**
 * Older systems give the id only; here, every other file is without a link. A link to another host has no id.
 */
function addressOf({ url }: SimulatedMedia): object {
  const { pathname } = new URL(url);
  if (!pathname.startsWith(folder)) return { url };
  const id = pathname.slice(folder.length);
  return Number(id.at(-1)) % 2 === 0 ? { id, url } : { id };
}
