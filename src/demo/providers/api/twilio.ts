/**
 * Twilio's `POST /2010-04-01/Accounts/{AccountSid}/Messages.json`
 * (twilio.com/docs/messaging/api/message-resource) for a WhatsApp sender. Problems of the media are reported
 * with the status `failed`, because Twilio downloads them later.
 */
import { isBasic } from '../../media-checks.js';
import { isOfType, type ApiAnswer, type ApiCall } from './calls.js';
import { link, object, oneOf, text, type FieldFault } from './fields.js';
import { mebibyte, type MediaProblem, type MediaRule } from './media-inspection.js';
import type { ApiRules, Ruling, Taken } from './provider-api.js';
import { twilioAccountRoutes, type TwilioAccount } from './twilio-account.js';

interface TwilioSending extends Omit<TwilioAccount, 'refusal' | 'problem'> {
  readonly authToken: string;
  readonly makeId: () => string;
  /** `to`: the digits of the recipient, or the id of a person without a known number. */
  readonly report: (id: string, to: string) => Taken['report'];
}

const office = 'application/vnd.openxmlformats-officedocument.';

/** twilio.com/docs/whatsapp/guidance-whatsapp-media-messages */
const rule: MediaRule = {
  types: [
    'image/jpeg',
    'image/png',
    'image/webp',
    'video/mp4',
    'audio/ogg',
    'audio/amr',
    'audio/3gpp',
    'audio/aac',
    'audio/mpeg',
    'application/pdf',
    'application/x-cfb',
    `${office}wordprocessingml.document`,
    `${office}spreadsheetml.sheet`,
    `${office}presentationml.presentation`,
  ],
  maxBytes: 16 * mebibyte,
  maxPictureBytes: 5 * mebibyte,
};

/** The codes of twilio.com/docs/api/errors for an invalid field. */
const codes: ReadonlyMap<string, number> = new Map([
  ['To', 21_211],
  ['From', 21_606],
  ['Body', 21_617],
  ['MediaUrl', 21_620],
  ['StatusCallback', 21_609],
]);
const invalidParameter = 21_603;

function twilioProblem(status: number, message: string, code = status * 100): ApiAnswer {
  const more_info = `https://www.twilio.com/docs/errors/${String(code)}`;
  return { status, json: { code, message, more_info, status } };
}

const messageOf = (from: string) =>
  object({
    required: {
      To: text({ pattern: /^whatsapp:(?:\+\d{7,15}|[A-Z]{2}\.[A-Za-z\d]{1,128})$/ }),
      From: oneOf(from),
      MediaUrl: link,
    },
    optional: {
      Body: text({ max: 1600 }),
      StatusCallback: link,
      ValidityPeriod: text({ pattern: /^\d{1,5}$/ }),
    },
  });

export function twilioRules(account: TwilioSending): ApiRules {
  const { accountSid, authToken, from } = account;
  const check = messageOf(from);
  const refusal = ({ headers }: ApiCall): ApiAnswer | undefined =>
    isBasic(headers.authorization, accountSid, authToken)
      ? undefined
      : twilioProblem(401, 'Authenticate', 20_003);
  const send = (call: ApiCall): Ruling => {
    const refused = refusal(call);
    if (refused) return { answer: refused };
    if (!isOfType(call, 'application/x-www-form-urlencoded') || call.fields === undefined)
      return { answer: twilioProblem(415, 'Unsupported Media Type') };
    const [fault] = check(call.fields, '');
    return fault === undefined ? takenBy(account, call.fields) : { answer: problemOf(fault) };
  };
  return {
    routes: [
      {
        method: 'POST',
        path: new RegExp(`^/2010-04-01/Accounts/${accountSid}/Messages\\.json$`),
        sends: true,
        handle: send,
      },
      ...twilioAccountRoutes({ ...account, refusal, problem: twilioProblem }),
    ],
    problem: twilioProblem,
    tooMany: () => twilioProblem(429, 'Too Many Requests', 20_429),
    // Twilio calls the fallback address once, which is usually the same.
    resendsAfterMs: [1_000],
  };
}

function takenBy(
  { accountSid, from, makeId, report }: TwilioSending,
  fields: Readonly<Record<string, string | undefined>>,
): Ruling {
  const { To, MediaUrl, Body = null, StatusCallback } = fields;
  const id = makeId();
  const to = (To ?? '').replace(/^whatsapp:\+?/, '');
  return {
    answer: {
      status: 201,
      json: {
        sid: id,
        account_sid: accountSid,
        status: 'queued',
        direction: 'outbound-api',
        to: To,
        from,
        body: Body,
        num_media: '1',
        error_code: null,
        error_message: null,
      },
    },
    taken: {
      id,
      to,
      media: { offer: { link: MediaUrl ?? '' }, rule },
      // Without a callback, Twilio reports nothing.
      report: StatusCallback === undefined ? () => [] : report(id, to),
      failureOf: ({ reason, message }) => ({ code: mediaErrors[reason], message }),
    },
  };
}

function problemOf({ name, reason }: FieldFault): ApiAnswer {
  return twilioProblem(400, `${name} ${reason}`, codes.get(name) ?? invalidParameter);
}

const mediaErrors: Readonly<Record<MediaProblem['reason'], string>> = {
  unreachable: '63019',
  too_large: '63019',
  wrong_type: '63021',
};
