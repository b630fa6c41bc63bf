/**
 * What Twilio tells about an account: the webhook of its WhatsApp sender (rest/messaging/v2/channelsSender.ts
 * of twilio-node 6.3.1), the errors of its debugger, and the messages that it has received, with their media.
 */
import type { ApiAnswer, ApiCall } from './calls.js';
import { inWords, link, object, oneOf, type FieldCheck } from './fields.js';
import type { Route } from './provider-api.js';

/** A message that a person has sent to the account. */
export interface ReceivedMessage {
  readonly sid: string;
  readonly from: string;
  readonly to: string;
  readonly body: string;
  readonly sentAt: Date;
  readonly type: string;
  /** The path of its file. */
  readonly media: string;
}

export interface TwilioAccount {
  readonly accountSid: string;
  /** The only sender of the account. */
  readonly from: string;
  readonly senderSid: string;
  /** Newest first. */
  readonly received: () => readonly ReceivedMessage[];
  /** Where the file of a path is now. */
  readonly fileAt: (path: string) => string | undefined;
  /** The answer to a call that does not prove its sender. */
  readonly refusal: (call: ApiCall) => ApiAnswer | undefined;
  readonly problem: (status: number, message: string) => ApiAnswer;
}

const webhookCheck: FieldCheck = object({
  required: { callback_url: link, callback_method: oneOf('POST', 'GET') },
  optional: {
    fallback_url: link,
    fallback_method: oneOf('POST', 'GET'),
    status_callback_url: link,
    status_callback_method: oneOf('POST'),
  },
});
const changeCheck = object({ required: { webhook: webhookCheck } });

export function twilioAccountRoutes(account: TwilioAccount): readonly Route[] {
  return [...senderRoutes(account), ...messageRoutes(account)];
}

interface Reading {
  readonly method: 'GET' | 'POST';
  readonly path: RegExp;
  readonly answer: (call: ApiCall) => ApiAnswer;
}

/** A route that counts no message, for callers with the credentials of the account. */
function guarded({ refusal }: TwilioAccount, { method, path, answer }: Reading): Route {
  return { method, path, sends: false, handle: (call) => ({ answer: refusal(call) ?? answer(call) }) };
}

function senderRoutes(account: TwilioAccount): Route[] {
  const { from, senderSid } = account;
  let webhook: unknown = { callback_url: '', callback_method: 'POST' };
  const sender = () => ({
    sid: senderSid,
    status: 'ONLINE',
    sender_id: from,
    webhook,
    offline_reasons: null,
  });
  const path = new RegExp(`^/v2/Channels/Senders/${senderSid}$`);
  const change = ({ json }: ApiCall): ApiAnswer => {
    const faults = changeCheck(json, '');
    if (faults.length > 0) return account.problem(400, inWords(faults));
    webhook = (json as { webhook: unknown }).webhook;
    return { status: 202, json: sender() };
  };
  const list = (): ApiAnswer => ({
    status: 200,
    json: { meta: { key: 'senders', next_page_url: null }, senders: [sender()] },
  });
  const alerts = (): ApiAnswer => ({
    status: 200,
    json: { meta: { key: 'alerts', next_page_url: null }, alerts: [] },
  });
  return [
    guarded(account, { method: 'GET', path: /^\/v2\/Channels\/Senders$/, answer: list }),
    guarded(account, { method: 'GET', path, answer: () => ({ status: 200, json: sender() }) }),
    guarded(account, { method: 'POST', path, answer: change }),
    guarded(account, { method: 'GET', path: /^\/v1\/Alerts$/, answer: alerts }),
  ];
}

const dayMs = 86_400_000;

function messageRoutes(account: TwilioAccount): Route[] {
  const { accountSid, received, fileAt, problem } = account;
  const base = `/2010-04-01/Accounts/${accountSid}`;
  const list = ({ path, query }: ApiCall): ApiAnswer => {
    const day = Date.parse(query.get('DateSent>') ?? '');
    const to = query.get('To');
    const all = received().filter(
      (one) => (to === null || one.to === to) && !(one.sentAt.getTime() < Math.floor(day / dayMs) * dayMs),
    );
    const size = Number(query.get('PageSize') ?? 50);
    const page = Number(query.get('Page') ?? 0);
    const next = new URLSearchParams(query);
    next.set('Page', String(page + 1));
    return {
      status: 200,
      json: {
        messages: all.slice(page * size, (page + 1) * size).map((one) => messageOf(one, accountSid)),
        next_page_uri: all.length > (page + 1) * size ? `${path}?${next.toString()}` : null,
      },
    };
  };
  const media = ({ parameters: [sid = ''] }: ApiCall): ApiAnswer => {
    const found = received().find((one) => one.sid === decodeURIComponent(sid));
    if (found === undefined) return problem(404, 'There is no such message');
    const file = { parent_sid: found.sid, content_type: found.type, uri: `${found.media}.json` };
    return { status: 200, json: { media_list: [file], next_page_uri: null } };
  };
  const file = ({ path }: ApiCall): ApiAnswer => {
    const location = fileAt(path);
    return location === undefined
      ? problem(404, 'There is no such file')
      : { status: 302, headers: { location } };
  };
  const reading = (path: string, answer: Reading['answer']): Route =>
    guarded(account, { method: 'GET', path: new RegExp(`^${base}/${path}$`), answer });
  return [
    reading('Messages\\.json', list),
    reading('Messages/([\\w%-]+)/Media\\.json', media),
    reading('Messages/\\w+/Media/\\w+', file),
  ];
}

function messageOf({ sid, from, to, body, sentAt }: ReceivedMessage, accountSid: string): object {
  return {
    sid,
    account_sid: accountSid,
    messaging_service_sid: null,
    direction: 'inbound',
    status: 'received',
    from,
    to,
    body,
    num_media: '1',
    // In the format of e-mail (RFC 2822).
    date_sent: sentAt.toUTCString().replace('GMT', '+0000'),
  };
}
