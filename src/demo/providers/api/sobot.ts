/**
 * Sobot's `POST /message/` (EffCode/sobot-api-doc free-flow-messages @b690929). Neither errors nor a status
 * `failed` are documented, so messages that cannot be sent are refused at once, with a status and a code as
 * for successes.
 */
import { isOfType, type ApiAnswer, type ApiCall } from './calls.js';
import { inWords, isObject, link, object, oneOf, text, type FieldCheck, type Fields } from './fields.js';
import { mebibyte, type MediaRule } from './media-inspection.js';
import type { ApiRules, ProviderApi, Ruling, Taken } from './provider-api.js';

interface SobotSending {
  readonly apiKey: string;
  readonly apiSecret: string;
  readonly inspect: ProviderApi['inspect'];
  readonly makeId: () => string;
  readonly report: (id: string, to: string) => Taken['report'];
}

interface Kind {
  readonly rule: MediaRule;
  readonly required?: Fields['required'];
  readonly optional?: Fields['optional'];
}

const caption = text({ max: 1024 });

const kinds = new Map<string, Kind>(
  Object.entries<Kind>({
    image: {
      rule: { types: ['image/jpeg', 'image/png'], maxBytes: 5 * mebibyte, eightBitRgb: true },
      optional: { caption },
    },
    video: { rule: { types: ['video/mp4', 'video/3gpp'], maxBytes: 16 * mebibyte }, optional: { caption } },
    document: {
      rule: {
        types: [
          'text/plain',
          'application/pdf',
          'application/x-cfb',
          'application/vnd.openxmlformats-officedocument.presentationml.presentation',
          'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
          'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
        ],
        maxBytes: 100 * mebibyte,
      },
      required: { filename: text() },
      optional: { caption },
    },
    // 500 KB if it is animated, otherwise 100 KB.
    sticker: { rule: { types: ['image/webp'], maxBytes: 500 * 1024 } },
  }),
);

const problem = (status: number, message: string): ApiAnswer => ({ status, json: { message, code: status } });

function messageOf({ required = {}, optional = {} }: Kind): FieldCheck {
  return object({
    required: {
      type: oneOf(...kinds.keys()),
      url: link,
      mime_type: text({ pattern: /^[a-z]+\/[\w.+-]+$/ }),
      // "No Plus signs (+), hyphens (-), parenthesis ((,)), and spaces".
      customer_number: text({ pattern: /^\d{7,15}$/ }),
      customer_name: text(),
      ...required,
    },
    optional,
  });
}

export function sobotRules({ apiKey, apiSecret, inspect, makeId, report }: SobotSending): ApiRules {
  const refusal = ({ headers, ...call }: ApiCall): ApiAnswer | undefined => {
    if (headers['x-api-key'] !== apiKey || headers['x-api-secret'] !== apiSecret)
      return problem(401, 'Unauthorized');
    return isOfType({ headers, ...call }, 'application/json')
      ? undefined
      : problem(415, 'The content type must be application/json');
  };
  const send = async (call: ApiCall): Promise<Ruling> => {
    const refused = refusal(call);
    if (refused) return { answer: refused };
    const kind = isObject(call.json) ? kinds.get(String(call.json['type'])) : undefined;
    const faults = messageOf(kind ?? { rule: { types: [], maxBytes: 0 } })(call.json, '');
    if (faults.length > 0 || kind === undefined) return { answer: problem(400, inWords(faults)) };
    const body = call.json as { url: string; mime_type: string; customer_number: string };
    const offer = { link: body.url, declaredType: declared(body.mime_type) };
    const found = await inspect(offer, kind.rule);
    if ('problem' in found) return { answer: problem(400, found.problem.message) };
    const id = makeId();
    const to = body.customer_number;
    return {
      answer: {
        status: 200,
        json: { data: { id, status: 'submitted' }, message: 'Message sent successfully.', code: 200 },
      },
      taken: { id, to, media: { found }, report: report(id, to) },
    };
  };
  return {
    routes: [{ method: 'POST', path: /^\/message\/$/, sends: true, handle: send }],
    problem,
    tooMany: () => problem(429, 'Too many requests'),
    // "Every notification is sent once only" (webhook/_add-a-webhook.md).
    resendsAfterMs: [],
  };
}

/** Old Office files are only known by their container. */
const declared = (type: string): string =>
  /^application\/(?:msword|vnd\.ms-(?:excel|powerpoint))$/.test(type) ? 'application/x-cfb' : type;
