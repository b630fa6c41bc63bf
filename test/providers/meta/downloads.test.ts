/** The two steps to a file of Meta: its id leads to a link, over a real socket. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import { AppError } from '../../../src/domain/errors.js';
import type { Downloads } from '../../../src/domain/provider.js';
import { meta } from '../../../src/providers/meta/index.js';
import { credentials } from '../../support/signing.js';
import { receivedAt } from '../fixtures.js';
import { startRecordingApi, type Answer, type RecordingApi } from '../recording-api.js';

let api: RecordingApi;
beforeAll(async () => {
  api = await startRecordingApi();
});
beforeEach(() => {
  api.requests.length = 0;
  api.answers.length = 0;
});
afterAll(() => api.close());

const downloadsWith = (values: Record<string, string | undefined> = {}): Downloads =>
  meta.load({ ...credentials['meta'], apiUrl: api.origin, ...values }, () => receivedAt).downloads;
const resolve = (id: string) => downloadsWith().resolve?.(id, api.http);

const link = 'https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=900&ext=1795255500&hash=x';
const found: Answer = {
  status: 200,
  body: {
    messaging_product: 'whatsapp',
    url: link,
    mime_type: 'image/jpeg',
    sha256: 'f'.repeat(64),
    file_size: '1024',
    id: '900',
  },
};

describe('an id of Meta', () => {
  test('is exchanged for a link with the access token', async () => {
    api.answers.push(found);
    expect(await resolve('900')).toEqual({ url: link, needsCredentials: true });
    expect(api.requests).toEqual([
      {
        method: 'GET',
        path: '/v25.0/900',
        headers: { authorization: 'Bearer EAAinvented0123456789' },
        body: '',
      },
    ]);
  });

  test.each([
    '../1/messages',
    '..',
    '.',
    '1/2',
    '1.5',
    'https://evil.example/1',
    '1?x=1',
    '1#2',
    '1%2f2',
    '',
    ' 1',
  ])('%j is never asked for', async (id) => {
    await expect(resolve(id)).rejects.toMatchObject({ code: 'media.no_address' });
    expect(api.requests).toEqual([]);
  });

  test('cannot be exchanged without an access token', () => {
    const downloads = downloadsWith({ accessToken: undefined });
    expect(Object.keys(downloads)).toEqual(['trustedHosts']);
  });
});

/** In milliseconds after the webhook; null if the usual delay applies. */
const waitOf = (error: AppError): number | null =>
  error.retryAt === undefined ? null : error.retryAt.getTime() - receivedAt.getTime();

describe('an answer', () => {
  const error = (code: number, subcode?: number) => ({
    error: { message: 'text of Meta', type: 'OAuthException', code, error_subcode: subcode },
  });
  const quarter = 900_000;
  test.each<[string, Answer, string, number | null]>([
    ['that there is no such file', { status: 400, body: error(100, 33) }, 'media.gone', null],
    ['that a parameter is wrong', { status: 400, body: error(100) }, 'media.http_status', null],
    ['that the token has ended', { status: 401, body: error(190, 463) }, 'media.http_status', quarter],
    ['that the token has ended, with 400', { status: 400, body: error(190) }, 'media.http_status', quarter],
    ['401 without a code', { status: 401, body: 'no' }, 'media.http_status', quarter],
    ['that a permission is missing', { status: 403, body: error(10) }, 'media.http_status', quarter],
    ['that another permission is missing', { status: 403, body: error(200) }, 'media.http_status', quarter],
    ['of too many calls, with 400', { status: 400, body: error(4) }, 'media.rate_limited', 60_000],
    ['of too many calls to the number', { status: 400, body: error(130429) }, 'media.rate_limited', 60_000],
    [
      '429 with a time',
      { status: 429, headers: { 'retry-after': '7' }, body: '' },
      'media.rate_limited',
      7_000,
    ],
    ['of trouble', { status: 500, body: error(2) }, 'media.http_status', null],
    ['503 with a time', { status: 503, headers: { 'retry-after': '9' } }, 'media.http_status', 9_000],
    ['404 with a page', { status: 404, body: '<html>' }, 'media.http_status', null],
    [
      'that leads elsewhere',
      { status: 302, headers: { location: 'https://evil.example/' } },
      'media.http_status',
      null,
    ],
    ['without a link', { status: 200, body: { id: '900' } }, 'media.http_status', null],
    ['with a link that is none', { status: 200, body: { url: '/900' } }, 'media.http_status', null],
    [
      'with a file of this machine',
      { status: 200, body: { url: 'file:///etc/passwd' } },
      'media.http_status',
      null,
    ],
    ['that is a page', { status: 200, body: '<html>' }, 'media.http_status', null],
  ])('%s is %s', async (_what, answer, code, waitMs) => {
    api.answers.push(answer);
    const failure = await resolve('900')?.catch((thrown: unknown) => thrown);
    if (!(failure instanceof AppError)) throw new Error('it did not fail');
    expect({ code: failure.code, waitMs: waitOf(failure) }).toEqual({ code, waitMs });
    expect(failure.message).not.toMatch(/text of Meta|EAAinvented|900/);
    expect(api.requests).toHaveLength(1);
  });

  test('that never comes is a failure of the network', async () => {
    api.answers.push({ status: 200, hang: true });
    await expect(resolve('900')).rejects.toMatchObject({ code: 'media.connection_failed' });
  });
});

describe('the access token', () => {
  const bearer = { authorization: 'Bearer EAAinvented0123456789' };
  const sentTo = (url: string, values: Record<string, string> = {}) =>
    downloadsWith({ apiUrl: undefined, ...values }).authorize?.(new URL(url));

  test.each(['https://graph.facebook.com/v25.0/1', link, 'https://lookaside.fbsbx.com:443/x'])(
    'is sent to %s',
    async (url) => {
      expect(await sentTo(url)).toEqual(bearer);
    },
  );

  test('is sent to the media hosts of the operator', async () => {
    const values = { mediaHosts: 'files.example.com, 127.0.0.1:9000' };
    expect(await sentTo('https://files.example.com/x', values)).toEqual(bearer);
    expect(await sentTo('http://127.0.0.1:9000/x', values)).toEqual(bearer);
    expect(await sentTo('http://127.0.0.1:9001/x', values)).toEqual({});
  });

  test.each([
    'https://facebook.com/',
    'https://www.facebook.com/',
    'https://lookaside.fbsbx.com.evil.example/',
    'https://xlookaside.fbsbx.com/',
    'https://graph.facebook.com@evil.example/',
  ])('is not sent to %s', async (url) => {
    expect(await sentTo(url)).toEqual({});
  });
});
