/**
 * Every page, light and dark, on a desk and on a telephone: usable by those who do not see or do not use a
 * mouse.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { bytes } from '../../src/demo/media-host.js';
import { photo } from '../../src/demo/photos.js';
import { startSimulator, type Simulator } from '../../src/demo/providers/index.js';
import type { Webhook } from '../../src/demo/providers/simulated-provider.js';
import { describeInBrowser, expectAccessible, visit, type VisitOptions } from '../support/browser.js';
import { startTestService, type TestService } from '../support/test-service.js';
import { until } from '../support/until.js';

describeInBrowser('Every page', (browser) => {
  let simulator: Simulator;
  let service: TestService;
  beforeAll(async () => {
    simulator = await startSimulator();
    service = await startTestService({ env: simulator.env() });
    const { 'z-api': zApi, aisoule } = simulator.providers;
    const picture = bytes('image/jpeg', await photo({ seed: 1, width: 640, height: 480 }));
    const post = (webhook: Webhook) => fetch(service.url + webhook.path, { method: 'POST', ...webhook });
    await post(zApi.webhook({ kind: 'image', url: zApi.publish(picture), name: 'Ana', caption: 'Look!' }));
    await post(zApi.webhook({ kind: 'malformed' }));
    await post(aisoule.webhook({ kind: 'image', url: 'http://169.254.169.254/photo.jpg' }));
    await until(async () => {
      const rows = await service.database.query("select 1 from media where state in ('ready', 'rejected')");
      return rows.length === 2;
    });
  });
  afterAll(async () => {
    await service.stop();
    await simulator.close();
  });

  const look = async (path: string, heading: string, options: VisitOptions): Promise<void> => {
    const visitor = await visit(browser(), service.url, options);
    const { page } = visitor;
    try {
      await page.goto(service.url + path);
      await page.getByRole('heading', { name: heading }).first().waitFor();
      await page.waitForLoadState('load');
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        await expectAccessible(page);
      }
      expect(await page.title()).not.toBe('Inlet');
      const overflow = await page.evaluate<number>(
        'document.documentElement.scrollWidth - document.documentElement.clientWidth',
      );
      expect(overflow).toBeLessThanOrEqual(0);
    } finally {
      await visitor.close();
    }
    expect(visitor.complaints).toEqual([]);
  };

  const pages = [
    ['/admin', 'Today'],
    ['/admin?kind=video', 'Nothing found'],
    ['/admin/attention?show=rejected', 'Needs attention'],
    ['/admin/attention?show=malformed', 'Needs attention'],
    ['/admin/overview', 'Received per day'],
    ['/admin/sent', 'Nothing sent yet'],
    ['/admin/shares', 'Nothing is shared'],
    ['/admin/channels', 'z-api'],
    ['/admin/channels/custom', 'Custom channel'],
    ['/admin/subscriptions', 'No subscriptions yet'],
    ['/admin/users', 'No users yet'],
    ['/admin/tokens', 'Tokens'],
    ['/admin/audit', 'Audit'],
    ['/admin/no-such-page', 'Page not found'],
  ] as const;
  const sizes = ['desktop', 'phone'] as const;

  test.each(sizes.flatMap((size) => pages.map(([path, heading]) => ({ path, heading, size }))))(
    '$path has no serious finding in either theme ($size)',
    async ({ path, heading, size }) => {
      await look(path, heading, { size, token: service.token('admin') });
    },
  );

  test.each(sizes)('signing in has no serious finding in either theme (%s)', async (size) => {
    await look('/admin', 'Sign in to Inlet', { size });
  });

  test.each(sizes)('one picture has no serious finding in either theme (%s)', async (size) => {
    const [row] = await service.database.query<{ id: string }>("select id from media where state = 'ready'");
    await look(`/admin/media/${row?.id ?? ''}`, 'Ana', { size, token: service.token('admin') });
  });

  test.each(['sent', 'channels', 'subscriptions', 'users', 'tokens'])(
    'the form of %s has no serious finding',
    async (name) => {
      const visitor = await visit(browser(), service.url, { token: service.token('admin') });
      await visitor.page.goto(`${service.url}/admin/${name}`);
      await visitor.page.locator('.page-head .button.primary').click();
      await visitor.page.getByRole('dialog').waitFor();
      await expectAccessible(visitor.page);
      await visitor.page.keyboard.press('Escape');
      await until(async () => (await visitor.page.getByRole('dialog').count()) === 0);
      await visitor.close();
      expect(visitor.complaints).toEqual([]);
    },
  );

  test('the grid is walked through with the arrow keys', async () => {
    const visitor = await visit(browser(), service.url, { token: service.token('admin') });
    await visitor.page.goto(`${service.url}/admin`);
    await visitor.page.locator('.tile').first().focus();
    await visitor.page.keyboard.press('ArrowRight');
    await visitor.page.keyboard.press('Enter');
    await visitor.page.getByRole('dialog').getByRole('heading', { name: 'Ana' }).waitFor();
    await visitor.close();
  });

  test('a chosen theme is kept', async () => {
    const visitor = await visit(browser(), service.url, { token: service.token('admin') });
    await visitor.page.goto(`${service.url}/admin/audit`);
    const ground = () =>
      visitor.page.evaluate('getComputedStyle(document.body.parentElement).backgroundColor');
    const light = await ground();
    await visitor.page.getByRole('button', { name: 'Theme: system' }).click();
    await visitor.page.getByRole('button', { name: 'Theme: light' }).click();
    const dark = await ground();
    expect(dark).not.toBe(light);
    await visitor.page.reload();
    await visitor.page.getByRole('button', { name: 'Theme: dark' }).waitFor();
    expect(await ground()).toBe(dark);
    await visitor.close();
  });
});
