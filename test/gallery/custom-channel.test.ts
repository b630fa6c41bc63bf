/**
 * Somebody who describes a custom channel in a browser: an example, a pasted sample, mistakes, and the channel
 * that comes of it.
 */
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import type { Locator, Page } from 'playwright-core';

import { bytes, startMediaHost, type MediaHost } from '../../src/demo/media-host.js';
import { photo } from '../../src/demo/photos.js';
import {
  describeInBrowser,
  expectAccessible,
  visit,
  type Visit,
  type VisitOptions,
} from '../support/browser.js';
import { call } from '../support/client.js';
import { startTestService, type TestService } from '../support/test-service.js';

describeInBrowser('Describing a custom channel in a browser', (browser) => {
  let host: MediaHost;
  let service: TestService;
  let visitor: Visit;

  beforeAll(async () => {
    host = await startMediaHost();
    service = await startTestService({ mediaHosts: [host.host] });
  });
  afterEach(async () => {
    await visitor.close();
    expect(visitor.complaints).toEqual([]);
  });
  afterAll(async () => {
    await service.stop();
    await host.close();
  });

  const open = async (options: VisitOptions = {}): Promise<Page> => {
    visitor = await visit(browser(), service.url, { token: service.token('admin'), ...options });
    const { page } = visitor;
    await page.goto(`${service.url}/admin/channels`);
    await page.getByRole('link', { name: 'Custom channel' }).click();
    await page.getByLabel('Start from an example').waitFor();
    return page;
  };
  /** The field of a setting, whose label begins with its name. */
  const setting = (page: Page, name: string): Locator =>
    page
      .locator('label.field')
      .filter({ has: page.getByText(name, { exact: true }) })
      .locator('input, textarea');
  const sample = (page: Page): Locator => page.getByLabel('Body of a webhook');
  const result = (page: Page): Locator =>
    page.locator('section').filter({ has: page.getByRole('heading', { name: 'Preview' }) });
  /** The value of a fact of the preview. */
  const fact = (page: Page, name: string): Locator =>
    result(page)
      .locator('.preview-facts > div')
      .filter({ has: page.getByText(name, { exact: true }) })
      .locator('dd')
      .first();
  const choose = async (page: Page, example: string): Promise<void> => {
    await page.getByLabel('Start from an example').selectOption({ label: example });
    await result(page).getByText('Files would be downloaded.').waitFor();
  };
  /** The browser writes every answer that is an error into its console. */
  const expectRefusal = (status: number): void => {
    const others = visitor.complaints.filter((one) => !one.includes(`status of ${String(status)}`));
    expect(others.length).toBeLessThan(visitor.complaints.length);
    visitor.complaints.splice(0, Infinity, ...others);
  };

  test('an example fills the settings and the sample, and its events are shown', async () => {
    const page = await open();
    await result(page).getByText('Paste the body of a webhook, or choose an example.').waitFor();
    await choose(page, 'Evolution API (WhatsApp)');
    expect(await fact(page, 'from').innerText()).toBe('5511900000017');
    expect(await fact(page, 'caption').innerText()).toBe('The colour');
    expect(await fact(page, 'in the webhook').innerText()).toMatch(/^\/data\/message\/base64, \d+ B$/);
    expect(await setting(page, 'events').inputValue()).toContain('messages.upsert');
    await page.getByText('Add a header X-Inlet-Token with the secret of this channel').waitFor();
    const source = page.getByRole('link', { name: 'the public documentation' });
    expect(await source.getAttribute('href')).toMatch(/^https:\/\/doc\.evolution-api\.com\//);

    await choose(page, 'Tally (forms)');
    await fact(page, 'chat').getByText('Damage report').waitFor();
    expect(await fact(page, 'link').innerText()).toBe('https://storage.tally.example/u00001.jpg');
    await page.locator('summary').filter({ hasText: 'Verification' }).click();
    expect(await setting(page, 'proofName').inputValue()).toBe('Tally-Signature');
    expect(await setting(page, 'mediaHosts').inputValue()).toBe('');
  });

  test('every mistake is named while it is typed, and gone when it is mended', async () => {
    const page = await open();
    await choose(page, 'An app of your own');
    const events = setting(page, 'events');
    const expression = await events.inputValue();
    const alert = result(page).getByRole('alert');

    await events.fill(expression.slice(0, -1));
    await alert.getByText(/is not JSONata near character \d+/).waitFor();
    await events.fill(expression.replace('"from": driver.phone', '"from": -driver.phone'));
    await result(page)
      .getByText(/^the expression failed near character \d+: Cannot negate/)
      .waitFor();
    await events.fill(expression.replace('"kind": kind', '"kind": "photo"'));
    await result(page)
      .getByText(/^events\[0\]\.media\[0\]\.kind must be one of image/)
      .waitFor();
    // The picture is shown nevertheless, because it would be downloaded.
    await fact(page, 'link').getByText('https://files.app.example.com/000017.jpg').waitFor();
    await events.fill('($f := function($n){ $f($n + 1) }; $f(0))');
    await result(page)
      .getByText(/^the expression took longer than 2 s/)
      .waitFor();
    await events.fill(expression);
    await result(page).getByText('Files would be downloaded.').waitFor();

    const body = await sample(page).inputValue();
    await sample(page).fill(body.slice(1));
    await alert.getByText('the body is not JSON').waitFor();
    await sample(page).fill('');
    await result(page).getByText('Paste the body of a webhook, or choose an example.').waitFor();
    await sample(page).fill('{"event": "note"}');
    await result(page).getByText('This webhook would be ignored.').waitFor();
    expect(await alert.count()).toBe(0);
  });

  test('hostile texts of a sample are texts, and no link is one', async () => {
    const page = await open();
    const caption = '<img src=x onerror="document.title = \'taken\'"><b>bold</b>';
    await sample(page).fill(JSON.stringify({ caption, url: 'javascript:document.title="taken"' }));
    await setting(page, 'events').fill(
      '{"type": "message", "id": 1, "from": 1, "caption": caption, "media": {"kind": "image", "url": url}}',
    );
    await fact(page, 'caption').getByText(caption, { exact: true }).waitFor();
    await fact(page, 'link').getByText('javascript:', { exact: false }).waitFor();
    expect(await result(page).locator('img, b:text("bold"), a').count()).toBe(0);
    expect(await page.title()).not.toBe('taken');
  });

  test('a pasted sample becomes a channel, which receives its picture', async () => {
    const page = await open();
    const picture = bytes('image/jpeg', await photo({ seed: 1, width: 640, height: 480 }));
    const link = host.serve('/pasted.jpg', picture);
    const form = new URLSearchParams({ number: '17', person: 'rosa@example.org', note: 'Here it is', link });
    await setting(page, 'body').fill('form');
    await sample(page).fill(form.toString());
    await setting(page, 'events').fill(
      '{"type": "message", "id": number, "from": person, "caption": note, "media": {"kind": "image", "url": link}}',
    );
    await fact(page, 'from').getByText('rosa@example.org').waitFor();
    await page.getByLabel('Name', { exact: true }).fill('Reports');
    await page.getByLabel('ID (used in the webhook URL)').fill('reports');
    await page.getByRole('button', { name: 'Create channel' }).click();

    const shown = page.getByRole('dialog', { name: 'Connect Reports' });
    const address = await shown.getByLabel('Webhook URL', { exact: true }).inputValue();
    const secret = await shown.getByLabel('Webhook secret', { exact: true }).inputValue();
    expect(address).toBe(`${service.url}/webhooks/reports`);
    await shown.getByRole('button', { name: 'I have copied it' }).click();
    const card = page.getByRole('listitem').filter({ hasText: 'Reports' });
    await card.waitFor();
    expect(await page.content()).not.toContain(secret);

    const post = (token: string) =>
      fetch(address, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded', 'x-inlet-token': token },
        body: form.toString(),
      });
    expect((await post('not the secret')).status).toBe(401);
    expect((await post(secret)).status).toBe(200);
    await card.getByRole('link', { name: 'View media' }).click();
    await page.getByRole('link', { name: /Here it is/ }).waitFor();
  });

  test('a channel that cannot be created says why, and what was typed stays', async () => {
    const token = service.token('admin');
    const json = { id: 'taken', provider: 'custom', settings: {} };
    await call(service.url, '/v1/channels', { method: 'post', token, json });
    const page = await open();
    await choose(page, 'WAHA (WhatsApp)');
    await page.getByLabel('ID (used in the webhook URL)').fill('taken');
    await page.getByRole('button', { name: 'Create channel' }).click();
    await page.locator('form').getByRole('alert').waitFor();
    expectRefusal(409);
    expect(await setting(page, 'events').inputValue()).toContain('message.ack');
    await page.getByLabel('ID (used in the webhook URL)').fill('Not An Id');
    await page.getByRole('button', { name: 'Create channel' }).click();
    await page.locator('form').getByRole('alert').getByText(/id/i).first().waitFor();
    expectRefusal(400);
    const { status } = await call(service.url, '/v1/channels/Not%20An%20Id', { token });
    expect(status).toBe(404);
  });

  test.each(['desktop', 'phone'] as const)(
    'with everything open, it has no serious finding in either theme (%s)',
    async (size) => {
      const page = await open({ size });
      await choose(page, '360dialog (WhatsApp)');
      await page.evaluate(
        'for (const details of document.querySelectorAll(".draft details")) details.open = true',
      );
      const expectSound = async (): Promise<void> => {
        for (const colorScheme of ['light', 'dark'] as const) {
          await page.emulateMedia({ colorScheme });
          await expectAccessible(page);
        }
        const overflow = await page.evaluate<number>(
          'document.documentElement.scrollWidth - document.documentElement.clientWidth',
        );
        expect(overflow).toBeLessThanOrEqual(0);
      };
      await expectSound();
      await setting(page, 'events').fill('{');
      await result(page).getByRole('alert').waitFor();
      await expectSound();
    },
  );
});
