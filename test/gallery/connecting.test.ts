/**
 * Somebody who connects channels in a browser: the provider's view, the first webhook, and a test picture.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import sharp from 'sharp';

import { createSecrets, startSimulator, type Simulator } from '../../src/demo/providers/index.js';
import {
  describeInBrowser,
  expectAccessible,
  visit,
  type Visit,
  type VisitOptions,
} from '../support/browser.js';
import { call } from '../support/client.js';
import { startTestService, type TestService } from '../support/test-service.js';
import { until } from '../support/until.js';

const pictureFile = join(import.meta.dirname, '../../src/gallery/test-picture.png');

test('the test picture is what every provider accepts: a small PNG with 8 bits and without transparency', async () => {
  const file = await readFile(pictureFile);
  const { format, depth, channels, space, isPalette } = await sharp(file).metadata();
  expect({ format, depth, channels, space, isPalette }).toEqual({
    format: 'png',
    depth: 'uchar',
    channels: 3,
    space: 'srgb',
    isPalette: false,
  });
  expect(file.length).toBeLessThan(50_000);
});

describeInBrowser('Connecting a channel in a browser', (browser) => {
  const secrets = createSecrets();
  let simulator: Simulator;
  let service: TestService;
  let visitor: Visit;

  beforeAll(async () => {
    simulator = await startSimulator({ secrets, apis: { 'z-api': { reportDelayMs: 0 } } });
    service = await startTestService({ env: simulator.env() });
    simulator.reportTo(service.url);
  });
  afterEach(async () => {
    await visitor.close();
    expect(visitor.complaints).toEqual([]);
  });
  afterAll(async () => {
    await service.stop();
    await simulator.close();
  });

  const openConnection = async (channel: string, button: string, options: VisitOptions = {}) => {
    visitor = await visit(browser(), service.url, { token: service.token('admin'), ...options });
    const { page } = visitor;
    await page.goto(`${service.url}/admin/channels`);
    const heading = page.getByRole('heading', { name: channel, exact: true });
    const card = page.getByRole('listitem').filter({ has: heading });
    await card.getByRole('button', { name: button, exact: true }).click();
    return { page, dialog: page.getByRole('dialog', { name: `Connection of ${channel}` }) };
  };
  /** The browser writes every answer that is an error into its console. */
  const expectRefusal = (status: number): void => {
    const others = visitor.complaints.filter((one) => !one.includes(`status of ${String(status)}`));
    expect(others.length).toBeLessThan(visitor.complaints.length);
    visitor.complaints.splice(0, Infinity, ...others);
  };

  test('by keyboard: the provider takes the address, a webhook turns the light green, and a picture arrives', async () => {
    const { page, dialog } = await openConnection('z-api', 'Connect');
    await dialog.getByText('The provider calls no address yet.').waitFor();
    await expectAccessible(page);
    const connect = dialog.getByRole('button', { name: 'Connect', exact: true });
    await connect.focus();
    await page.keyboard.press('Enter');
    await dialog.getByText('The provider calls this channel.').waitFor();
    await dialog.getByRole('status').getByText('The provider calls this channel.').waitFor();

    await dialog.getByText('No webhook yet').waitFor();
    const { path, headers, body } = simulator.providers['z-api'].webhook({ kind: 'text', text: 'Hello' });
    expect((await fetch(service.url + path, { method: 'POST', headers, body })).status).toBe(200);
    await dialog.getByText(/^Last webhook: /).waitFor();
    await dialog.getByRole('status').getByText('A webhook has arrived.').waitFor({ state: 'attached' });
    await until(async () => (await dialog.locator('.light.green').count()) === 2);

    await dialog.getByLabel('Send it to').focus();
    await page.keyboard.type('5511999990000');
    await page.keyboard.press('Enter');
    await dialog.getByText(/^The picture has (arrived|been seen)\.$/).waitFor();
    const sha256 = createHash('sha256')
      .update(await readFile(pictureFile))
      .digest('hex');
    expect(simulator.providers['z-api'].api.accepted).toMatchObject([
      { to: '5511999990000', media: { type: 'image/png', sha256 } },
    ]);
    expect(await page.content()).not.toContain(secrets['z-api'].webhookSecret);
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    await page
      .getByText(/^Last webhook: /)
      .first()
      .waitFor();
  });

  test.each(['desktop', 'phone'] as const)('has no serious finding in either theme (%s)', async (size) => {
    const { page, dialog } = await openConnection('z-api', 'Connect', { size });
    await dialog.getByText('The provider calls this channel.').waitFor();
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      await expectAccessible(page);
    }
    const overflow = await page.evaluate<number>(
      "(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)(document.querySelector('dialog'))",
    );
    expect(overflow).toBeLessThanOrEqual(0);
  });

  test('a provider that calls another address is shown with it, until the channel is connected again', async () => {
    const { origin } = simulator.providers['z-api'].api;
    const { instanceId, token, clientToken } = secrets['z-api'];
    await fetch(`${origin}/instances/${instanceId}/token/${token}/update-webhook-received`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json', 'client-token': clientToken },
      body: JSON.stringify({ value: 'https://other.example.com/hook?key=of-another-system' }),
    });
    const { page, dialog } = await openConnection('z-api', 'Connect');
    await dialog.getByText('The provider calls another address: https://other.example.com/hook').waitFor();
    expect(await page.content()).not.toContain('of-another-system');
    await dialog.getByRole('button', { name: 'Connect', exact: true }).click();
    await dialog.getByText('The provider calls this channel.').waitFor();
    await dialog.getByRole('button', { name: 'Check again' }).click();
    await dialog.getByText('The provider calls this channel.').waitFor();
  });

  test('a provider without an API for it: the reason and the steps are shown, and a picture can be tried', async () => {
    const { dialog } = await openConnection('blip', 'Set up');
    await dialog.getByText(/^Blip documents no command that sets the addresses of a bot/).waitFor();
    await dialog.getByText(`${service.url}/webhooks/blip`, { exact: false }).first().waitFor();
    expect(await dialog.getByRole('button', { name: 'Connect', exact: true }).count()).toBe(0);
    await dialog.getByLabel('Send it to').fill('nobody in particular');
    await dialog.getByRole('button', { name: 'Send a test picture' }).click();
    await dialog.getByRole('alert').getByText(/^To: /).waitFor();
    expectRefusal(422);
  });

  test('a channel that is added is connected in the next step, without copying anything', async () => {
    const { instanceId, token, clientToken } = secrets['z-api'];
    visitor = await visit(browser(), service.url, { token: service.token('admin') });
    const { page } = visitor;
    await page.goto(`${service.url}/admin/channels`);
    await page.getByRole('button', { name: 'Add channel' }).click();
    const form = page.getByRole('dialog', { name: 'Add a channel' });
    await form.getByRole('combobox').selectOption('z-api');
    await form.getByLabel('Name').fill('Shop in Olinda');
    const settings = { instanceId, token, clientToken, apiUrl: simulator.providers['z-api'].api.origin };
    for (const [name, value] of Object.entries(settings))
      await form.locator(`[name="setting ${name}"]`).fill(value);
    await form.getByRole('button', { name: 'Add', exact: true }).click();
    const shown = page.getByRole('dialog', { name: 'Connect Shop in Olinda' });
    await shown.getByText('In the next step, Inlet can tell the provider both.').waitFor();
    await shown.getByRole('button', { name: 'I have copied it' }).click();

    const dialog = page.getByRole('dialog', { name: 'Connection of Shop in Olinda' });
    await dialog.getByRole('button', { name: 'Connect', exact: true }).click();
    await dialog.getByText('The provider calls this channel.').waitFor();
  });

  test('a refusal of the provider is shown with its words', async () => {
    const { instanceId } = secrets['z-api'];
    const settings = {
      instanceId,
      token: 'of-another-instance',
      apiUrl: simulator.providers['z-api'].api.origin,
    };
    const json = { id: 'recife', provider: 'z-api', name: 'Shop in Recife', settings };
    const made = await call(service.url, '/v1/channels', {
      method: 'post',
      token: service.token('admin'),
      json,
    });
    expect(made.status).toBe(201);
    const { dialog } = await openConnection('Shop in Recife', 'Connect');
    const said = 'Z-API refused the call (400): Instance not found.';
    await dialog.getByRole('alert').getByText(said).waitFor();
    await dialog.getByRole('button', { name: 'Connect', exact: true }).click();
    await dialog.getByRole('alert').getByText(said).waitFor();
    await dialog.getByText('Set it by hand').click();
    await dialog.getByText('"on receive"').waitFor();
    expectRefusal(409);
  });
});
