/**
 * Connects a number to the channel: subscribes the app to the business account of the number, and replaces
 * the app's callback URL for that account (developers.facebook.com, webhooks/override, 28 June 2026). An
 * address that was set for the number alone has precedence, so it is replaced as well. Meta sends the
 * challenge of the handshake at once.
 */
import type { Connection, WebhookState } from '../../domain/connection.js';
import { AppError } from '../../domain/errors.js';
import type { Http, HttpRequest } from '../../domain/provider.js';
import {
  type Asked,
  askProvider,
  leadsTo,
  makeChanges,
  notUnderstood,
  shownAddress,
} from '../kit/connection.js';
import { fieldsOf, firstPresent, identifier, isAbsent, itemsOf, type JsonRecord } from '../kit/lenient.js';
import { bearerOf, graphErrorIn, graphVersion } from '../kit/meta-graph.js';

interface Account {
  readonly accessToken: string;
  readonly phoneNumberId: string;
  readonly apiUrl: string;
}

interface Secrets {
  readonly verifyToken: string;
  /** No message repeats these. */
  readonly appSecret: readonly string[];
}

/** What is different after each change. */
const results = {
  subscribed: 'the app is subscribed, and its own callback URL counts for the business account',
  overridden: 'the address of this channel counts for the business account',
  ofNumber: 'the number has the address of this channel',
} as const;

/** What the connection needs to know about the number. */
const fields = 'health_status,webhook_configuration';

export function connectionOf(
  account: Account,
  { verifyToken, appSecret }: Secrets,
  now: () => Date,
): Connection {
  const { accessToken, phoneNumberId, apiUrl } = account;
  const asked: Asked = {
    provider: 'Meta',
    problemIn: (body) => graphErrorIn(body)?.message,
    secrets: [accessToken, verifyToken, ...appSecret],
    now,
  };
  const call = (
    path: string,
    http: Http,
    request: Pick<HttpRequest, 'method' | 'json'> = { method: 'GET' },
  ) =>
    askProvider(
      { ...request, url: `${apiUrl}/${graphVersion}/${path}`, headers: bearerOf(accessToken) },
      http,
      asked,
    );
  const change = async (path: string, http: Http, json?: object): Promise<void> => {
    const { success } = await call(path, http, { method: 'POST', ...(json && { json }) });
    if (success !== true) throw notUnderstood(asked.provider);
  };
  const changeNumber = (http: Http, override: object): Promise<void> =>
    change(phoneNumberId, http, { webhook_configuration: override });
  const lookAtNumber = async (http: Http): Promise<PhoneNumber> =>
    numberIn(await call(`${phoneNumberId}?fields=${fields}`, http));

  return {
    connect: async (webhookUrl, http) => {
      const { accountId, addresses } = await lookAtNumber(http);
      const override = { override_callback_uri: webhookUrl, verify_token: verifyToken };
      const apps = `${accountId}/subscribed_apps`;
      const hasOwnAddress = !isAbsent(addresses.ofNumber) && !leadsTo(webhookUrl, addresses.ofNumber);
      await makeChanges([
        // Without a body, this subscribes the app and ends an earlier override.
        { result: results.subscribed, make: () => change(apps, http) },
        { result: results.overridden, make: () => change(apps, http, override) },
        ...(hasOwnAddress ? [{ result: results.ofNumber, make: () => changeNumber(http, override) }] : []),
      ]);
    },
    state: async (webhookUrl, http) => {
      const number = await lookAtNumber(http);
      const { data } = await call(`${number.accountId}/subscribed_apps`, http);
      return stateOf(number, itemsOf(data) ?? [], webhookUrl);
    },
  };
}

interface PhoneNumber {
  /** The id of the WhatsApp Business Account. */
  readonly accountId: string;
  /** The id of the app of the access token; undefined if Meta does not tell it. */
  readonly appId: string | undefined;
  /** The callback URLs, of which the first one that is present counts. */
  readonly addresses: {
    readonly ofNumber: unknown;
    readonly ofAccount: unknown;
    readonly ofApp: unknown;
  };
  /** What is not available, in words. */
  readonly problems: readonly string[];
}

/** The entities of the health status name the account and the app (support/health-status). */
function numberIn({ health_status: health, webhook_configuration: configuration }: JsonRecord): PhoneNumber {
  const entities = (itemsOf(fieldsOf(health)['entities']) ?? []).map(fieldsOf);
  const idOf = (type: string): string | undefined => {
    const id = identifier(entities.find(({ entity_type: one }) => one === type)?.['id']);
    return id !== undefined && /^\d{1,32}$/.test(id) ? id : undefined;
  };
  const accountId = idOf('WABA');
  if (accountId === undefined)
    throw new AppError(
      'channel.provider_refused',
      'Meta does not tell the business account of this number: check phoneNumberId and the permissions of the access token',
    );
  const {
    phone_number: ofNumber,
    whatsapp_business_account: ofAccount,
    application: ofApp,
  } = fieldsOf(configuration);
  return {
    accountId,
    appId: idOf('APP'),
    addresses: { ofNumber, ofAccount, ofApp },
    problems: entities.flatMap(problemsOf),
  };
}

const entityNames: ReadonlyMap<unknown, string> = new Map([
  ['PHONE_NUMBER', 'phone number'],
  ['WABA', 'business account'],
  ['BUSINESS', 'business'],
  ['APP', 'app'],
]);
const troubles: ReadonlyMap<unknown, string> = new Map([
  ['LIMITED', 'is limited'],
  ['BLOCKED', 'is blocked'],
]);

function problemsOf({ entity_type: type, can_send_message: status }: JsonRecord): string[] {
  const name = entityNames.get(type);
  const trouble = troubles.get(status);
  return name === undefined || trouble === undefined
    ? []
    : [`Meta says that the ${name} ${trouble} in sending.`];
}

function stateOf(number: PhoneNumber, apps: readonly unknown[], webhookUrl: string): WebhookState {
  const { ofNumber, ofAccount, ofApp } = number.addresses;
  const subscription = apps.map(fieldsOf).find((app) => isAppOf(app, number));
  const address = firstPresent([ofNumber, ofAccount, subscription?.['override_callback_uri'], ofApp]);
  return {
    url: shownAddress(address),
    isConnected: subscription !== undefined && leadsTo(webhookUrl, address),
    pending: null,
    lastError: null,
    notes: [
      ...(subscription === undefined
        ? ['The app is not subscribed to the business account of the number, so Meta sends no webhooks.']
        : []),
      ...number.problems,
    ],
  };
}

/** `{whatsapp_business_api_data: {id, link, name}, override_callback_uri?}` */
function isAppOf({ whatsapp_business_api_data: data }: JsonRecord, { appId }: PhoneNumber): boolean {
  return appId === undefined || identifier(fieldsOf(data)['id']) === appId;
}
