/**
 * Sends through the API that the settings declare: one expression makes the request from the message, another
 * finds the id of the message in the answer. The HTTP status decides about everything else.
 */
import { randomUUID } from 'node:crypto';

import { z } from 'zod';

import type { Evaluate } from '../../domain/evaluation.js';
import type { HeaderRecord, Http, HttpRequest, HttpResponse } from '../../domain/provider.js';
import type { OutboundMessage, Sending, SendLimits, SendOutcome } from '../../domain/sending.js';
import { fieldsOf, firstPresent, identifier } from '../kit/lenient.js';
import { callProvider, optionsCheck, tryPrepare, type ProviderError } from '../kit/sending.js';
import { requestFrom } from './request.js';

export const sendOptions = z.strictObject({});

export interface SendTemplate {
  /** The beginning of all addresses, without a slash at the end. */
  readonly apiUrl: string;
  /** The credentials. */
  readonly headers: HeaderRecord;
  /** Makes the request. */
  readonly expression: string;
  /** Finds the id of the message in the answer. */
  readonly idExpression: string;
  readonly limits: SendLimits;
}

export function sendingOf(template: SendTemplate, now: () => Date): Sending {
  const { limits, expression } = template;
  return {
    checkOptions: optionsCheck(sendOptions),
    limitsFor: () => limits,
    limits: { default: limits },
    takesReply: () => expression.includes('replyTo'),
    send: async (message, http, evaluate) => {
      const request = await tryPrepare(() => requestOf(template, message, evaluate));
      if ('type' in request) return request;
      return callAndRead({ template, http, evaluate, now }, request);
    },
  };
}

async function requestOf(
  { apiUrl, headers, expression }: SendTemplate,
  message: OutboundMessage,
  evaluate: Evaluate,
): Promise<HttpRequest | SendOutcome> {
  const { content } = message;
  // The bytes are put in afterwards: the expression only needs to know where.
  const placeholder = `bytes-${randomUUID()}`;
  const input = JSON.stringify({
    id: message.id,
    to: message.to,
    kind: message.kind,
    type: message.type ?? undefined,
    bytes: message.bytes ?? undefined,
    filename: message.filename ?? undefined,
    caption: message.caption ?? undefined,
    replyTo: message.replyTo ?? undefined,
    ...(content.way === 'link' ? { url: content.url } : { base64: placeholder }),
  });
  const evaluated = await evaluate({ expression, input });
  if (!evaluated.ok) return notPrepared(evaluated);
  const base64 = content.way === 'link' ? '' : Buffer.from(await content.data()).toString('base64');
  const request = requestFrom(evaluated.value, {
    apiUrl,
    fill: (text) => text.replaceAll(placeholder, () => base64),
  });
  if (typeof request === 'string') return refused(request);
  return { ...request, headers: { ...request.headers, ...headers } };
}

function notPrepared({
  reason,
  isPassing,
}: {
  readonly reason: string;
  readonly isPassing?: true;
}): SendOutcome {
  if (isPassing) return { type: 'busy', retryAfterMs: null, code: 'not_prepared', message: reason };
  return refused(reason);
}

function refused(message: string): SendOutcome {
  return { type: 'refused', code: 'expression', message: message.slice(0, 300) };
}

interface Call {
  readonly template: SendTemplate;
  readonly http: Http;
  readonly evaluate: Evaluate;
  readonly now: () => Date;
}

async function callAndRead(
  { template, http, evaluate, now }: Call,
  request: HttpRequest,
): Promise<SendOutcome> {
  const read: { isOk: boolean; messageId: string | undefined } = { isOk: false, messageId: undefined };
  const readingHttp: Http = async (sent) => {
    const response = await http(sent);
    read.isOk = response.status >= 200 && response.status < 300;
    if (read.isOk) read.messageId = await idIn(response, template.idExpression, evaluate);
    return response;
  };
  return callProvider(request, readingHttp, {
    idIn: () => read.messageId,
    // A successful answer without an id may be a message that was sent.
    errorIn: (body) => (read.isOk ? undefined : errorIn(body)),
    secrets: Object.values(template.headers).flatMap(secretsIn),
    now,
  });
}

/** The value of a header, its credentials without their scheme, and the password of Basic. */
function secretsIn(value: string): string[] {
  const [, scheme = '', credentials = value] = /^(\S+)\s+(.*)$/.exec(value) ?? [];
  if (scheme.toLowerCase() !== 'basic') return [value, credentials];
  const [, password] = /^[^:]*:(.+)$/s.exec(Buffer.from(credentials, 'base64').toString('utf8')) ?? [];
  return password === undefined ? [value, credentials] : [value, credentials, password];
}

/** Undefined if the expression finds no usable id, or fails. */
async function idIn(
  { status, body }: HttpResponse,
  expression: string,
  evaluate: Evaluate,
): Promise<string | undefined> {
  const evaluated = await evaluate({ expression, input: JSON.stringify({ status, body }) });
  if (!evaluated.ok) return undefined;
  const { value } = evaluated;
  return identifier(typeof value === 'number' ? String(value) : value);
}

/** The names under which most APIs describe an error. */
function errorIn(body: Readonly<Record<string, unknown>>): ProviderError {
  const { error, code, message, detail, description } = body;
  const inner = fieldsOf(error);
  return {
    code: firstPresent([inner['code'], code]),
    message: firstPresent([inner['message'], message, detail, description, error]),
  };
}
