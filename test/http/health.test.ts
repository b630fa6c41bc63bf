import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { call, postWebhook, type MediaView } from '../support/client.js';
import { startTestService, type TestService } from '../support/test-service.js';
import { startMediaHost, bytes } from '../../src/demo/media-host.js';
import { photo } from '../../src/demo/photos.js';
import { picture } from '../support/payloads.js';

let service: TestService;
let host: Awaited<ReturnType<typeof startMediaHost>>;
beforeAll(async () => {
  host = await startMediaHost();
  service = await startTestService({ mediaHosts: [host.host] });
});
afterAll(async () => {
  await service.stop();
  await host.close();
});
it('works', async () => {
  const url = host.serve('/a.jpg', bytes('image/jpeg', await photo({ seed: 1, width: 400, height: 300 })));
  const got = await postWebhook(service, 'z-api', picture('z-api', { url }));
  console.log(got.body);
  const m = await call<MediaView>(service.url, `/v1/media/${got.body.media[0]}?wait=30`, {
    token: service.token('media:read'),
  });
  console.log(m, service.logs());
  expect(m.status).toBe(200);
  const c = await call<MediaView>(service.url, `/v1/media/${got.body.media[0]}/content`, {
    token: service.token('media:read'),
  });
  console.log(c);
});
