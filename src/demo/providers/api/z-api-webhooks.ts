/** Z-API's methods about its own webhooks (developer.z-api.io, instance/me and webhooks/on-message-*.md). */
import type { ApiAnswer, ApiCall } from './calls.js';
import { inWords, object, type FieldCheck } from './fields.js';
import type { Route } from './provider-api.js';

interface ZApiInstance {
  readonly instanceId: string;
  readonly token: string;
  /** The answer to a call that does not prove its sender. */
  readonly refusal: (call: ApiCall) => ApiAnswer | undefined;
  readonly problem: (status: number, error: string) => ApiAnswer;
}

/** The field of `me` that each method sets. */
const fields: Readonly<Record<string, string>> = {
  'update-webhook-received': 'receivedCallbackUrl',
  'update-webhook-delivery': 'deliveryCallbackUrl',
  'update-webhook-message-status': 'messageStatusCallbackUrl',
};

/** "Z-API does not accept webhooks that aren't HTTPS"; this simulator also takes its own machine. */
const address: FieldCheck = (value, name) =>
  typeof value === 'string' && /^(?:https:\/\/|http:\/\/(?:127\.0\.0\.1|localhost)\b)/.test(value)
    ? []
    : [{ name, reason: 'must be an https link' }];

export function zApiWebhookRoutes({ instanceId, token, refusal, problem }: ZApiInstance): readonly Route[] {
  const addresses = new Map<string, string>();
  const path = '/instances/([^/]+)/token/([^/]+)';
  return [
    {
      method: 'GET',
      path: new RegExp(`^${path}/me$`),
      sends: false,
      handle: (call) => ({
        answer: refusal(call) ?? {
          status: 200,
          json: {
            id: instanceId,
            token,
            name: 'The flower shop',
            connected: true,
            paymentStatus: 'PAID',
            receiveCallbackSentByMe: true,
            ...Object.fromEntries(
              Object.values(fields).map((field) => [field, addresses.get(field) ?? null]),
            ),
          },
        },
      }),
    },
    {
      method: 'PUT',
      path: new RegExp(`^${path}/(update-webhook-[a-z-]+)$`),
      sends: false,
      handle: (call) => {
        const field = fields[call.parameters[2] ?? ''];
        const refused = refusal(call);
        if (refused) return { answer: refused };
        if (field === undefined) return { answer: problem(404, 'There is no such method') };
        const faults = object({ required: { value: address } })(call.json, '');
        if (faults.length > 0) return { answer: problem(400, inWords(faults)) };
        addresses.set(field, String((call.json as { value: unknown }).value));
        return { answer: { status: 200, json: { value: true } } };
      },
    },
  ];
}
