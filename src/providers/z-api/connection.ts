/**
 * Connects an instance of Z-API (developer.z-api.io, instance/me and webhooks/on-message-*.md). Three of its
 * webhooks matter. `update-every-webhooks` would also send every presence of every contact, so each is set by
 * itself.
 */
import type { Connection, WebhookState } from '../../domain/connection.js';
import type { Http, HttpRequest } from '../../domain/provider.js';
import {
  type Asked,
  askProvider,
  leadsTo,
  makeChanges,
  notUnderstood,
  parameterOf,
  shownAddress,
} from '../kit/connection.js';
import { firstPresent, isAbsent, type JsonRecord } from '../kit/lenient.js';
import { secretMatcher } from '../kit/verification.js';
import { type Account, callsOf } from './account.js';

interface Webhook {
  /** The method that sets it. Its body is `{"value": <address>}`, and so is its answer, with true. */
  readonly update: string;
  /** The field of `GET /me` that shows it. */
  readonly field: 'receivedCallbackUrl' | 'deliveryCallbackUrl' | 'messageStatusCallbackUrl';
  /** Its name in the panel. */
  readonly name: string;
}

/** Brings the pictures. It is set last: as long as it leads elsewhere, the channel is not connected. */
const received: Webhook = {
  update: 'update-webhook-received',
  field: 'receivedCallbackUrl',
  name: 'on receive',
};
/** These report what becomes of sent messages. */
const reports: readonly Webhook[] = [
  { update: 'update-webhook-delivery', field: 'deliveryCallbackUrl', name: 'on send' },
  { update: 'update-webhook-message-status', field: 'messageStatusCallbackUrl', name: 'message status' },
];

/** What proves the webhooks of the channel. */
export interface Proofs {
  /** The secrets of the address, the newest first; none if only the header proves the webhooks. */
  readonly webhookSecrets: readonly string[];
  /** The accepted values of the header `z-api-token`. With any, the address needs no secret. */
  readonly headerTokens: readonly string[];
}

export function connectionOf(account: Account, proofs: Proofs, now: () => Date): Connection {
  const { token, clientToken = '' } = account;
  const { webhookSecrets, headerTokens } = proofs;
  const { base, headers } = callsOf(account);
  const asked: Asked = {
    provider: 'Z-API',
    problemIn: ({ error, message }) => (isAbsent(error) ? undefined : firstPresent([message, error])),
    secrets: [token, clientToken, ...webhookSecrets, ...headerTokens],
    now,
  };
  const call = (request: Pick<HttpRequest, 'method' | 'json'> & { path: string }, http: Http) =>
    askProvider({ ...request, url: `${base}/${request.path}`, headers }, http, asked);
  return {
    connect: async (webhookUrl, http) => {
      const value = addressOf(webhookUrl, proofs);
      const set = async (path: string): Promise<void> => {
        const answer = await call({ method: 'PUT', path, json: { value } }, http);
        if (answer['value'] !== true) throw notUnderstood(asked.provider);
      };
      await makeChanges(
        [...reports, received].map(({ update, name }) => ({
          result: `the webhook "${name}" leads here`,
          make: () => set(update),
        })),
      );
    },
    state: async (webhookUrl, http) => {
      const instance = await call({ method: 'GET', path: 'me' }, http);
      if (isAbsent(instance['id'])) throw notUnderstood(asked.provider);
      return stateOf(instance, webhookUrl, proofs);
    },
  };
}

/** The address with the newest secret, if there is any. */
function addressOf(webhookUrl: string, { webhookSecrets: [secret] }: Proofs): string {
  return secret === undefined ? webhookUrl : `${webhookUrl}?token=${encodeURIComponent(secret)}`;
}

/** The answer of `GET /me` also has the token of the instance, which must not leave this function. */
function stateOf(instance: JsonRecord, webhookUrl: string, proofs: Proofs): WebhookState {
  const isProven = proofCheck(proofs);
  const address = instance[received.field];
  const leadsHere = leadsTo(webhookUrl, address);
  const elsewhere = reports.filter(
    ({ field }) => !leadsTo(webhookUrl, instance[field]) || !isProven(instance[field]),
  );
  return {
    url: shownAddress(address),
    isConnected: leadsHere && isProven(address) && elsewhere.length === 0,
    pending: null,
    lastError:
      instance['connected'] === false
        ? {
            message: 'The instance is not connected to WhatsApp: scan its QR code in the panel of Z-API.',
            at: null,
          }
        : null,
    notes: [
      ...(leadsHere && !isProven(address)
        ? ['The address lacks the secret of this channel, so its webhooks are refused.']
        : []),
      ...elsewhere.map(({ name }) => `The webhook "${name}" does not lead to this channel.`),
      ...(instance['receiveCallbackSentByMe'] === false
        ? ['Pictures that are sent from the phone do not arrive, because "notify sent by me" is off.']
        : []),
    ],
  };
}

/** Whether webhooks to an address would be accepted. */
function proofCheck({ webhookSecrets, headerTokens }: Proofs): (address: unknown) => boolean {
  const matches = secretMatcher(webhookSecrets);
  return (address) => headerTokens.length > 0 || matches(parameterOf(address, 'token'));
}
