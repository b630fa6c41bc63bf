/** Somebody who looks for a picture and knows little about it. */
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';

import { describeInBrowser, expectAccessible, visit, type Visit } from '../support/browser.js';
import { daysAgo, fillGallery } from '../support/filled-gallery.js';
import { startTestService, type TestService } from '../support/test-service.js';
import { until } from '../support/until.js';

const fernanda = '5511900000123';

describeInBrowser('Searching', (browser) => {
  let service: TestService;
  let visitor: Visit;
  /** The day of her newest picture. */
  let newest: Date;
  beforeAll(async () => {
    service = await startTestService({ queue: false });
    // Whether a picture is of the last seven days stays the same if a day ends meanwhile.
    const hers = [2, 3, 4, 5, 9, 10, 11, 12].map(daysAgo);
    newest = hers[0] ?? new Date();
    await fillGallery(service, [
      ...hers.map((at, index) => ({
        person: fernanda,
        name: 'Fernanda Peçanha',
        caption: `Roof ${String(index)}`,
        at,
      })),
      ...Array.from({ length: 400 }, (_, index) => ({
        person: `5521900000${String(100 + (index % 40))}`,
        name: `Person ${String(index % 40)}`,
        caption: `Picture ${String(index)}`,
        at: daysAgo(1 + index / 10),
      })),
    ]);
  });
  afterEach(async () => {
    await visitor.close();
    expect(visitor.complaints).toEqual([]);
  });
  afterAll(() => service.stop());

  const open = async (path: string, size: 'desktop' | 'phone' = 'desktop'): Promise<Visit['page']> => {
    visitor = await visit(browser(), service.url, { token: service.token('media:read'), size });
    await visitor.page.goto(service.url + path);
    return visitor.page;
  };

  test.each(['desktop', 'phone'] as const)(
    'suggests people by a part of their name without accents, for the keyboard (%s)',
    async (size) => {
      const page = await open('/admin', size);
      const field = page.getByRole('combobox', { name: 'Search' });
      await field.fill('pecanha');
      const option = page.getByRole('option', { name: /Fernanda Peçanha/ });
      await option.getByText('+55 (11) 90000-0123').waitFor();
      await expectAccessible(page);
      await field.press('ArrowDown');
      expect(await option.getAttribute('aria-selected')).toBe('true');
      expect(await field.getAttribute('aria-activedescendant')).toBe(await option.getAttribute('id'));
      await field.press('Escape');
      await option.waitFor({ state: 'hidden' });
      expect(await field.inputValue()).toBe('pecanha');
      await field.fill('pecanh');
      await option.waitFor();
      await field.press('ArrowDown');
      await field.press('Enter');
      await page.waitForURL(`**/admin/people/z-api/${fernanda}`);
    },
  );

  test('finds a number as people write it, and shows the pictures of many days in one row', async () => {
    const page = await open('/admin');
    await page.getByRole('combobox', { name: 'Search' }).fill('+55 (11) 90000-0123');
    await until(async () => (await page.locator('.tile').count()) === 8);
    const rows = await page.locator('.grid .row').count();
    const headings = await page.locator('.grid h2').count();
    expect(rows).toBeLessThanOrEqual(headings + 1);
    expect(headings).toBeLessThanOrEqual(2);
    const day = newest.toLocaleDateString('en-US', { day: 'numeric', month: 'short' });
    await page.locator('.tile').first().getByText(day, { exact: true }).waitFor();
    await expectAccessible(page);
  });

  test('a period is chosen, stands in the address, and is removed again', async () => {
    const page = await open(`/admin?from=${fernanda}`);
    await until(async () => (await page.locator('.tile').count()) === 8);
    await page.getByLabel('Period').selectOption({ label: 'Last 7 days' });
    await until(async () => (await page.locator('.tile').count()) === 4);
    expect(page.url()).toMatch(/since=\d{4}-\d\d-\d\d&until=\d{4}-\d\d-\d\d/);
    await page.reload();
    await until(async () => (await page.locator('.tile').count()) === 4);
    expect(await page.getByLabel('Period').locator('option:checked').textContent()).toBe('Last 7 days');
    const month = newest.toLocaleDateString('en-US', { month: 'long', year: 'numeric' });
    await page.getByLabel('Period').selectOption({ label: month });
    await page.getByRole('heading', { name: month, exact: true }).waitFor();
    await page.getByLabel('Period').selectOption({ label: 'Any time' });
    await until(async () => (await page.locator('.tile').count()) === 8);
    expect(new URL(page.url()).search).toBe(`?from=${fernanda}`);
  });

  test('a reload returns to the place in the list, and from there to the newest', async () => {
    const page = await open('/admin?kind=image');
    await page.locator('.tile').first().waitFor();
    for (let turn = 0; turn < 6; turn += 1) {
      await page.evaluate('window.scrollBy(0, 900)');
      await page.evaluate('new Promise((next) => requestAnimationFrame(() => requestAnimationFrame(next)))');
    }
    await page.waitForURL('**/admin?kind=image&at=*');
    await page.reload();
    // The page may have written another place just before it was left.
    const place = new URL(page.url()).searchParams.get('at') ?? '';
    await page.locator(`.tile#media-${place}`).waitFor();
    expect(await page.locator('.tile').first().getAttribute('id')).toBe(`media-${place}`);
    await page.getByRole('button', { name: 'Show the newest' }).click();
    await page.waitForURL('**/admin?kind=image');
    await page.locator('.tile').first().getByText('Person 9', { exact: true }).waitFor({ state: 'attached' });
  });
});
