/**
 * What a phone number and its business account tell about themselves, and where Meta sends their webhooks
 * (developers.facebook.com/documentation/business-messaging/whatsapp, support/health-status and
 * webhooks/override). Before Meta takes an address, it sends a challenge to it.
 */
import { randomInt } from 'node:crypto';

import type { ApiAnswer, ApiCall } from './calls.js';
import { inWords, link, object, text } from './fields.js';
import { graphProblem, noSuchObject, refusalOf } from './meta-problems.js';
import type { Route } from './provider-api.js';

export interface MetaAccount {
  readonly accessToken: string;
  readonly phoneNumberId: string;
  readonly accountId: string;
}

const appId = '600000000000001';
const challengeMs = 5_000;
const maxAddressLength = 200;

const override = object({
  required: { override_callback_uri: link, verify_token: text() },
});

export function accountRoutes({ accessToken, phoneNumberId, accountId }: MetaAccount): readonly Route[] {
  /** Undefined until the app is subscribed; then with the address that replaces the one of the app. */
  let subscription: { readonly url?: string } | undefined;

  const number = (): ApiAnswer => ({
    status: 200,
    json: {
      id: phoneNumberId,
      health_status: { can_send_message: 'AVAILABLE', entities: entitiesOf(phoneNumberId, accountId) },
      webhook_configuration: subscription?.url && { whatsapp_business_account: subscription.url },
    },
  });
  const subscribe = async ({ body, json }: ApiCall): Promise<ApiAnswer> => {
    const faults = body.length === 0 ? [] : override(json, '');
    if (faults.length > 0) return graphProblem(400, 100, inWords(faults));
    const { override_callback_uri: url = '', verify_token: token = '' } = (json ?? {}) as Record<
      string,
      string
    >;
    if (url.length > maxAddressLength) return graphProblem(400, 100, 'The address is too long');
    if (url !== '' && !(await passesChallenge(url, token)))
      return graphProblem(400, 2200, 'Callback verification failed');
    subscription = url === '' ? {} : { url };
    return { status: 200, json: { success: true } };
  };
  const subscriptions = (): ApiAnswer => ({
    status: 200,
    json: {
      data: subscription
        ? [
            {
              whatsapp_business_api_data: { id: appId, name: 'Demo' },
              override_callback_uri: subscription.url,
            },
          ]
        : [],
    },
  });
  const unsubscribe = (): ApiAnswer => {
    subscription = undefined;
    return { status: 200, json: { success: true } };
  };

  const guarded = (answer: (call: ApiCall) => ApiAnswer | Promise<ApiAnswer>): Route['handle'] => {
    return async (call) => ({ answer: refusalOf(call, accessToken) ?? (await answer(call)) });
  };
  const ofAccount = (answer: (call: ApiCall) => ApiAnswer | Promise<ApiAnswer>): Route['handle'] =>
    guarded((call) => (call.parameters[0] === accountId ? answer(call) : noSuchObject));
  const path = /^\/v25\.0\/(\d+)\/subscribed_apps$/;
  return [
    { method: 'GET', path: new RegExp(`^/v25\\.0/${phoneNumberId}$`), sends: false, handle: guarded(number) },
    { method: 'GET', path, sends: false, handle: ofAccount(subscriptions) },
    { method: 'POST', path, sends: false, handle: ofAccount(subscribe) },
    { method: 'DELETE', path, sends: false, handle: ofAccount(unsubscribe) },
  ];
}

function entitiesOf(phoneNumberId: string, accountId: string): readonly object[] {
  const ids = { PHONE_NUMBER: phoneNumberId, WABA: accountId, BUSINESS: '700000000000001', APP: appId };
  return Object.entries(ids).map(([entity_type, id]) => ({ entity_type, id, can_send_message: 'AVAILABLE' }));
}

/** Whether an address answers with the text that it is sent. */
async function passesChallenge(url: string, token: string): Promise<boolean> {
  const challenge = String(randomInt(10 ** 9));
  const asked = new URL(url);
  asked.searchParams.set('hub.mode', 'subscribe');
  asked.searchParams.set('hub.challenge', challenge);
  asked.searchParams.set('hub.verify_token', token);
  try {
    const answer = await fetch(asked, { signal: AbortSignal.timeout(challengeMs) });
    return answer.ok && (await answer.text()) === challenge;
  } catch {
    return false;
  }
}
