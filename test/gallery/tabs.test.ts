/** Somebody who has many pages of the gallery open. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';

import { bytes } from '../../src/demo/media-host.js';
import { photo } from '../../src/demo/photos.js';
import { startSimulator, type Simulator } from '../../src/demo/providers/index.js';
import { describeInBrowser, visit, type Visit } from '../support/browser.js';
import { startTestService, type TestService } from '../support/test-service.js';
import { until } from '../support/until.js';

/** A browser has six connections to a place that does not speak HTTP/2. */
const tabs = 8;

describeInBrowser('Many pages of the gallery', (browser) => {
  let simulator: Simulator;
  let service: TestService;
  let visitor: Visit;

  beforeAll(async () => {
    simulator = await startSimulator();
    service = await startTestService({ env: simulator.env() });
    visitor = await visit(browser(), service.url, { token: service.token('admin') });
  });
  afterAll(async () => {
    await visitor.close();
    await service.stop();
    await simulator.close();
  });

  async function send(seed: number): Promise<void> {
    const zApi = simulator.providers['z-api'];
    const picture = await photo({ seed, width: 320, height: 240 });
    const webhook = zApi.webhook({ kind: 'image', url: zApi.publish(bytes('image/jpeg', picture)) });
    await fetch(service.url + webhook.path, { method: 'POST', ...webhook });
  }

  const tilesOn = (page: Page): Promise<number> => page.locator('a[href*="/admin/media/"]').count();

  async function allShow(pages: readonly Page[], count: number): Promise<void> {
    for (const page of pages) await until(async () => (await tilesOn(page)) === count);
  }

  test('all of them load, and each hears what happens, also when others are closed', async () => {
    const pages = [visitor.page];
    while (pages.length < tabs) pages.push(await visitor.context.newPage());
    for (const page of pages) {
      page.setDefaultTimeout(10_000);
      await page.goto(`${service.url}/admin`);
      await page.getByRole('heading', { name: 'Nothing yet' }).waitFor();
    }
    await send(1);
    await allShow(pages, 1);

    for (const page of pages.splice(0, tabs - 2)) if (page !== visitor.page) await page.close();
    await visitor.page.goto('about:blank');
    await send(2);
    await allShow(pages, 2);

    await visitor.page.goto(`${service.url}/admin`);
    await send(3);
    await allShow([...pages, visitor.page], 3);
    expect(visitor.complaints).toEqual([]);
  });
});
