/** Somebody who installs the gallery as an app, and shares pictures with it. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';

import { photo } from '../../src/demo/photos.js';
import {
  describeInBrowser,
  enterToken,
  expectAccessible,
  visit,
  type Visit,
  type VisitOptions,
} from '../support/browser.js';
import { startCourier, type Courier } from '../support/courier.js';
import { startTestService, type TestService } from '../support/test-service.js';
import { until } from '../support/until.js';

describeInBrowser('The installed gallery', (browser) => {
  let courier: Courier;
  let service: TestService;
  let visitor: Visit;
  let page: Page;
  let picture: string;
  let before: number;

  beforeAll(async () => {
    courier = await startCourier();
    service = await startTestService({ channels: [courier.channel] });
    picture = (await photo({ seed: 1, width: 320, height: 240 })).toString('base64');
  });
  beforeEach(() => {
    before = courier.handed.length;
  });
  afterEach(async () => {
    await visitor.context.close();
    expect(visitor.complaints).toEqual([]);
  });
  afterAll(async () => {
    await service.stop();
    courier.close();
  });

  const enter = async (options: VisitOptions): Promise<void> => {
    visitor = await visit(browser(), service.url, { ...options, isNew: true });
    ({ page } = visitor);
    await page.goto(`${service.url}/admin`);
  };
  const sender = (): VisitOptions => ({ token: service.token('media:read messages:send') });
  /** What was sent in this test. */
  const handed = () => courier.handed.slice(before);
  const form = () => page.getByRole('dialog', { name: 'Send a picture' });

  /** Posts files as the browser does when another app shares them. */
  const share = async (names: readonly string[]): Promise<void> => {
    await page.evaluate(`(async () => {
      const bytes = Uint8Array.from(atob('${picture}'), (character) => character.charCodeAt(0));
      const data = new DataTransfer();
      for (const name of ${JSON.stringify(names)}) data.items.add(new File([bytes, name], name, { type: 'image/jpeg' }));
      const form = document.createElement('form');
      form.method = 'post';
      form.enctype = 'multipart/form-data';
      form.action = '/admin/share-target';
      const input = document.createElement('input');
      input.type = 'file';
      input.name = 'files';
      input.multiple = true;
      input.files = data.files;
      form.append(input);
      document.body.append(form);
      form.submit();
    })()`);
    await page.waitForURL('**/admin/sent?shared');
  };
  const waitForWorker = () =>
    until(() =>
      page.evaluate<boolean>(
        `navigator.serviceWorker.getRegistration('/admin/share-target').then((found) => found?.active != null)`,
      ),
    );

  test('can be installed', async () => {
    await enter(sender());
    const developerTools = await visitor.context.newCDPSession(page);
    const { errors, data = '' } = await developerTools.send('Page.getAppManifest');
    expect(errors).toEqual([]);
    const { installabilityErrors } = await developerTools.send('Page.getInstallabilityErrors');
    // The pages of this browser are private ones.
    expect(installabilityErrors.filter(({ errorId }) => errorId !== 'in-incognito')).toEqual([]);
    const manifest = JSON.parse(data) as { icons: { src: string; sizes: string }[]; start_url: string };
    expect(manifest.start_url).toBe('/admin');
    for (const { src, sizes } of manifest.icons) {
      const icon = await page.evaluate(`(async () => {
        const { width, height } = await createImageBitmap(await (await fetch('${src}')).blob());
        return width + 'x' + height;
      })()`);
      expect(icon).toBe(sizes);
    }
  });

  test('offers a shared picture, and sends it when the user says so', async () => {
    await enter(sender());
    await waitForWorker();
    await share(['Blumenstrauß 💐.jpg']);
    await form().getByText('Blumenstrauß 💐.jpg').waitFor();
    await expectAccessible(page);
    await page.reload();
    await form().getByText('Blumenstrauß 💐.jpg').waitFor();
    expect(handed()).toEqual([]);
    expect(await service.database.query('select from blob')).toEqual([]);

    await form().getByRole('combobox').first().selectOption('courier');
    await form().getByLabel('To', { exact: true }).fill('5511999990000');
    await form().getByRole('button', { name: 'Send', exact: true }).click();
    await form().waitFor({ state: 'hidden' });
    await until(() => handed().length === 1);
    expect(handed()).toMatchObject([{ to: '5511999990000' }]);
    expect(page.url()).toBe(`${service.url}/admin/sent`);
    await page.goto(`${service.url}/admin/sent?shared`);
    await page.getByText('There is no shared file').waitFor();
  });

  test('offers several, and forgets them when the form is closed', async () => {
    await enter(sender());
    await waitForWorker();
    await share(['one.jpg', 'two.jpg']);
    await form().getByText('File: 2 files, one.jpg, two.jpg').waitFor();
    await form().getByRole('combobox').first().selectOption('courier');
    await form().getByLabel('To', { exact: true }).fill('5511999990000');
    await form().getByLabel('Caption').fill('Both');
    await form().getByRole('button', { name: 'Send', exact: true }).click();
    await form().waitFor({ state: 'hidden' });
    await until(() => handed().length === 2);
    expect(handed().map(({ caption }) => caption)).toEqual(['Both', null]);

    await share(['three.jpg']);
    await form().getByRole('button', { name: 'Cancel' }).click();
    await page.goto(`${service.url}/admin/sent?shared`);
    await page.getByText('There is no shared file').waitFor();
    expect(handed()).toHaveLength(2);
  });

  test('keeps the picture of a visitor who has to sign in first', async () => {
    await enter({});
    await waitForWorker();
    await share(['before.jpg']);
    await page.getByText('Sign in to send what you have shared.').waitFor();
    await enterToken(page, service.token('media:read messages:send'));
    await form().getByText('before.jpg').waitFor();
  });

  test('tells users whose role does not allow sending', async () => {
    await enter({ token: service.token('media:read') });
    await waitForWorker();
    await share(['mine.jpg']);
    await page.getByText('Your role does not allow sending').waitFor();
    await page.getByRole('button', { name: 'Close' }).click();
    await page.waitForURL(`${service.url}/admin/sent`);
  });

  test('tells that a file was lost when the browser has no worker for it', async () => {
    await enter(sender());
    await waitForWorker();
    await page.evaluate(
      `navigator.serviceWorker.getRegistration('/admin/share-target').then((found) => found.unregister())`,
    );
    await share(['lost.jpg']);
    await page.getByText('There is no shared file').waitFor();
    expect(await service.database.query(`select from media where filename = 'lost.jpg'`)).toEqual([]);
  });
});
