/** Whether browsers are told to insist on https: only where https is what they came by. */
import { afterEach, expect, it } from '@jest/globals';

import { call } from '../../support/client.js';
import { startTestService, type TestService } from '../../support/test-service.js';

let service: TestService;

afterEach(() => service.stop());

const pages = ['/health/live', '/v1/media', '/docs', '/admin'];

it('over plain http nothing sends a browser to https', async () => {
  service = await startTestService({ queue: false, publicUrl: 'http://inlet.internal:3000' });
  for (const path of pages) {
    const { headers } = await call(service.url, path);
    expect({ path, hsts: headers['strict-transport-security'] }).toEqual({ path, hsts: undefined });
    expect(headers['content-security-policy']).not.toContain('upgrade-insecure-requests');
  }
});

it('over https browsers are to stay there', async () => {
  service = await startTestService({ queue: false, publicUrl: 'https://inlet.example.com' });
  for (const path of pages) {
    const { headers } = await call(service.url, path);
    expect({ path, hsts: headers['strict-transport-security'] }).toEqual({
      path,
      hsts: expect.stringMatching(/^max-age=\d{7,}/),
    });
  }
  const { headers } = await call(service.url, '/v1/media');
  expect(headers['content-security-policy']).toContain('upgrade-insecure-requests');
});
