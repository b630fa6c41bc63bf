/** Sends messages through an adapter to an API that records what it receives, over a real socket. */
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';

import type { OutboundMessage, Sending, SendOptions, SendOutcome } from '../../src/domain/sending.js';
import { providers } from '../../src/providers/index.js';
import { evaluate } from '../support/evaluator.js';
import { credentials } from '../support/signing.js';
import { receivedAt } from './fixtures.js';
import { type Answer, type RecordingApi, startRecordingApi } from './recording-api.js';

export let api: RecordingApi;

beforeAll(async () => {
  api = await startRecordingApi();
});
beforeEach(() => {
  api.requests.length = 0;
  api.answers.length = 0;
});
afterAll(() => api.close());

export const message = {
  id: '01980000-0000-7000-8000-000000000001',
  to: '5511900000001',
  kind: 'image',
  content: { way: 'link', url: 'https://inlet.example.com/public/p1.jpg' },
  type: 'image/jpeg',
  bytes: 415_212,
  filename: null,
  caption: null,
  replyTo: null,
  webhookUrl: 'https://inlet.example.com/webhooks/a-channel',
} satisfies Omit<OutboundMessage, 'options'>;

export const video = { kind: 'video', type: 'video/mp4', content: link('v1.mp4') } as const;
export const audio = { kind: 'audio', type: 'audio/mpeg', content: link('a1.mp3') } as const;
export const document = { kind: 'document', type: 'application/pdf', content: link('d1.pdf') } as const;
export const sticker = { kind: 'sticker', type: 'image/webp', content: link('s1.webp') } as const;

export function link(name: string): { readonly way: 'link'; readonly url: string } {
  return { way: 'link', url: `https://inlet.example.com/public/${name}` };
}

/** "png!" in base64: cG5nIQ== */
export const inline = { way: 'inline', data: () => Promise.resolve(Buffer.from('png!')) } as const;

export function sendingOf(id: string, settings: Settings = {}): Sending {
  const provider = providers.find((one) => one.id === id);
  const adapter = provider?.load({ ...credentials[id], apiUrl: api.origin, ...settings }, () => receivedAt);
  if (adapter?.sending === undefined) throw new Error(`${id} sends nothing`);
  return adapter.sending;
}

type Settings = Readonly<Record<string, string | undefined>>;

interface Case {
  readonly name: string;
  readonly message?: Partial<OutboundMessage>;
  readonly options?: SendOptions;
  readonly settings?: Settings;
}

/** Validates the options like the service, then sends. */
export async function send(
  id: string,
  { message: changes = {}, options = {}, settings = {} }: Omit<Case, 'name'>,
) {
  const sending = sendingOf(id, settings);
  const checked = sending.checkOptions(options);
  if (!checked.ok)
    throw new Error(checked.problems.map(({ field, message }) => `${field} ${message}`).join());
  return sending.send({ ...message, ...changes, options: checked.options }, api.http, evaluate);
}

interface RequestCase extends Case {
  readonly path: string;
  readonly body: unknown;
}
export interface AnswerCase {
  readonly name: string;
  readonly answer: Answer;
  readonly outcome: SendOutcome;
}

export function requestsAre(
  id: string,
  headers: Readonly<Record<string, unknown>>,
  cases: readonly RequestCase[],
): void {
  test.each(cases)('$name', async ({ path, body, ...one }) => {
    api.answers.push({ status: 500 });
    await send(id, one);
    expect(api.requests).toEqual([
      { method: 'POST', path, headers: { 'content-type': 'application/json', ...headers }, body },
    ]);
  });
}

export function answersMean(id: string, cases: readonly AnswerCase[]): void {
  test.each(cases)('$name', async ({ answer, outcome }) => {
    api.answers.push(answer);
    expect(await send(id, {})).toEqual(outcome);
  });
}
