/**
 * Vonage's older API, announced to end on 30 April 2026: a picture goes to the image service (`POST
 * /v1/image`), and its URL into an event of a conversation (`POST /v1/conversations/:id/events`).
 */
import { randomUUID } from 'node:crypto';

import { isOfType, type ApiAnswer, type ApiCall } from './calls.js';
import { link, object, oneOf, text } from './fields.js';
import { mebibyte, type MediaRule } from './media-inspection.js';
import { readForm } from './multipart.js';
import type { ProviderApi, Route, Ruling, Taken } from './provider-api.js';
import { vonageProblem } from './vonage-messages.js';

interface ConversationsApi {
  readonly isAuthorized: (call: ApiCall) => boolean;
  readonly origin: string;
  readonly inspect: ProviderApi['inspect'];
  readonly report: (conversation: string, event: number) => Taken['report'];
}

/** Its size limit is UNVERIFIED; a file that is too large is answered with 413. */
const rule: MediaRule = { types: ['image/jpeg'], maxBytes: 5 * mebibyte };
const percentage = /^(?:100|[1-9]\d?)$/;
const ratios = ['quality_ratio', 'medium_size_ratio', 'thumbnail_size_ratio'];

const event = object({
  required: {
    type: oneOf('message'),
    from: text({ pattern: /^MEM-[\w-]+$/ }),
    body: object({
      required: { message_type: oneOf('image'), image: object({ required: { url: link } }) },
    }),
  },
});

export function conversationRoutes({
  isAuthorized,
  origin,
  inspect,
  report,
}: ConversationsApi): readonly Route[] {
  const images = createImageService(origin);
  const lastEvents = new Map<string, number>();

  const upload = async (call: ApiCall): Promise<Ruling> => {
    const refused = refusalOf(call, isAuthorized, form);
    if (refused) return { answer: refused };
    const upload = fileIn(call);
    if ('wrong' in upload) return { answer: vonageProblem(400, `Not as it must be: ${upload.wrong.join()}`) };
    const found = await inspect(upload.file, rule);
    if ('problem' in found)
      return {
        answer: vonageProblem(found.problem.reason === 'too_large' ? 413 : 415, found.problem.message),
      };
    return { answer: { status: 200, json: images.keep(upload.file.bytes) } };
  };

  const post = (call: ApiCall): Ruling => {
    const refused = refusalOf(call, isAuthorized, json);
    if (refused) return { answer: refused };
    const faults = event(call.json, '');
    if (faults.length > 0) return { answer: vonageProblem(400, 'The event is not valid', faults) };
    const [conversation = ''] = call.parameters;
    const { url } = (call.json as { body: { image: { url: string } } }).body.image;
    const id = (lastEvents.get(conversation) ?? 0) + 1;
    lastEvents.set(conversation, id);
    const bytes = images.at(url);
    const href = `${origin}/v1/conversations/${conversation}/events/${String(id)}`;
    return {
      answer: { status: 201, json: { id, timestamp: new Date().toISOString(), href } },
      taken: {
        id: `${conversation}:${String(id)}`,
        to: conversation,
        // Any URL is possible, because the SDK passes it on unchanged (vonage-node-sdk messageImageBody.ts
        // @babd2d8).
        media: { offer: bytes ? { bytes } : { link: url }, rule },
        report: report(conversation, id),
        failureOf: ({ message }) => ({ code: 'undeliverable', message }),
      },
    };
  };

  return [
    { method: 'POST', path: /^\/v1\/image$/, sends: false, handle: upload },
    { method: 'POST', path: /^\/v1\/conversations\/(CON-[\w-]+)\/events$/, sends: true, handle: post },
  ];
}

/** The picture of each URL that the image service has returned. */
function createImageService(origin: string) {
  const pictures = new Map<string, Uint8Array>();
  return {
    at: (url: string) => pictures.get(url),
    keep: (file: Uint8Array) => {
      const sizes = ['original', 'medium', 'thumbnail'].map((size) => {
        const id = randomUUID();
        const url = `${origin}/v3/media/${id}`;
        pictures.set(url, file);
        return [size, { id, url, type: 'image/jpeg', size: file.length }] as const;
      });
      return Object.fromEntries(sizes);
    },
  };
}

/** The type of a body, and the message for a body of another type. */
interface BodyType {
  readonly type: string;
  readonly message: string;
}

const form: BodyType = { type: 'multipart/form-data', message: 'The body must be a form' };
const json: BodyType = { type: 'application/json', message: 'The body must be JSON' };

function refusalOf(
  call: ApiCall,
  isAuthorized: ConversationsApi['isAuthorized'],
  { type, message }: BodyType,
): ApiAnswer | undefined {
  if (!isAuthorized(call)) return vonageProblem(401, 'The token is missing or wrong');
  return isOfType(call, type) ? undefined : vonageProblem(415, message);
}

/** The uploaded file, or the names of the fields that make the form wrong. */
function fileIn(call: ApiCall) {
  const fields = readForm(call.headers['content-type'] ?? '', call.body);
  const file = fields?.get('file');
  const wrong = [...(fields ?? [])]
    .filter(([name]) => name !== 'file')
    .filter(([name, value]) => !ratios.includes(name) || typeof value !== 'string' || !percentage.test(value))
    .map(([name]) => name);
  return typeof file !== 'object' || wrong.length > 0 ? { wrong: ['file', ...wrong] } : { file };
}
