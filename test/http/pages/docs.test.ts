/**
 * `/openapi.json` and `/docs`: what they serve, how it may be cached, and that nothing is asked of anybody
 * else.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { call } from '../../support/client.js';
import { startTestService, type TestService } from '../../support/test-service.js';

let service: TestService;

beforeAll(async () => {
  service = await startTestService({ queue: false, publicUrl: 'https://inlet.example.com/media' });
});

afterAll(() => service.stop());

const ask = (path: string, headers: Record<string, string> = {}) =>
  call<Record<string, unknown>>(service.url, path, { headers });

/** What the page loads, as addresses of the service. */
async function partsOfPage(): Promise<string[]> {
  const html = (await ask('/docs')).bytes.toString('utf8');
  return [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link = '']) => link);
}

describe('/openapi.json', () => {
  it('is for anybody, and names the address that others see', async () => {
    expect(await ask('/openapi.json')).toMatchObject({
      status: 200,
      headers: { 'content-type': expect.stringMatching(/^application\/json/), 'cache-control': 'no-cache' },
      body: { openapi: '3.1.0', servers: [{ url: 'https://inlet.example.com/media' }] },
    });
  });

  it('is not sent again to those who have it', async () => {
    const { headers } = await ask('/openapi.json');
    const again = await ask('/openapi.json', { 'if-none-match': headers['etag'] ?? '' });
    expect({ status: again.status, bytes: again.bytes.length }).toEqual({ status: 304, bytes: 0 });
    expect((await ask('/openapi.json', { 'if-none-match': '"another"' })).status).toBe(200);
  });
});

describe('/docs', () => {
  it('is a page that may load nothing but files of this service', async () => {
    const { status, headers } = await ask('/docs');
    expect({ status, type: headers['content-type'] }).toEqual({
      status: 200,
      type: 'text/html; charset=utf-8',
    });
    expect(headers['content-security-policy']?.split('; ').sort()).toEqual([
      "base-uri 'none'",
      "connect-src 'self'",
      "default-src 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
      "img-src 'self' data: blob:",
      "script-src 'self'",
      "style-src 'self' 'unsafe-inline'",
    ]);
  });

  it('has no script of its own in the page, and names everything relative to itself', async () => {
    const html = (await ask('/docs')).bytes.toString('utf8');
    expect(html).not.toMatch(/<script(?![^>]* src=)|<style| on\w+=|https?:|"\//);
    expect((await partsOfPage()).every((link) => link.startsWith('docs/'))).toBe(true);
  });

  it('finds all its files, and browsers keep for ever those of a version', async () => {
    for (const part of await partsOfPage()) {
      const { status, headers } = await ask(`/${part}`);
      const ofVersion = /^docs\/\d+\.\d+\.\d+\//.test(part);
      expect({ part, status, cache: headers['cache-control'] }).toEqual({
        part,
        status: 200,
        cache: ofVersion ? 'public, max-age=31536000, immutable' : 'no-cache',
      });
    }
  });

  it.each(['index.html', 'swagger-initializer.js', 'package.json', '..%2fpackage.json', 'swagger-ui.js.map'])(
    'serves nothing else of the package: %s',
    async (name) => {
      const [file = ''] = (await partsOfPage()).filter((part) => part.endsWith('.css'));
      const answer = await ask(`/${file.replace(/[^/]+$/, name)}`);
      expect(answer).toMatchObject({ status: 404, body: { code: 'request.not_found' } });
    },
  );

  it('leads those who write a slash behind it to where its relative addresses are right', async () => {
    expect(await ask('/docs/')).toMatchObject({ status: 308, headers: { location: '../docs' } });
  });

  it('asks nobody whether the document is valid', async () => {
    expect((await ask('/docs/docs.js')).bytes.toString('utf8')).toContain('validatorUrl: null');
  });
});
