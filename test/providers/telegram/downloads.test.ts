/** How a `file_id` becomes the link of one attempt, over a real socket. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import type { AppError } from '../../../src/domain/errors.js';
import type { ResolvedLink } from '../../../src/domain/provider.js';
import { telegram } from '../../../src/providers/telegram/index.js';
import { escapedPath } from '../../../src/providers/telegram/downloads.js';
import { receivedAt } from '../fixtures.js';
import { type Answer, type RecordingApi, startRecordingApi } from '../recording-api.js';
import { botToken, telegram as sample } from '../../samples/telegram.js';

let api: RecordingApi;
beforeAll(async () => {
  api = await startRecordingApi();
});
beforeEach(() => {
  api.requests.length = 0;
  api.answers.length = 0;
});
afterAll(() => api.close());

const load = (apiUrl = api.origin) =>
  telegram.load({ ...sample.settings, botToken, apiUrl, mediaHosts: 'files.example.org' }, () => receivedAt);

function resolve(answer: Answer, apiUrl?: string): Promise<ResolvedLink> {
  api.answers.splice(0, Infinity, answer);
  const { resolve: ask } = load(apiUrl).downloads;
  if (ask === undefined) throw new Error('There is no way to resolve a file');
  return ask('AgAC-a file/?&=', api.http);
}
const found = (file_path: unknown): Answer => ({
  status: 200,
  body: { ok: true, result: { file_id: 'x', file_unique_id: 'y', file_path } },
});
const failed = (status: number, description: string, parameters?: object): Answer => ({
  status,
  body: { ok: false, error_code: status, description, parameters },
});
const failureOf = (answer: Answer): Promise<AppError> =>
  resolve(answer).then(
    () => {
      throw new Error('There is a link');
    },
    (error: unknown) => error as AppError,
  );

test('getFile is asked with the id, and the path is appended to the address of files', async () => {
  expect(await resolve(found('photos/file 1%2e.jpg'))).toEqual({
    url: `${api.origin}/file/bot${botToken}/photos/file%201%252e.jpg`,
    needsCredentials: false,
  });
  expect(api.requests).toEqual([
    {
      method: 'GET',
      path: `/bot${botToken}/getFile?file_id=AgAC-a+file%2F%3F%26%3D`,
      headers: {},
      body: '',
    },
  ]);
});

test('a path before the API stays', async () => {
  const { url } = await resolve(found('photos/1.jpg'), `${api.origin}/telegram/`);
  expect(url).toBe(`${api.origin}/telegram/file/bot${botToken}/photos/1.jpg`);
  expect(api.requests[0]?.path).toMatch(/^\/telegram\/bot/);
});

test('the hosts of files are that of the API and those of the settings', () => {
  expect(load('https://bots.example.org:8081/x').downloads.trustedHosts).toEqual([
    'bots.example.org:8081',
    'files.example.org',
  ]);
});

describe('a path that may lead elsewhere is refused for good', () => {
  test.each([
    '/var/lib/telegram-bot-api/photos/1.jpg',
    '//files.example.org/1.jpg',
    'https://files.example.org/1.jpg',
    'file:/etc/passwd',
    'C:\\bot\\1.jpg',
    'photos\\1.jpg',
    '../getMe',
    'photos/../../getMe',
    'photos/./1.jpg',
    'photos//1.jpg',
    'photos/',
    'user@files.example.org:80/1.jpg',
    'photos/1\n.jpg',
    'photos/\ud800.jpg',
    `photos/${'x'.repeat(1_000)}`,
    7,
    ['photos/1.jpg'],
  ])('%j', async (path) => {
    expect(escapedPath(path)).toBeUndefined();
    expect(await failureOf(found(path))).toMatchObject({ code: 'media.no_address', retryable: false });
  });

  test.each([
    ['a?b#c', 'a%3Fb%23c'],
    ['%2e%2e/x', '%252e%252e/x'],
    ['..a/b..', '..a/b..'],
    ['fotos/ä.jpg', 'fotos/%C3%A4.jpg'],
  ])('but %j is escaped', (path, escaped) => {
    expect(escapedPath(path)).toBe(escaped);
    expect(new URL(`https://api.example.org/file/bot1:a/${escaped}`).pathname).toBe(
      `/file/bot1:a/${escaped}`,
    );
  });
});

describe('an answer', () => {
  const inMs = (error: AppError): number | undefined =>
    error.retryAt && error.retryAt.getTime() - receivedAt.getTime();

  test('that the file is too big is final', async () => {
    const error = await failureOf(failed(400, 'Bad Request: file is too big'));
    expect(error).toMatchObject({ code: 'media.too_large', retryable: false });
  });

  test('that the file is unavailable at the moment is not', async () => {
    const words = 'Bad Request: wrong file_id or the file is temporarily unavailable';
    expect(await failureOf(failed(400, words))).toMatchObject({ code: 'media.http_status', retryable: true });
  });

  test.each([
    [401, 'Unauthorized'],
    [404, 'Not Found'],
  ])('%d, for a wrong token, is tried again slowly', async (status, words) => {
    const error = await failureOf(failed(status, words));
    expect(error).toMatchObject({ code: 'media.http_status', retryable: true });
    expect(inMs(error)).toBe(600_000);
  });

  test('that there are too many calls names the time', async () => {
    const error = await failureOf(failed(429, 'Too Many Requests', { retry_after: 13 }));
    expect(error).toMatchObject({ code: 'media.rate_limited', retryable: true });
    expect(inMs(error)).toBe(13_000);
    const inHeader = await failureOf({ status: 429, headers: { 'retry-after': '7' } });
    expect(inMs(inHeader)).toBe(7_000);
    expect(inMs(await failureOf(failed(429, 'x', { retry_after: 'soon' })))).toBeUndefined();
  });

  test.each<[string, Answer]>([
    ['without a path', found(undefined)],
    ['that is no JSON', { status: 200, body: '<html>Welcome</html>' }],
    ['that is no agreement', { status: 200, body: { ok: false } }],
    ['that redirects', { status: 302, headers: { location: 'http://127.0.0.1:1/' } }],
    ['that fails', { status: 502, body: 'Bad Gateway' }],
  ])('%s is tried again', async (_what, answer) => {
    expect(await failureOf(answer)).toMatchObject({ code: 'media.http_status', retryable: true });
  });

  test('that repeats the address of the call leaves no token in the error', async () => {
    const echo = `no such path /bot${botToken}/getFile or ${encodeURIComponent(botToken)}`;
    for (const status of [400, 401, 404, 429, 500, 200]) {
      const { message, stack, cause } = await failureOf(failed(status, echo));
      expect(`${message} ${String(stack)} ${String(cause)}`).not.toContain(botToken.slice(10));
    }
  });

  test('that does not come leaves no token in the error', async () => {
    const error = await failureOf({ status: 200, hang: true });
    expect(error).toMatchObject({ code: 'media.connection_failed', retryable: true });
    expect(`${error.message} ${String(error.stack)} ${String(error.cause)}`).not.toContain(
      botToken.slice(10),
    );
  });
});
