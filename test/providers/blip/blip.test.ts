import { describe, expect, test } from '@jest/globals';

import { AppError } from '../../../src/domain/errors.js';
import type { Http, HttpRequest, HttpResponse } from '../../../src/domain/provider.js';
import { blip } from '../../../src/providers/blip/index.js';
import { settings } from '../../support/signing.js';
import { receivedAt } from '../fixtures.js';

const downloadsWith = (values: Record<string, string | undefined>) =>
  blip.load({ ...settings['blip'], ...values }, () => receivedAt).downloads;

const media = new URL('https://media.msging.net/media/download/x');
const expired = 'https://blipmediastore.blob.core.windows.net/secure-medias/Media_x?sig=old';

function answering(response: Partial<HttpResponse>): { http: Http; requests: HttpRequest[] } {
  const requests: HttpRequest[] = [];
  const http: Http = (request) => {
    requests.push(request);
    return Promise.resolve({ status: 200, headers: {}, body: '', ...response });
  };
  return { http, requests };
}

describe('the key of a bot', () => {
  test('authorises downloads', async () => {
    expect(await downloadsWith({}).authorize?.(media)).toEqual({ authorization: 'Key aW52ZW50ZWQ=' });
  });

  test('may be configured with the word Key before it', async () => {
    const { authorize } = downloadsWith({ key: 'Key aW52ZW50ZWQ=' });
    expect(await authorize?.(media)).toEqual({ authorization: 'Key aW52ZW50ZWQ=' });
  });

  test('is not sent to the blob stores, whose links contain a signature', () => {
    expect(downloadsWith({}).trustedHosts).toEqual(['media.msging.net']);
    expect(downloadsWith({ mediaHosts: 'media.test:81' }).trustedHosts).toEqual([
      'media.msging.net',
      'media.test:81',
    ]);
  });

  test('is required for downloads and for new links', () => {
    expect(downloadsWith({ key: undefined })).toEqual({ trustedHosts: ['media.msging.net'] });
  });
});

describe('a new link', () => {
  const success = {
    type: 'text/plain',
    resource: 'https://fresh.example/x',
    method: 'set',
    status: 'success',
  };
  const refreshWith = (http: Http) => downloadsWith({}).refresh?.(expired, http);

  test('is requested at the host of the contract, with the key', async () => {
    const { http, requests } = answering({ body: success });
    expect(await refreshWith(http)).toEqual({ url: 'https://fresh.example/x', expiresAt: null });
    expect(requests).toEqual([
      {
        method: 'POST',
        url: 'https://floraria.http.msging.net/commands',
        headers: { authorization: 'Key aW52ZW50ZWQ=' },
        json: {
          id: expect.stringMatching(/^[\da-f-]{36}$/),
          to: 'postmaster@media.msging.net',
          method: 'set',
          uri: '/refresh-media-uri',
          type: 'text/plain',
          resource: expired,
        },
      },
    ]);
  });

  test('is requested at another URL if one is configured', async () => {
    const { http, requests } = answering({ body: success });
    const { refresh } = downloadsWith({ contractId: undefined, apiUrl: 'http://127.0.0.1:9/' });
    expect(await refresh?.(expired, http)).toEqual({ url: 'https://fresh.example/x', expiresAt: null });
    expect(requests.map(({ url }) => url)).toEqual(['http://127.0.0.1:9/commands']);
  });

  test('cannot be requested without a contract', () => {
    expect(downloadsWith({ contractId: undefined }).refresh).toBeUndefined();
    expect(downloadsWith({ contractId: undefined }).authorize).toBeDefined();
  });

  test.each([
    [{ status: 200, body: { status: 'failure', reason: { code: 67 } } }, 'media.link_expired'],
    [{ status: 200, body: { status: 'success' } }, 'media.link_expired'],
    [{ status: 200, body: { status: 'success', resource: '' } }, 'media.link_expired'],
    [{ status: 202, body: '' }, 'media.link_expired'],
    [{ status: 200, body: null }, 'media.link_expired'],
    [{ status: 401, body: '' }, 'media.refused'],
    [{ status: 429, body: '' }, 'media.rate_limited'],
    [{ status: 408, body: '' }, 'media.http_status'],
    [{ status: 504, body: success }, 'media.http_status'],
  ])('%j means %s', async (response, code) => {
    const failure = refreshWith(answering(response).http);
    await expect(failure).rejects.toBeInstanceOf(AppError);
    await expect(failure).rejects.toMatchObject({ code });
  });

  test('fails with the network error if there was no response', async () => {
    const lost = new AppError('media.timeout', 'no answer');
    await expect(refreshWith(() => Promise.reject(lost))).rejects.toBe(lost);
  });
});

test.each(['evil.example/', 'a.b', 'a@b', ''])('%j is not a contract', (contractId) => {
  expect(() => blip.load({ ...settings['blip'], contractId }, () => receivedAt)).toThrow(/contractId/);
});
