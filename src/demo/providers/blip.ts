import { randomBytes, randomUUID } from 'node:crypto';

import { requiresKey, requiresSharedAccess, sharedAccessQuery } from '../media-checks.js';
import type { Check, Content } from '../media-host.js';
import { blipRules } from './api/blip.js';
import type { ApiAnswer } from './api/calls.js';
import { isObject, type JsonObject } from './api/fields.js';
import {
  declaredType,
  jsonHeaders,
  present,
  senderOf,
  unixSeconds,
  type Place,
  type SimulatedMedia,
  type SimulatedMessage,
  type SimulatedProvider,
  type SimulatedStatus,
  type Webhook,
} from './simulated-provider.js';

export interface BlipSecrets {
  readonly webhookSecret: string;
  readonly contractId: string;
  /** Base64 of `bot:access key`, the form in `Authorization: Key`. */
  readonly key: string;
}

export interface SimulatedBlip extends SimulatedProvider {
  /** An expired link; `/refresh-media-uri` renews it. */
  readonly publishExpired: (content: Content) => string;
  /**
   * A link of the `blip` authorization realm, which requires the bot's key. Send it with `credentials: true`.
   */
  readonly publishKeyed: (content: Content) => string;
}

export function createBlipSecrets(): BlipSecrets {
  const key = Buffer.from(`demobot:${randomBytes(15).toString('base64url')}`).toString('base64');
  return { webhookSecret: randomBytes(24).toString('hex'), contractId: 'demo', key };
}

const botNode = 'demobot@msging.net';
const mediaNode = 'postmaster@media.msging.net';
const minute = 60_000;
/**
 * In all known samples, a link is valid from a quarter of an hour before its message until a quarter of an
 * hour after it.
 */
const linkMinutes = 15;

/** Blip: LIME envelopes with the secret in a custom header; files behind Azure's shared access signatures. */
export function simulateBlip(secrets: BlipSecrets, { host, api }: Place): SimulatedBlip {
  const sasKey = randomBytes(32);
  const link = (path: string, sentAt: number) => {
    const from = new Date(sentAt - linkMinutes * minute);
    const expiresAt = new Date(sentAt + linkMinutes * minute);
    return `${host.origin}${path}?${sharedAccessQuery({ key: sasKey, path, from, until: expiresAt })}`;
  };
  const keep = (content: Content, checks: readonly Check[] = []) => {
    const path = `/secure-medias/Media_${randomUUID()}`;
    host.serve(path, content, [requiresSharedAccess(sasKey), ...checks]);
    return path;
  };
  const webhook = (message: SimulatedMessage): Webhook => ({
    path: '/webhooks/blip',
    headers: { ...jsonHeaders, 'x-inlet-token': secrets.webhookSecret },
    body: JSON.stringify(envelope(message)),
  });
  const command = refreshing((uri) => {
    const path = URL.canParse(uri) ? new URL(uri).pathname : '';
    return path.startsWith('/secure-medias/') && host.has(path) ? link(path, Date.now()) : undefined;
  });
  api.obey(blipRules({ key: secrets.key, webhook, command, accepted: api.accepted }));

  return {
    api,
    webhook,
    publish: (content, ...checks) => link(keep(content, checks), Date.now()),
    publishExpired: (content) => link(keep(content), Date.now() - 60 * minute),
    publishKeyed: (content) => {
      const name = Buffer.from(`0:Media_${randomUUID()}`).toString('base64url');
      return host.serve(`/media/download/${name}`, content, [requiresKey(secrets.key)]);
    },
    env: () => ({
      BLIP_WEBHOOK_SECRET: secrets.webhookSecret,
      BLIP_CONTRACT_ID: secrets.contractId,
      BLIP_KEY: secrets.key,
      BLIP_API_URL: api.origin,
      BLIP_MEDIA_HOSTS: host.host,
    }),
  };
}

const events = {
  sent: 'accepted',
  delivered: 'received',
  read: 'consumed',
  failed: 'failed',
} as const satisfies Record<SimulatedStatus, string>;

function envelope(message: SimulatedMessage): Record<string, unknown> {
  const { id, from, sentAt } = senderOf(message);
  const addressed = { id, from: from.includes('@') ? from : `${from}@wa.gw.msging.net`, to: botNode };
  if (message.kind === 'status') return { ...addressed, ...notification(message) };
  const metadata = {
    '#wa.timestamp': String(unixSeconds(sentAt)),
    '#uniqueId': randomUUID(),
    date_created: String(sentAt.getTime()),
  };
  if (message.kind === 'text') return { ...addressed, type: 'text/plain', content: message.text, metadata };
  const content = message.kind === 'malformed' ? { type: 'image/jpeg', size: 10 } : mediaLink(message);
  return { ...addressed, type: 'application/vnd.lime.media-link+json', content, metadata };
}

function notification({ status, failure }: SimulatedMessage & { kind: 'status' }): Record<string, unknown> {
  const reason = failure && { code: Number(failure.code), description: failure.message };
  return present({ event: events[status], reason: reason ?? undefined });
}

function mediaLink(media: SimulatedMedia): Record<string, unknown> {
  return present({
    type: declaredType(media),
    uri: media.url,
    title: media.filename,
    text: media.caption,
    authorizationRealm: media.credentials === true ? 'blip' : undefined,
  });
}

/** Only the command `set /refresh-media-uri` is known here. A failed one is answered with 200, too. */
function refreshing(refresh: (uri: string) => string | undefined): (command: unknown) => ApiAnswer {
  return (given) => {
    const command = isObject(given) ? given : {};
    const fresh = isRefreshCommand(command) ? refresh(command.resource) : undefined;
    return fresh === undefined
      ? reply(command, { status: 'failure', reason: { code: 61, description: 'No such media' } })
      : reply(command, { status: 'success', type: 'text/plain', resource: fresh });
  };
}

const refreshCommand = {
  to: mediaNode,
  method: 'set',
  uri: '/refresh-media-uri',
  type: 'text/plain',
} as const;

/** Requires exactly the documented format, so that mistakes of a caller show here and not at Blip. */
function isRefreshCommand(command: JsonObject): command is JsonObject & { readonly resource: string } {
  const exact = Object.entries(refreshCommand).every(([name, value]) => command[name] === value);
  return exact && typeof command['id'] === 'string' && typeof command['resource'] === 'string';
}

function reply({ id, method }: JsonObject, outcome: JsonObject): ApiAnswer {
  return {
    status: 200,
    json: { method, id, from: `${mediaNode}/#az-iris1`, to: botNode, ...outcome },
  };
}
