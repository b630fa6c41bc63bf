/**
 * Connects what `from` names: a number (phone-numbers/api/incomingphonenumber-resource), a Messaging Service
 * (messaging/api/service-resource) or a WhatsApp sender (twilio-node 6.3.1
 * rest/messaging/v2/channelsSender.ts). The webhook is its own fallback, because Twilio tries each address
 * once.
 */
import type { Connection, WebhookState } from '../../domain/connection.js';
import { AppError } from '../../domain/errors.js';
import { cleanText } from '../kit/clean-text.js';
import { leadsTo, notUnderstood, shownAddress } from '../kit/connection.js';
import {
  dateFromIso,
  fieldsOf,
  firstPresent,
  isAbsent,
  itemsOf,
  type JsonRecord,
  lookUp,
  textOrNull,
} from '../kit/lenient.js';
import { accountPath, secretsOf, type Sender, senderKind } from './account.js';
import { apiOf, askedOf, type TwilioApi } from './api.js';
import { missedMessages } from './missed.js';

/** The webhook of a number, a service or a sender, as Twilio has it. */
interface Webhook {
  readonly url: unknown;
  readonly method: unknown;
  readonly fallbackUrl: unknown;
  /** Why the address does not count, and what else is wrong. */
  readonly overridden: readonly string[];
  readonly notes: readonly string[];
}

interface Target {
  readonly look: (api: TwilioApi) => Promise<Webhook>;
  readonly set: (api: TwilioApi, webhookUrl: string) => Promise<void>;
}

export function connectionOf(sender: Sender, now: () => Date): Connection {
  const asked = askedOf(sender, now);
  const target = targetOf(sender);
  return {
    connect: async (webhookUrl, http) => {
      await target.set(apiOf(sender, asked, http), webhookUrl);
    },
    state: async (webhookUrl, http) => {
      const api = apiOf(sender, asked, http);
      const webhook = await target.look(api);
      return stateOf(webhook, webhookUrl, await lastAlert(api, webhookUrl));
    },
    missed: (period, http) => missedMessages(sender, period, apiOf(sender, asked, http)),
  };
}

function targetOf(sender: Sender): Target {
  switch (senderKind(sender.from)) {
    case 'number':
      return sender.from.startsWith('+') ? numberTarget(sender) : unsupported;
    case 'service':
      return serviceTarget(sender);
    case 'whatsapp':
      return whatsAppTarget(sender);
    case 'rcs':
    case 'name':
      return unsupported;
  }
}

const unsupported: Target = {
  look: () => Promise.reject(notConnectable()),
  set: () => Promise.reject(notConnectable()),
};

function notConnectable(): AppError {
  const message =
    'Inlet connects numbers, Messaging Services and WhatsApp senders: set the address of this sender in the console of Twilio';
  return new AppError('channel.not_connectable', message);
}

/** The error for an account without the sender of the setting. */
function missingSender(what: string): AppError {
  return new AppError(
    'channel.provider_refused',
    `Twilio has no ${what} in this account: check the setting from`,
  );
}

function numberTarget(sender: Sender): Target {
  const path = `${accountPath(sender)}/IncomingPhoneNumbers`;
  const find = async (api: TwilioApi): Promise<JsonRecord> => {
    const query = new URLSearchParams({ PhoneNumber: sender.from });
    const list = await api.get('api', `${path}.json?${query.toString()}`);
    const found = itemsIn(list, 'incoming_phone_numbers').find(
      (number) => number['phone_number'] === sender.from && isSid(number['sid']),
    );
    if (found === undefined) throw missingSender(`number ${sender.from}`);
    return found;
  };
  return {
    look: async (api) => {
      const number = await find(api);
      return {
        url: number['sms_url'],
        method: number['sms_method'],
        fallbackUrl: number['sms_fallback_url'],
        overridden: isAbsent(number['sms_application_sid'])
          ? []
          : ['The number belongs to an application of Twilio, whose address counts.'],
        notes: [],
      };
    },
    set: async (api, webhookUrl) => {
      const { sid } = await find(api);
      const changed = await api.post('api', `${path}/${String(sid)}.json`, {
        SmsUrl: webhookUrl,
        SmsMethod: 'POST',
        SmsFallbackUrl: webhookUrl,
        SmsFallbackMethod: 'POST',
        // The addresses of an application would count instead.
        SmsApplicationSid: '',
      });
      requireSid(changed);
    },
  };
}

function serviceTarget({ from }: Sender): Target {
  const path = `/v1/Services/${from}`;
  return {
    look: async (api) => {
      const service = await api.get('messaging', path);
      requireSid(service);
      return {
        url: service['inbound_request_url'],
        method: service['inbound_method'],
        fallbackUrl: service['fallback_url'],
        overridden:
          service['use_inbound_webhook_on_number'] === true
            ? ['The Messaging Service leaves incoming messages to the webhooks of its numbers.']
            : [],
        notes: [],
      };
    },
    set: async (api, webhookUrl) => {
      const changed = await api.post('messaging', path, {
        InboundRequestUrl: webhookUrl,
        InboundMethod: 'POST',
        FallbackUrl: webhookUrl,
        FallbackMethod: 'POST',
        StatusCallback: webhookUrl,
        UseInboundWebhookOnNumber: 'false',
      });
      requireSid(changed);
    },
  };
}

const sendersPath = '/v2/Channels/Senders';
/** An account has a few dozen senders at most. */
const maxPages = 20;

