/** Somebody who sends pictures from the gallery, and sees what becomes of them. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';

import { photo } from '../../src/demo/photos.js';
import { describeInBrowser, expectAccessible, visit, type Visit } from '../support/browser.js';
import { refuse, startCourier, type Courier } from '../support/courier.js';
import { startTestService, type TestService } from '../support/test-service.js';

describeInBrowser('Sending from the gallery', (browser) => {
  let courier: Courier;
  let service: TestService;
  let visitor: Visit;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'inlet-test-sending-'));
    courier = await startCourier();
    service = await startTestService({ channels: [courier.channel] });
    await writeFile(join(folder, 'roses.jpg'), await photo({ seed: 1, width: 640, height: 480 }));
  });
  afterEach(async () => {
    await visitor.close();
    expect(visitor.complaints).toEqual([]);
  });
  afterAll(async () => {
    await service.stop();
    courier.close();
    await rm(folder, { recursive: true });
  });

  const openForm = async (): Promise<Visit['page']> => {
    visitor = await visit(browser(), service.url, { token: service.token('media:read messages:send') });
    const { page } = visitor;
    await page.goto(`${service.url}/admin`);
    await page.getByRole('link', { name: 'Sent', exact: true }).click();
    await page.getByRole('button', { name: 'Send a picture' }).click();
    await page.getByRole('dialog').getByRole('combobox').first().selectOption('courier');
    return page;
  };

  test('a picture is chosen, its limits are seen, and its state appears by itself', async () => {
    const page = await openForm();
    const form = page.getByRole('dialog', { name: 'Send a picture' });
    await form.getByText(/Picture: .*JPEG.*, up to/).waitFor();
    await expectAccessible(page);
    await form.getByLabel('File').setInputFiles(join(folder, 'roses.jpg'));
    await form.getByLabel('To', { exact: true }).fill('5511999990000');
    await form.getByLabel('Caption').fill('The roses');
    await form.getByRole('button', { name: 'Send', exact: true }).click();
    const row = page.getByRole('listitem').filter({ hasText: 'The roses' });
    await row.getByText('Sent', { exact: true }).waitFor();
    expect(courier.handed).toMatchObject([{ to: '5511999990000', caption: 'The roses' }]);
    await expectAccessible(page);

    await row.getByRole('link').click();
    const viewer = page.getByRole('dialog');
    await viewer.getByText(/^Sent, /).waitFor();
  });

  test('a file is dropped; what the provider would not take is refused in the form, and nothing is sent', async () => {
    const before = courier.handed.length;
    const page = await openForm();
    const form = page.getByRole('dialog', { name: 'Send a picture' });
    const bytes = (await readFile(join(folder, 'roses.jpg'))).toString('base64');
    const dropped = await page.evaluateHandle(`(() => {
      const data = new DataTransfer();
      const bytes = Uint8Array.from(atob('${bytes}'), (character) => character.charCodeAt(0));
      data.items.add(new File([bytes], 'dropped.jpg', { type: 'image/jpeg' }));
      return data;
    })()`);
    await form.locator('.drop').dispatchEvent('drop', { dataTransfer: dropped });
    await form.getByText('dropped.jpg').waitFor();
    await form.getByLabel('To', { exact: true }).fill('my friend');
    await form.getByRole('button', { name: 'Send', exact: true }).click();
    await form.getByRole('alert').waitFor();
    expect(courier.handed).toHaveLength(before);
    visitor.complaints.splice(
      0,
      Infinity,
      ...visitor.complaints.filter((one) => !one.includes('status of 422')),
    );
  });

  test('what the provider has refused is shown with its words', async () => {
    courier.answer(refuse);
    const page = await openForm();
    const form = page.getByRole('dialog', { name: 'Send a picture' });
    await form.getByLabel('File').setInputFiles(join(folder, 'roses.jpg'));
    await form.getByLabel('To', { exact: true }).fill('5511999990001');
    await form.getByRole('button', { name: 'Send', exact: true }).click();
    const row = page.getByRole('listitem').filter({ hasText: '5511999990001' });
    await row.getByText('Failed', { exact: true }).waitFor();
    await row.getByText('Message undeliverable', { exact: true }).waitFor();
    await row.getByText('Technical details').click();
    await row.getByText('131026: Message undeliverable').waitFor();
  });
});
