/**
 * Links of hosts that say odd things about them: whatever they say, it is answered, and what the bytes say
 * decides.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { startCourier, type Courier } from '../../support/courier.js';
import { startHostileHost, type HostileHost } from '../../support/hostile-host.js';
import { send } from '../../support/sending.js';
import { startTestService, type TestService } from '../../support/test-service.js';

let courier: Courier;
let host: HostileHost;
let service: TestService;
beforeAll(async () => {
  courier = await startCourier();
  host = await startHostileHost();
  service = await startTestService({ queue: false, channels: [courier.channel], mediaHosts: [host.host] });
});
afterAll(async () => {
  courier.close();
  await host.close();
  await service.stop();
});

const sendLink = (path: string) => send(service, { media: { url: host.url(path) } });

describe('a link', () => {
  test.each(['constructor', '__proto__', 'toString', 'hasOwnProperty', 'application/force-download', '*/*'])(
    'whose type is said to be %s is taken',
    async (type) => {
      const { status, body } = await sendLink(`/headless?head=200&type=${encodeURIComponent(type)}`);
      expect([status, body.state]).toEqual([202, 'queued']);
    },
  );

  test.each(['/headless?head=404', '/headless?head=200&type=text/html', '/encoded?as=aws-chunked'])(
    '%s is taken for what its bytes are',
    async (path) => {
      const { status, body } = await sendLink(path);
      expect([status, body.type]).toEqual([202, path.startsWith('/encoded') ? null : 'image/jpeg']);
    },
  );

  test('to nothing is refused in words that say so', async () => {
    const { status, body } = await sendLink('/status?code=404');
    expect([status, JSON.stringify(body)]).toEqual([
      422,
      expect.stringContaining('the file does not exist') as unknown,
    ]);
  });
});