function whatsAppTarget(sender: Sender): Target {
  const pathOf = async (api: TwilioApi): Promise<string> => {
    let path: string | undefined = `${sendersPath}?Channel=whatsapp&PageSize=50`;
    for (let pages = 0; path !== undefined && pages < maxPages; pages += 1) {
      const page: JsonRecord = await api.get('messaging', path);
      const found = itemsIn(page, 'senders').find(
        (one) => one['sender_id'] === sender.from && isSid(one['sid']),
      );
      if (found !== undefined) return `${sendersPath}/${String(found['sid'])}`;
      path = nextPathIn(page);
    }
    throw missingSender(`sender ${sender.from}`);
  };
  return {
    look: async (api) => {
      const found = await api.get('messaging', await pathOf(api));
      const webhook = fieldsOf(found['webhook']);
      return {
        url: webhook['callback_url'],
        method: webhook['callback_method'],
        fallbackUrl: webhook['fallback_url'],
        overridden: [],
        notes: notesOfSender(found, secretsOf(sender)),
      };
    },
    set: async (api, webhookUrl) => {
      // The names in snake case are UNVERIFIED: twilio-node 6.3.1 writes them so.
      const webhook = {
        callback_url: webhookUrl,
        callback_method: 'POST',
        fallback_url: webhookUrl,
        fallback_method: 'POST',
        status_callback_url: webhookUrl,
        status_callback_method: 'POST',
      };
      requireSid(await api.postJson('messaging', await pathOf(api), { webhook }));
    },
  };
}

/** The items of a list in the answer. An answer without the list is not one of Twilio. */
function itemsIn(
  page: JsonRecord,
  name: 'incoming_phone_numbers' | 'senders' | 'alerts',
): readonly JsonRecord[] {
  const items = page[name];
  if (!Array.isArray(items)) throw notUnderstood('Twilio');
  return (items as readonly unknown[]).map(fieldsOf);
}

/** The path of the next page, whose host is not taken from the answer. */
function nextPathIn({ meta }: JsonRecord): string | undefined {
  const next = textOrNull(fieldsOf(meta)['next_page_url']);
  if (next === null || !URL.canParse(next)) return undefined;
  const { pathname, search } = new URL(next);
  return pathname === sendersPath ? pathname + search : undefined;
}

function isSid(value: unknown): boolean {
  return typeof value === 'string' && /^[A-Z]{2}[\da-f]{32}$/i.test(value);
}

/** Changed and read objects have their id; anything else is the answer of something other than Twilio. */
function requireSid({ sid }: JsonRecord): void {
  if (!isSid(sid)) throw notUnderstood('Twilio');
}

function notesOfSender(
  { status, offline_reasons: reasons, properties }: JsonRecord,
  secrets: readonly string[],
): string[] {
  const notes: string[] = [];
  const word = cleanText(status, secrets);
  if (word !== undefined && !word.startsWith('ONLINE')) {
    const texts = (itemsOf(reasons) ?? []).flatMap(
      (reason) => cleanText(fieldsOf(reason)['message'], secrets) ?? [],
    );
    notes.push([`Twilio says that the sender is ${word}.`, ...texts].join(' '));
  }
  const rating = cleanText(fieldsOf(properties)['quality_rating'], secrets);
  if (rating !== undefined && /^(?:LOW|RED)$/i.test(rating))
    notes.push(`WhatsApp rates the quality of the sender as ${rating}.`);
  return notes;
}

interface Alerts {
  readonly last: WebhookState['lastError'];
  readonly note: string | null;
}

function stateOf(webhook: Webhook, webhookUrl: string, { last, note }: Alerts): WebhookState {
  const { url, method, fallbackUrl, overridden, notes } = webhook;
  const leadsHere = leadsTo(webhookUrl, url);
  const isPost = isAbsent(method) || method === 'POST';
  return {
    url: shownAddress(url),
    isConnected: leadsHere && isPost && overridden.length === 0,
    pending: null,
    lastError: last,
    notes: [
      ...overridden,
      ...(leadsHere && !isPost
        ? ['Twilio calls the address with GET, which is refused: set it to POST.']
        : []),
      ...(leadsHere && isAbsent(fallbackUrl)
        ? ['There is no fallback address, so a webhook that fails once is lost.']
        : []),
      ...notes,
      ...(note === null ? [] : [note]),
    ],
  };
}

/** Errors about webhooks (twilio.com/docs/api/errors). */
const words: Readonly<Record<string, string>> = {
  '11200': 'the webhook was not answered with 2xx',
  '11205': 'the connection failed',
  '11750': 'the answer was too large',
  '12300': 'the answer had a type that Twilio does not accept',
};

/**
 * The newest error about the address in Twilio's debugger. That it cannot be read is no failure of the state.
 */
async function lastAlert(api: TwilioApi, webhookUrl: string): Promise<Alerts> {
  try {
    const page = await api.get('monitor', '/v1/Alerts?LogLevel=error&PageSize=100');
    const about = itemsIn(page, 'alerts').find(({ request_url: url }) => leadsTo(webhookUrl, url));
    return { last: about === undefined ? null : errorOf(about), note: null };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { last: null, note: 'The errors in the debugger of Twilio could not be read.' };
  }
}

function errorOf({
  error_code: code,
  date_generated: generated,
  date_created: created,
}: JsonRecord): WebhookState['lastError'] {
  const number = textOrNull(code) ?? '';
  const isNumber = /^\d{1,6}$/.test(number);
  const reason = lookUp(words, number) ?? `see twilio.com/docs/api/errors/${number}`;
  return {
    message: isNumber ? `error ${number}: ${reason}` : 'an error without a code',
    at: dateFromIso(firstPresent([generated, created])),
  };
}
