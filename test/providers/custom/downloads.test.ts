/** Ids that lead to links over a declared address, with a real server as the API. */
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';

import { custom } from '../../../src/providers/custom/index.js';
import { secretList, type Settings } from '../../samples/sample.js';
import { receivedAt } from '../fixtures.js';
import { startRecordingApi, type RecordingApi } from '../recording-api.js';

let api: RecordingApi;
beforeAll(async () => {
  api = await startRecordingApi();
});
beforeEach(() => {
  api.requests.length = 0;
  api.answers.length = 0;
});
afterAll(() => api.close());

const downloadsWith = (settings: Settings) =>
  custom.load({ webhookSecret: secretList, ...settings }, () => receivedAt).downloads;

const lookUp = (id: string, settings: Settings = {}) =>
  downloadsWith({
    mediaLookupUrl: `${api.origin}/media/{id}?again={id}`,
    mediaHeader: 'D360-API-KEY: key-0123456789',
    ...settings,
  }).resolve?.(id, api.http);

test('an id leads to the link of the answer, with the header of the channel', async () => {
  api.answers.push({ status: 200, body: { url: 'https://files.example/1?x=y' } });
  expect(await lookUp('a/b ?c')).toEqual({ url: 'https://files.example/1?x=y', needsCredentials: true });
  expect(api.requests).toMatchObject([
    {
      method: 'GET',
      path: '/media/a%2Fb%20%3Fc?again=a%2Fb%20%3Fc',
      headers: { 'd360-api-key': 'key-0123456789' },
    },
  ]);
});

test('the link may be anywhere in the answer, and on another host', async () => {
  api.answers.push({ status: 200, body: { data: [{ link: 'https://lookaside.example/1?a=b' }] } });
  const settings = { mediaLookupPointer: '/data/0/link', mediaLookupHost: 'proxy.example:8443' };
  expect(await lookUp('1', settings)).toMatchObject({ url: 'https://proxy.example:8443/1?a=b' });
});

test.each([
  [404, '', 'media.gone'],
  [410, '', 'media.gone'],
  [401, '', 'media.http_status'],
  [429, '', 'media.rate_limited'],
  [500, '', 'media.http_status'],
  [302, '', 'media.http_status'],
  [200, { url: null }, 'media.http_status'],
  [200, { url: 'not a link' }, 'media.http_status'],
  [200, 'text', 'media.http_status'],
])('the answer %d %j is %s', async (status, body, code) => {
  api.answers.push({ status, body });
  await expect(lookUp('1')).rejects.toMatchObject({ code });
});

test('an id that would lead to another place of the API is not looked up', async () => {
  for (const id of ['.', '..']) await expect(lookUp(id)).rejects.toMatchObject({ code: 'media.invalid_url' });
  expect(api.requests).toEqual([]);
  for (const id of ['../x', '...', '%2e%2e', 'https://evil.example/', '{id}', '$&']) {
    api.answers.push({ status: 200, body: { url: 'https://files.example/1' } });
    await lookUp(id, { mediaLookupUrl: `${api.origin}/media/{id}` });
    expect(decodeURIComponent(api.requests.at(-1)?.path ?? '')).toBe(`/media/${id}`);
  }
});

test('the header goes to declared hosts only, and there is no lookup without an address', () => {
  const { trustedHosts, authorize, resolve } = downloadsWith({
    mediaHosts: 'files.example, media.example:8443',
    mediaHeader: 'X-Api-Key:  a b',
  });
  expect(trustedHosts).toEqual(['files.example', 'media.example:8443']);
  expect(authorize?.(new URL('https://files.example/1'))).toEqual({ 'x-api-key': 'a b' });
  expect(resolve).toBeUndefined();
  expect(downloadsWith({}).authorize).toBeUndefined();
});
