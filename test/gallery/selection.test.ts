/** Somebody who selects several files in the grid and does something with all of them. */
import { readFile } from 'node:fs/promises';

import { afterAll, afterEach, beforeEach, beforeAll, expect, test } from '@jest/globals';

import { bytes } from '../../src/demo/media-host.js';
import { photo } from '../../src/demo/photos.js';
import { startSimulator, type Simulator } from '../../src/demo/providers/index.js';
import { describeInBrowser, expectAccessible, visit, type Visit } from '../support/browser.js';
import { startTestService, type TestService } from '../support/test-service.js';
import { until } from '../support/until.js';

describeInBrowser('Selecting in the gallery', (browser) => {
  let simulator: Simulator;
  let service: TestService;
  let visitor: Visit;

  beforeAll(async () => {
    simulator = await startSimulator();
  });
  beforeEach(async () => {
    service = await startTestService({ env: simulator.env() });
    const zApi = simulator.providers['z-api'];
    for (const name of ['Ana', 'Bruno', 'Carla', 'Dora']) {
      const url = zApi.publish(
        bytes('image/jpeg', await photo({ seed: name.length, width: 320, height: 240 })),
      );
      const webhook = zApi.webhook({ kind: 'image', url, name });
      await fetch(service.url + webhook.path, { method: 'POST', ...webhook });
    }
    await until(async () => (await stateCount('ready')) === 4);
  });
  afterEach(async () => {
    await visitor.close();
    await service.stop();
    expect(visitor.complaints).toEqual([]);
  });
  afterAll(() => simulator.close());

  async function stateCount(state: string): Promise<number> {
    return (await service.database.query('select 1 from media where state = $1', [state])).length;
  }

  async function open(scope: string, size: 'desktop' | 'phone' = 'desktop'): Promise<Visit['page']> {
    visitor = await visit(browser(), service.url, { token: service.token(scope), size });
    const { page } = visitor;
    await page.goto(`${service.url}/admin`);
    await page.getByRole('link', { name: /from Ana/ }).waitFor();
    return page;
  }

  const selected = (count: number) =>
    visitor.page
      .getByRole('region', { name: 'Selection' })
      .getByText(`${String(count)} selected`)
      .waitFor();
  const mark = (name: string) =>
    visitor.page.getByRole('checkbox', { name: new RegExp(`^Select: Picture from ${name}`) });

  test('with clicks and Shift, and downloads them as an archive or a table', async () => {
    const page = await open('media:read');
    await page.getByRole('link', { name: /from Dora/ }).hover();
    await mark('Dora').click();
    await selected(1);
    await page.getByRole('link', { name: /from Bruno/ }).click({ modifiers: ['Shift'] });
    await selected(3);
    expect(await page.getByRole('button', { name: 'Erase' }).count()).toBe(0);
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      await expectAccessible(page);
    }
    const [table] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'CSV' }).click(),
    ]);
    const lines = (await readFile(await table.path(), 'utf8')).trim().split('\n');
    expect(lines).toHaveLength(4);
    const [archive] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'ZIP' }).click(),
    ]);
    expect(archive.suggestedFilename()).toMatch(/\.zip$/);
    expect((await readFile(await archive.path())).subarray(0, 2).toString()).toBe('PK');
  });

  test('with clicks on tiles and marks, none of which opens a file until the selection has ended', async () => {
    const page = await open('media:read');
    await page.getByRole('link', { name: /from Dora/ }).hover();
    await mark('Dora').click();
    await page.getByRole('link', { name: /from Ana/ }).click();
    await selected(2);
    await mark('Bruno').click({ modifiers: ['Shift'] });
    await selected(3);
    expect(await mark('Bruno').isChecked()).toBe(true);
    await page.getByRole('link', { name: /from Dora/ }).click();
    await selected(2);
    expect(await mark('Dora').isChecked()).toBe(false);
    expect(new URL(page.url()).pathname).toBe('/admin');
    await page.getByRole('link', { name: /from Ana/ }).click();
    await page.getByRole('link', { name: /from Bruno/ }).click();
    await until(async () => (await page.getByRole('region', { name: 'Selection' }).count()) === 0);
    await page.getByRole('link', { name: /from Ana/ }).click();
    await page.getByRole('dialog').getByRole('heading', { name: 'Ana' }).waitFor();
  });

  test('with the keyboard, and erases them after asking', async () => {
    const page = await open('admin');
    await page.getByRole('link', { name: /from Dora/ }).focus();
    await page.keyboard.press('Control+a');
    await selected(4);
    await page.keyboard.press('Escape');
    await until(async () => (await page.getByRole('region', { name: 'Selection' }).count()) === 0);
    await page.keyboard.press(' ');
    await page.keyboard.press('Shift+ArrowRight');
    await selected(2);
    await page.getByRole('button', { name: 'Erase' }).click();
    const confirm = page.getByRole('dialog', { name: 'Permanently delete 2 files?' });
    await confirm.getByRole('button', { name: 'Erase' }).click();
    await until(async () => (await stateCount('erased')) === 2);
    await until(async () => (await page.locator('.tile.erased').count()) === 2);
    expect(await stateCount('ready')).toBe(2);
    await until(async () => (await page.getByRole('region', { name: 'Selection' }).count()) === 0);
  });

  test('with a long press of a finger, after which a tap selects as well', async () => {
    const page = await open('admin', 'phone');
    const box = await page.getByRole('link', { name: /from Dora/ }).boundingBox();
    const touchPoints = [{ x: (box?.x ?? 0) + 40, y: (box?.y ?? 0) + 40 }];
    const fingers = await visitor.context.newCDPSession(page);
    await fingers.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints });
    await selected(1);
    await page.waitForTimeout(800); // A finger may stay for longer than the press needs.
    await fingers.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
    await page.waitForTimeout(800);
    await selected(1);
    expect(await mark('Dora').isChecked()).toBe(true);
    await page.getByRole('link', { name: /from Ana/ }).tap();
    await selected(2);
    expect(await mark('Ana').isChecked()).toBe(true);
    expect(await page.getByRole('dialog').count()).toBe(0);
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Clear the selection' }).click();
    await page.getByRole('link', { name: /from Ana/ }).tap();
    await page.getByRole('dialog').getByRole('heading', { name: 'Ana' }).waitFor();
  });
});
