/** What is wrong with the service, in the gallery. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { describeInBrowser, expectAccessible, visit, type VisitOptions } from '../support/browser.js';
import { startTestService, type TestService } from '../support/test-service.js';

describeInBrowser('The alerts', (browser) => {
  let service: TestService;
  beforeAll(async () => {
    // Without the job that would end alerts whose cause it does not find.
    service = await startTestService({ queue: false });
    await service.database.query(
      `insert into alert (type, subject, channel, since, message)
       select type, subject, channel, now() - interval '2 days', 'the details' from (values
         ('alert.channel_silent', 'z-api', 'z-api'), ('alert.channel_refused', 'z-api', 'z-api'),
         ('alert.media_late', 'z-api', 'z-api'), ('alert.subscription_disabled', gen_random_uuid()::text, null),
         ('alert.spool_in_use', 'spool', null), ('alert.disk_filling', 'disk', null)) as wrong (type, subject, channel)`,
    );
  });
  afterAll(() => service.stop());

  type Page = Awaited<ReturnType<typeof visit>>['page'];

  async function inPage(
    path: string,
    work: (page: Page) => Promise<void>,
    options: VisitOptions = {},
  ): Promise<void> {
    const visitor = await visit(browser(), service.url, { token: service.token('admin'), ...options });
    try {
      await visitor.page.goto(service.url + path);
      await work(visitor.page);
    } finally {
      await visitor.close();
    }
    expect(visitor.complaints).toEqual([]);
  }

  async function expectAccessibleInBoth(page: Page): Promise<void> {
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      await expectAccessible(page);
    }
  }

  test('are listed with what to do, are counted, and lead to where they are mended', async () => {
    await inPage('/admin/attention', async (page) => {
      await page.getByText('The channel z-api has received nothing for a long time.').waitFor();
      await page.getByText('The disk of the service is filling up.').waitFor();
      expect(await page.locator('.alerts > li').count()).toBe(6);
      await page.getByRole('link', { name: /^Attention 6 that need attention$/ }).waitFor();
      await expectAccessibleInBoth(page);
      await page.getByRole('link', { name: 'Mend it: Subscriptions' }).click();
      await page.waitForURL('**/admin/subscriptions');
      await page.goto(`${service.url}/admin/attention?show=failed`);
      await page.getByRole('link', { name: /^Alerts 6$/ }).click();
      await page.getByRole('link', { name: 'Mend it: Late' }).click();
      await page.waitForURL('**/admin/attention?show=late');
    });
  });

  test('do not lead users to pages that they may not open', async () => {
    const token = service.token('media:read media:manage');
    const look = async (page: Page): Promise<void> => {
      await page.getByRole('link', { name: 'Mend it: Late' }).waitFor();
      expect(await page.getByRole('link', { name: /^Mend it: (?:Channels|Subscriptions)$/ }).count()).toBe(0);
    };
    await inPage('/admin/attention', look, { token });
  });

  test('speak the language of the user', async () => {
    const look = async (page: Page): Promise<void> => {
      await page.getByText('O disco do serviço está ficando cheio.').waitFor();
    };
    await inPage('/admin/attention', look, { locale: 'pt-BR' });
  });

  test('fit on a phone, and say when there are none', async () => {
    const look = async (page: Page): Promise<void> => {
      await page.locator('.alerts > li').first().waitFor();
      await expectAccessibleInBoth(page);
      await service.database.query('delete from alert');
      await page.reload();
      await page.getByText('There are no alerts.').waitFor();
      await expectAccessibleInBoth(page);
    };
    await inPage('/admin/attention?show=alerts', look, { size: 'phone' });
  });
});
