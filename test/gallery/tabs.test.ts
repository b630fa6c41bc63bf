/** Somebody who has many pages of the gallery open. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { BrowserContext, Page } from 'playwright-core';

import { bytes } from '../../src/demo/media-host.js';
import { photo } from '../../src/demo/photos.js';
import { startSimulator, type Simulator } from '../../src/demo/providers/index.js';
import { describeInBrowser, holdBack, visit, type Visit } from '../support/browser.js';
import { startTestService, type TestService } from '../support/test-service.js';
import { until } from '../support/until.js';

/** A browser has six connections to a place that does not speak HTTP/2. */
const tabs = 8;

interface Stage {
  readonly simulator: Simulator;
  readonly service: TestService;
}

/** Sends a webhook with a picture. */
async function sendPicture({ simulator, service }: Stage, seed: number): Promise<void> {
  const zApi = simulator.providers['z-api'];
  const picture = await photo({ seed, width: 320, height: 240 });
  const webhook = zApi.webhook({ kind: 'image', url: zApi.publish(bytes('image/jpeg', picture)) });
  await fetch(service.url + webhook.path, { method: 'POST', ...webhook });
}

const tilesOn = (page: Page): Promise<number> => page.locator('a[href*="/admin/media/"]').count();

async function allShow(pages: readonly Page[], count: number): Promise<void> {
  for (const page of pages) await until(async () => (await tilesOn(page)) === count);
}

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

  const send = (seed: number): Promise<void> => sendPicture({ simulator, service }, seed);

  test('all of them load, and each hears what happens, also when others are closed', async () => {
    const pages = [visitor.page];
    while (pages.length < tabs) pages.push(await visitor.context.newPage());
    for (const page of pages) {
      page.setDefaultTimeout(45_000);
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
  }, 120_000);
});

describeInBrowser('Pages of a browser without shared workers', (browser) => {
  let simulator: Simulator;
  let service: TestService;
  let visitor: Visit;
  let context: BrowserContext;
  /** The addresses of the streams that pages have opened, in their order. */
  let streams: string[];

  beforeAll(async () => {
    simulator = await startSimulator();
  });
  beforeEach(async () => {
    service = await startTestService({ env: simulator.env() });
    visitor = await visit(browser(), service.url, { token: service.token('admin'), isNew: true });
    ({ context } = visitor);
    await context.addInitScript('delete window.SharedWorker');
    streams = [];
    context.on('request', (request) => {
      if (request.url().includes('/v1/events')) streams.push(request.url());
    });
  });
  afterEach(async () => {
    await context.close();
    await service.stop();
    expect(visitor.complaints).toEqual([]);
  });
  afterAll(async () => {
    await simulator.close();
  });

  const open = async (page: Page): Promise<Page> => {
    await page.goto(`${service.url}/admin`);
    await page.getByText('Live', { exact: true }).first().waitFor();
    return page;
  };
  const isReady = async (count: number): Promise<boolean> =>
    (await service.database.query(`select from notification where seq is not null and type = 'media.ready'`))
      .length === count;

  test('one has the stream, and after it was closed another one continues where it ended', async () => {
    const first = await open(visitor.page);
    const second = await open(await context.newPage());
    const third = await open(await context.newPage());
    await sendPicture({ simulator, service }, 1);
    await allShow([first, second, third], 1);
    expect(streams).toHaveLength(1);

    // What happens until the next page has its stream must not be missed.
    const lists: string[] = [];
    second.on('request', (request) => {
      if (request.url().includes('/v1/media?')) lists.push(request.url());
    });
    const release = await holdBack(second, '**/v1/events*');
    await first.close();
    await until(() => streams.length === 2);
    await sendPicture({ simulator, service }, 2);
    await until(() => isReady(2));
    release();
    await allShow([second, third], 2);
    expect(streams[1]).toMatch(/lastEventId=\d+$/);
    // The picture has come as an event, and not by reading the list again.
    expect(lists).toEqual([]);
  });

  /** The page of the person whose pictures are sent. */
  const personPage = async (): Promise<string> => {
    const [person] = await service.database.query<{ person: string }>('select person from media limit 1');
    return `/admin/people/z-api/${person?.person ?? ''}`;
  };
  const allPictures = 'a[href*="media"] img';
  const shows = (page: Page, count: number): Promise<true> =>
    until(async () => (await page.locator(allPictures).count()) === count);

  test.each([
    ['the gallery', () => '/admin'],
    ['a person', personPage],
  ])('the page of %s shows what happens after it was read and before its stream begins', async (_, path) => {
    await sendPicture({ simulator, service }, 1);
    await until(() => isReady(1));
    const { page } = visitor;
    const release = await holdBack(page, '**/v1/events*');
    await page.goto(service.url + (await path()));
    await shows(page, 1);
    await sendPicture({ simulator, service }, 2);
    await until(() => isReady(2));
    release();
    await shows(page, 2);
  });

  test('the page of a person counts what happens after the person was read', async () => {
    await sendPicture({ simulator, service }, 1);
    await until(() => isReady(1));
    const { page } = visitor;
    await open(page);
    const release = await holdBack(page, /\/v1\/people\/z-api\/\d+$/, 'answers');
    const answered = page.waitForRequest(/\/v1\/people\/z-api\/\d+$/);
    await page.goto(service.url + (await personPage()));
    await answered;
    await page.getByText('Live', { exact: true }).first().waitFor();
    await sendPicture({ simulator, service }, 2);
    await until(() => isReady(2));
    release();
    await page.getByText('2 received').waitFor();
  });

  test('the one that the user looks at takes the stream over', async () => {
    const first = await open(visitor.page);
    await first.evaluate(`Object.defineProperty(document, 'visibilityState', { value: 'hidden' })`);
    const second = await open(await context.newPage());
    await until(() => streams.length === 2);
    await sendPicture({ simulator, service }, 1);
    await allShow([first, second], 1);
    expect(streams).toHaveLength(2);
    await second.close();
    await until(() => streams.length === 3);
    await sendPicture({ simulator, service }, 2);
    await allShow([first], 2);
  });

  test('one that is suspended is not waited for', async () => {
    const first = await open(visitor.page);
    // A page that neither answers nor passes anything on.
    await first.evaluate(`BroadcastChannel.prototype.postMessage = () => undefined`);
    const second = await open(await context.newPage());
    await sendPicture({ simulator, service }, 1);
    await allShow([second], 1);
    expect(streams).toHaveLength(2);
  });
});
