/** `GET /`: browsers are led to the gallery, programs are told where everything is. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';

import { call } from '../../support/client.js';
import { startTestService, type TestService } from '../../support/test-service.js';

const publicUrl = 'https://inlet.example.com/media';
const browser = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';
let service: TestService;

beforeAll(async () => {
  service = await startTestService({ queue: false, publicUrl });
});

afterAll(() => service.stop());

it.each(['/', '/media', '/media/', '/media?from=bookmark'])(
  'leads a browser from %s to the gallery, below the path of PUBLIC_URL',
  async (path) => {
    const { status, headers } = await call(service.url, path, { headers: { accept: browser } });
    expect({ status, location: headers['location'], vary: headers['vary'] }).toEqual({
      status: 302,
      location: '/media/admin',
      vary: expect.stringContaining('Accept'),
    });
  },
);

it.each([undefined, '*/*', 'application/json', 'application/json, text/html;q=0.5', 'image/png'])(
  'tells a program where everything is that accepts %s',
  async (accept) => {
    const headers: Record<string, string> = accept === undefined ? {} : { accept };
    expect(await call(service.url, '/', { headers })).toMatchObject({
      status: 200,
      headers: { 'content-type': expect.stringMatching(/^application\/json/) },
      body: {
        name: 'inlet',
        version: expect.stringMatching(/^\d+\.\d+\.\d+/),
        links: {
          gallery: `${publicUrl}/admin`,
          documentation: `${publicUrl}/docs`,
          openapi: `${publicUrl}/openapi.json`,
          health: `${publicUrl}/health/ready`,
        },
      },
    });
  },
);
