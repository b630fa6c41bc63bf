/** Long answers in JSON are compressed for callers that understand it. */
import { request as startRequest, type IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { startTestService, type TestService } from '../support/test-service.js';

let service: TestService;

beforeAll(async () => {
  service = await startTestService({ queue: false });
});
afterAll(() => service.stop());

/** The bytes as they are sent. */
async function get(path: string, acceptEncoding?: string, method = 'GET') {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const headers = {
      authorization: `Bearer ${service.token('admin')}`,
      ...(acceptEncoding !== undefined && { 'accept-encoding': acceptEncoding }),
    };
    startRequest(service.url + path, { method, headers }, resolve)
      .once('error', reject)
      .end();
  });
  return { headers: response.headers, bytes: await buffer(response) };
}

describe('a long answer', () => {
  it.each([
    ['gzip, deflate, br, zstd', 'br', brotliDecompressSync],
    ['br;q=0, gzip', 'gzip', gunzipSync],
    ['*', 'br', brotliDecompressSync],
  ])('is compressed for a caller with %s', async (accepted, encoding, decompress) => {
    const plain = await get('/v1/providers');
    const { headers, bytes } = await get('/v1/providers', accepted);
    expect(headers).toMatchObject({
      'content-encoding': encoding,
      'content-length': String(bytes.length),
      'content-type': 'application/json; charset=utf-8',
      vary: 'Accept-Encoding',
    });
    expect(bytes.length).toBeLessThan(plain.bytes.length / 3);
    expect(decompress(bytes)).toEqual(plain.bytes);
  });

  it.each([undefined, 'identity', 'br;q=0, gzip;q=0', 'deflate'])('is not for %s', async (accepted) => {
    const { headers, bytes } = await get('/v1/providers', accepted);
    expect(headers).toMatchObject({ 'content-length': String(bytes.length), vary: 'Accept-Encoding' });
    expect(headers).not.toHaveProperty('content-encoding');
  });

  it('has the same headers for HEAD, without the bytes', async () => {
    const whole = await get('/v1/providers', 'br');
    const { headers, bytes } = await get('/v1/providers', 'br', 'HEAD');
    expect(bytes).toHaveLength(0);
    expect(headers['content-length']).toBe(whole.headers['content-length']);
    expect(headers['content-encoding']).toBe('br');
  });
});

it('a short answer is not compressed', async () => {
  const { headers } = await get('/v1/media', 'br');
  expect(headers).not.toHaveProperty('content-encoding');
  expect(headers).not.toHaveProperty('vary');
});
