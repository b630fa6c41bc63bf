import { createHmac, randomBytes } from 'node:crypto';

import { missingFirst, redirectsTo, refusesCredentials, requiresBasic } from '../media-checks.js';
import { bytes, type Check, type Content } from '../media-host.js';
import { twilioRules } from './api/twilio.js';
import type { ReceivedMessage } from './api/twilio-account.js';
import {
  businessNumber,
  declaredType,
  present,
  senderOf,
  type Place,
  type SimulatedMessage,
  type SimulatedProvider,
  type Webhook,
} from './simulated-provider.js';

export interface TwilioSecrets {
  readonly accountSid: string;
  readonly authToken: string;
}

export interface SimulatedTwilio extends SimulatedProvider {
  /** A file that is not there yet: its link answers 404 to as many requests. */
  readonly publishLate: (content: Content, missing: number) => string;
}

export function createTwilioSecrets(): TwilioSecrets {
  return { accountSid: newSid('AC'), authToken: randomBytes(16).toString('hex') };
}

/** A prefix and 32 hexadecimal digits, like all ids of Twilio. */
function newSid(prefix: 'AC' | 'MM' | 'ME' | 'XE'): string {
  return prefix + randomBytes(16).toString('hex');
}

const path = '/webhooks/twilio';
const from = `whatsapp:+${businessNumber}`;

/**
 * Twilio: forms that are signed together with their address; files behind the account's credentials, which
 * redirect to a host that refuses requests with credentials.
 */
export function simulateTwilio(
  secrets: TwilioSecrets,
  { host, cdn, api, serviceUrl }: Place,
): SimulatedTwilio {
  const { accountSid, authToken } = secrets;
  const { files, received, note } = createArchive();
  const webhook = (message: SimulatedMessage): Webhook => {
    const fields = fieldsOf(message, accountSid);
    note(fields);
    const body = new URLSearchParams(fields).toString();
    const signature = twilioSignature(signedAddress(serviceUrl()), body, authToken);
    return {
      path,
      headers: {
        'content-type': 'application/x-www-form-urlencoded; charset=utf-8',
        'x-twilio-signature': signature,
      },
      body,
    };
  };
  const serve = (content: Content, { atFirst, ofFile }: Checks): string => {
    const file = cdn.serve(`/${randomBytes(16).toString('hex')}`, content, [refusesCredentials, ...ofFile]);
    const link = `/2010-04-01/Accounts/${accountSid}/Messages/${newSid('MM')}/Media/${newSid('ME')}`;
    files.set(link, file);
    return host.serve(link, nothing, [requiresBasic(accountSid, authToken), ...atFirst, redirectsTo(file)]);
  };
  api.obey(
    twilioRules({
      accountSid,
      authToken,
      from,
      senderSid: newSid('XE'),
      received: () => received,
      fileAt: (link) => files.get(link),
      makeId: () => newSid('MM'),
      report: (id, to) => (status, failure) => [webhook({ kind: 'status', id, from: to, status, failure })],
    }),
  );
  return {
    api,
    webhook,
    publish: (content, ...ofFile) => serve(content, { atFirst: [], ofFile }),
    publishLate: (content, missing) => serve(content, { atFirst: [missingFirst(missing)], ofFile: [] }),
    env: () => ({
      TWILIO_AUTH_TOKEN: authToken,
      TWILIO_ACCOUNT_SID: accountSid,
      TWILIO_FROM: from,
      TWILIO_API_URL: api.origin,
      TWILIO_MEDIA_HOSTS: host.host,
    }),
  };
}

/** The messages that the account still has; here a number of the newest ones. */
const maxReceived = 1_000;

function createArchive() {
  /** Where the file of each link is. */
  const files = new Map<string, string>();
  const received: ReceivedMessage[] = [];
  return {
    files,
    /** Newest first. */
    received: received as readonly ReceivedMessage[],
    /** Keeps a message with a file of this provider. */
    note: (fields: Readonly<Record<string, string>>): void => {
      const { MessageSid: sid, From, To, Body = '', MediaUrl0: url = '', MediaContentType0: type } = fields;
      const media = URL.canParse(url) ? new URL(url).pathname : '';
      if (sid === undefined || From === undefined || To === undefined || type === undefined) return;
      if (!files.has(media) || received.some((one) => one.sid === sid)) return;
      received.unshift({ sid, from: From, to: To, body: Body, sentAt: new Date(), type, media });
      received.splice(maxReceived);
    },
  };
}

interface Checks {
  /** Before the redirect to the file. */
  readonly atFirst: readonly Check[];
  readonly ofFile: readonly Check[];
}

/** A resource of the API has no bytes of its own. */
const nothing = bytes('text/plain', new Uint8Array());

/**
 * The address without its port, which Twilio leaves out of some signatures. So webhooks are proven to every
 * service on this host, whatever its port.
 */
export function signedAddress(serviceUrl: string): string {
  const { protocol, hostname, pathname } = new URL(serviceUrl === '' ? 'http://127.0.0.1' : serviceUrl);
  return `${protocol}//${hostname}${pathname.replace(/\/+$/, '')}${path}`;
}

/** twilio.com/docs/usage/webhooks/webhooks-security */
export function twilioSignature(address: string, body: string, authToken: string): string {
  const valuesOf = new Map<string, Set<string>>();
  for (const [name, value] of new URLSearchParams(`&${body}`))
    valuesOf.set(name, (valuesOf.get(name) ?? new Set()).add(value));
  const parameters = [...valuesOf.keys()]
    .sort()
    .flatMap((name) => [...(valuesOf.get(name) ?? [])].sort().map((value) => name + value));
  return createHmac('sha1', authToken)
    .update(address + parameters.join(''))
    .digest('base64');
}

function fieldsOf(message: SimulatedMessage, accountSid: string): Record<string, string> {
  const { id, from: person, name } = senderOf(message, () => newSid('MM'));
  const common = { MessageSid: id, SmsSid: id, AccountSid: accountSid, ApiVersion: '2010-04-01' };
  if (message.kind === 'status') {
    const { status, failure } = message;
    return given({
      ...common,
      MessageStatus: status,
      SmsStatus: status,
      From: from,
      To: `whatsapp:+${person}`,
      ChannelPrefix: 'whatsapp',
      EventType: status === 'read' ? 'READ' : undefined,
      ErrorCode: failure?.code,
      ChannelStatusMessage: failure?.message,
    });
  }
  return given({
    ...common,
    SmsMessageSid: id,
    SmsStatus: 'received',
    From: `whatsapp:+${person}`,
    To: from,
    WaId: person,
    ProfileName: name,
    NumSegments: '1',
    ReferralNumMedia: '0',
    ...contentOf(message),
  });
}

function contentOf(message: Exclude<SimulatedMessage, { kind: 'status' }>): Record<string, unknown> {
  if (message.kind === 'text') return { MessageType: 'text', Body: message.text, NumMedia: '0' };
  if (message.kind === 'malformed') return { MessageType: 'image', Body: '', NumMedia: '1' };
  const { kind, url, caption = '' } = message;
  return {
    MessageType: kind,
    Body: caption,
    NumMedia: '1',
    MediaUrl0: url,
    MediaContentType0: declaredType(message),
  };
}

function given(fields: Readonly<Record<string, unknown>>): Record<string, string> {
  return present(fields) as Record<string, string>;
}
