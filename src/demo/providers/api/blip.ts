/**
 * Blip's `POST /messages` and `POST /commands` (takenet/blip-docs getting-started/http and
 * content-types/media-link @d81a7c3). It answers before it examines the media: problems are reported in a
 * notification.
 */
import { isOfType, type ApiAnswer, type ApiCall } from './calls.js';
import { inWords, link, object, oneOf, text, whole } from './fields.js';
import { mebibyte, type MediaRule } from './media-inspection.js';
import type { AcceptedSend, ApiRules, Ruling } from './provider-api.js';
import type { StatusReport, Webhook } from './report.js';

interface BlipApi {
  readonly key: string;
  readonly webhook: (report: StatusReport) => Webhook;
  /** Answers calls of `/commands` with any JSON. */
  readonly command: (command: unknown) => ApiAnswer;
  readonly accepted: readonly AcceptedSend[];
}

const mediaType = /^[a-z]+\/[\w.+-]+$/;
const message = object({
  required: {
    // A node, `name@domain/instance`; names at the gateway of WhatsApp are phone numbers.
    to: text({
      pattern: /^(?:\d{7,15}@wa\.gw\.msging\.net|[^\s@/]+@(?!wa\.)[\w-]+(?:\.[\w-]+)+)(?:\/[\w.-]+)?$/,
    }),
    type: oneOf('application/vnd.lime.media-link+json'),
    content: object({
      required: { type: text({ pattern: mediaType }), uri: link },
      optional: {
        title: text(),
        text: text(),
        size: whole(1),
        aspectRatio: text({ pattern: /^\d+:\d+$/ }),
        previewUri: link,
        previewType: text({ pattern: mediaType }),
      },
    }),
  },
  optional: { id: text() },
});

/**
 * Pictures: content-types/media-link/images.md; the size limit is that of uploads (takenet/helpcenter
 * security/images.md).
 */
function ruleFor(type: string): MediaRule {
  const types = type.startsWith('image/') ? ['image/jpeg', 'image/png', 'image/gif'] : [type];
  return { types, maxBytes: 20 * mebibyte };
}

/** The reason of a refusal, for debugging; Blip documents no body. */
const problem = (status: number, description?: string): ApiAnswer =>
  description === undefined ? { status } : { status, json: { code: status === 400 ? 21 : 1, description } };

export function blipRules({ key, webhook, command, accepted }: BlipApi): ApiRules {
  const refusal = (call: ApiCall): ApiAnswer | undefined => {
    if (call.headers.authorization !== `Key ${key}`) return problem(401);
    return isOfType(call, 'application/json') ? undefined : problem(400, 'The body must be JSON');
  };
  const send = (call: ApiCall): Ruling => {
    const refused = refusal(call);
    if (refused) return { answer: refused };
    const faults = message(call.json, '');
    if (faults.length > 0) return { answer: problem(400, inWords(faults)) };
    const { id, to, content } = call.json as {
      id?: string;
      to: string;
      content: { uri: string; type: string };
    };
    if (id !== undefined && accepted.some((send) => send.id === id))
      return { answer: problem(400, 'id was used before') };
    return {
      answer: { status: 202 },
      taken: {
        id: id ?? '',
        to,
        media: { offer: { link: content.uri, declaredType: content.type }, rule: ruleFor(content.type) },
        // "Without an id there are no notifications" (concepts2/notifications.md).
        report: (status, failure) =>
          id === undefined ? [] : [webhook({ kind: 'status', id, from: to, status, failure })],
        failureOf: ({ message: description }) => ({ code: '51', message: description }),
      },
    };
  };
  return {
    routes: [
      { method: 'POST', path: /^\/messages$/, sends: true, handle: send },
      {
        method: 'POST',
        path: /^\/commands$/,
        sends: false,
        handle: (call) => ({ answer: refusal(call) ?? command(call.json) }),
      },
    ],
    problem,
    tooMany: () => problem(429),
    // Whether notifications are retried is UNVERIFIED.
    resendsAfterMs: [],
  };
}
