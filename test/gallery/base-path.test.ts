/**
 * A service that stands below a path: `PUBLIC_URL` with a path, and a proxy in front that passes it on or
 * takes it away.
 */
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import { bytes } from '../../src/demo/media-host.js';
import { photo } from '../../src/demo/photos.js';
import { startSimulator, type Simulator } from '../../src/demo/providers/index.js';
import { describeInBrowser, enterToken, visit, type Visit } from '../support/browser.js';
import { call, upload } from '../support/client.js';
import { startTestService, type TestService } from '../support/test-service.js';
import { until } from '../support/until.js';

/** A proxy for `/inlet/`, and a foreign page beside it. */
async function startProxy(takesPathAway: boolean) {
  let target = '';
  /** Cookies that were sent to what stands beside the service. */
  const leaked: (string | undefined)[] = [];
  const server: Server = createServer((asked, response) => {
    const path = asked.url ?? '';
    if (!path.startsWith('/inlet/')) {
      leaked.push(asked.headers.cookie);
      response.writeHead(200, { 'content-type': 'text/html' }).end('<title>Another page</title>');
      return;
    }
    const { method, headers } = asked;
    const passed = takesPathAway ? path.slice('/inlet'.length) : path;
    // Without an agent, no request comes by a connection that the service closes at the same moment.
    const sent = request(target + passed, { method, headers, agent: false }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    response.on('close', () => sent.destroy());
    sent.on('error', () => response.destroy());
    asked.pipe(sent);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const origin = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  return {
    origin,
    leaked,
    passTo: (url: string) => {
      target = url;
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

type Proxy = Awaited<ReturnType<typeof startProxy>>;

describe.each([
  ['takes the path away', true],
  ['passes the path on', false],
])('behind a proxy that %s', (_, takesPathAway) => {
  let simulator: Simulator;
  let proxy: Proxy;
  let service: TestService;
  beforeAll(async () => {
    simulator = await startSimulator();
  });
  afterAll(() => simulator.close());
  beforeEach(async () => {
    proxy = await startProxy(takesPathAway);
    const publicUrl = `${proxy.origin}/inlet`;
    service = await startTestService({ env: simulator.env(), publicUrl });
    proxy.passTo(service.url);
  });
  afterEach(async () => {
    proxy.close();
    await service.stop();
  });

  async function send(seed: number): Promise<number> {
    const zApi = simulator.providers['z-api'];
    const picture = await photo({ seed, width: 640, height: 480 });
    const webhook = zApi.webhook({ kind: 'image', url: zApi.publish(bytes('image/jpeg', picture)) });
    return (await fetch(`${proxy.origin}/inlet${webhook.path}`, { method: 'POST', ...webhook })).status;
  }

  test('webhooks, the API, its description and signed links work', async () => {
    expect(await send(1)).toBe(200);
    const base = `${proxy.origin}/inlet`;
    const token = service.token('admin');
    for (const path of ['/health/live', '/docs', '/openapi.json', '/v1/media?limit=1'])
      expect([path, (await call(base, path, { token })).status]).toEqual([path, 200]);
    const { body } = await upload(service, { token, file: await photo({ seed: 2, width: 64, height: 48 }) });
    const { body: link } = await call<{ url: string }>(base, `/v1/media/${body.id}/link`, {
      method: 'post',
      token,
      json: {},
    });
    expect(link.url.startsWith(`${base}/v1/media/`)).toBe(true);
    expect((await fetch(link.url)).status).toBe(200);
    // A path that only begins in the same way is another one.
    expect((await call(service.url, '/inletv1/media', { token })).status).toBe(404);
  });

  describeInBrowser('the gallery', (browser) => {
    let visitor: Visit;
    afterEach(() => visitor.close());

    test('shows pictures, hears what happens, and stays below the path', async () => {
      visitor = await visit(browser(), proxy.origin);
      const { page, context } = visitor;
      await page.goto(`${proxy.origin}/inlet/admin`);
      await enterToken(page, service.token('admin'));
      await page.getByText('Live', { exact: true }).waitFor();
      expect((await context.cookies()).map(({ path }) => path)).toEqual(['/inlet']);

      await send(1);
      await until(() => page.evaluate<boolean>(`document.querySelector('.tile img')?.naturalWidth > 0`));
      await page.locator('.tile').click();
      await page.waitForURL('**/inlet/admin/media/*');
      await until(() => page.evaluate<boolean>(`document.querySelector('dialog img')?.naturalWidth > 0`));
      await page.reload();
      await until(() => page.evaluate<boolean>(`document.querySelector('dialog img')?.naturalWidth > 0`));

      await page.goto(`${proxy.origin}/inlet/admin`);
      for (const name of ['Overview', 'Channels', 'Audit']) {
        await page.getByRole('link', { name }).first().click();
        await page.getByRole('heading', { name, level: 1 }).waitFor();
        expect(page.url()).toBe(`${proxy.origin}/inlet/admin/${name.toLowerCase()}`);
      }
      await page.goto(`${proxy.origin}/another`);
      expect(proxy.leaked.every((cookie) => cookie === undefined)).toBe(true);
      expect(visitor.complaints).toEqual([]);
    });

    test('sends somebody who comes past the proxy to the path', async () => {
      visitor = await visit(browser(), service.url);
      await visitor.page.goto(`${service.url}/admin/sent`);
      await visitor.page.waitForURL(`${service.url}/inlet/admin/sent`);
      await visitor.page.getByRole('heading', { name: 'Sign in to Inlet' }).waitFor();
      expect(visitor.complaints).toEqual([]);
    });
  });
});
