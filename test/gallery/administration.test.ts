/** Somebody who sets Inlet up: channels, subscriptions and tokens, as they are made in a browser. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { Webhook } from 'standardwebhooks';

import { bytes, startMediaHost, type MediaHost } from '../../src/demo/media-host.js';
import { photo } from '../../src/demo/photos.js';
import { describeInBrowser, visit, type Visit } from '../support/browser.js';
import { call } from '../support/client.js';
import { picture } from '../support/payloads.js';
import { startTestService, type TestService } from '../support/test-service.js';
import { until } from '../support/until.js';

interface Post {
  readonly headers: Record<string, string>;
  readonly body: string;
}

describeInBrowser('Setting up in a browser', (browser) => {
  let host: MediaHost;
  let receiver: Server;
  let posts: Post[];
  let service: TestService;
  let visitor: Visit;

  beforeAll(async () => {
    posts = [];
    receiver = createServer((request, response) => {
      void text(request).then((body) => {
        posts.push({ headers: request.headers as Record<string, string>, body });
        response.writeHead(204).end();
      });
    }).listen(0, '127.0.0.1');
    await once(receiver, 'listening');
    host = await startMediaHost();
    service = await startTestService({ mediaHosts: [host.host, receiverHost()] });
  });
  afterEach(async () => {
    await visitor.close();
    expect(visitor.complaints).toEqual([]);
  });
  afterAll(async () => {
    await service.stop();
    await host.close();
    receiver.closeAllConnections();
    receiver.close();
  });

  const receiverHost = (): string => `127.0.0.1:${String((receiver.address() as AddressInfo).port)}`;
  const signedIn = async (path: string): Promise<Visit['page']> => {
    visitor = await visit(browser(), service.url, { token: service.token('admin') });
    await visitor.page.goto(service.url + path);
    return visitor.page;
  };

  test('a channel that is added takes a webhook at the address and with the secret that are shown', async () => {
    const page = await signedIn('/admin/channels');
    await page.getByRole('button', { name: 'Add channel' }).click();
    const form = page.getByRole('dialog', { name: 'Add a channel' });
    await form.getByRole('combobox').selectOption('z-api');
    await form.getByLabel('Name').fill('Shop in Recife');
    await form.getByLabel('ID (used in the webhook URL)').fill('recife');
    await form.getByRole('button', { name: 'Add', exact: true }).click();

    const shown = page.getByRole('dialog', { name: 'Connect Shop in Recife' });
    const address = await shown.getByLabel('Webhook URL', { exact: true }).inputValue();
    const secret = await shown.getByLabel('Webhook secret', { exact: true }).inputValue();
    await shown.getByRole('button', { name: 'I have copied it' }).click();
    const card = page.getByRole('listitem').filter({ hasText: 'Shop in Recife' });
    await card.getByText('How to connect it').click();
    await card.getByText('"on receive"').waitFor();
    expect(await page.content()).not.toContain(secret);

    const file = await photo({ seed: 1, width: 640, height: 480 });
    const url = host.serve('/recife.jpg', bytes('image/jpeg', file));
    const post = (token: string) =>
      fetch(`${address}?token=${token}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(picture('z-api', { url, caption: 'From Recife' })),
      });
    expect((await post('not the secret')).status).toBe(401);
    expect((await post(secret)).status).toBe(200);
    await card.getByRole('link', { name: 'View media' }).click();
    await page.getByRole('link', { name: /From Recife/ }).waitFor();
  });

  test('a channel is disabled, enabled again, and deleted when its id was typed', async () => {
    const token = service.token('admin');
    const body = { provider: 'z-api', id: 'closing', name: 'Closing shop', settings: {} };
    await call(service.url, '/v1/channels', { method: 'post', token, json: body });
    const page = await signedIn('/admin/channels');
    const card = page.getByRole('listitem').filter({ hasText: 'Closing shop' });
    await card.getByRole('button', { name: 'Disable' }).click();
    await card.getByText('disabled', { exact: true }).waitFor();
    await card.getByRole('button', { name: 'Enable' }).click();
    await card.getByText('disabled', { exact: true }).waitFor({ state: 'detached' });
    await card.getByRole('button', { name: 'Delete' }).click();
    const confirm = page.getByRole('dialog', { name: 'Delete this channel?' });
    expect(await confirm.getByRole('button', { name: 'Delete' }).isDisabled()).toBe(true);
    await confirm.getByRole('textbox').fill('closing');
    await confirm.getByRole('button', { name: 'Delete' }).click();
    await card.waitFor({ state: 'detached' });
    expect((await call(service.url, '/v1/channels/closing', { token })).status).toBe(404);
  });

  test('a subscription that is added is sent a test, signed with the secret that is shown', async () => {
    const page = await signedIn('/admin/subscriptions');
    await page.getByRole('button', { name: 'Add subscription' }).click();
    const form = page.getByRole('dialog', { name: 'Add a subscription' });
    await form.getByLabel('URL').fill(`http://${receiverHost()}/events`);
    await form.getByLabel('media.ready').check();
    await form.getByRole('button', { name: 'Add', exact: true }).click();
    const shown = page.getByRole('dialog', { name: 'Signing secret' });
    const secret = await shown.getByLabel('Secret', { exact: true }).inputValue();
    await shown.getByRole('button', { name: 'I have copied it' }).click();

    await page.getByRole('button', { name: 'Send a test' }).click();
    await page.getByText('The test event was delivered (status 204).').waitFor();
    const [sample] = await until(() => posts.length > 0 && posts);
    expect(new Webhook(secret).verify(sample?.body ?? '', sample?.headers ?? {})).toMatchObject({
      type: 'media.ready',
    });

    await page.getByRole('button', { name: 'New secret' }).click();
    const confirm = page.getByRole('dialog', { name: 'Create a new signing secret?' });
    await confirm.getByRole('button', { name: 'Create secret' }).click();
    const another = await shown.getByLabel('Secret', { exact: true }).inputValue();
    expect(another).toMatch(/^whsec_/);
    expect(another).not.toBe(secret);
    await shown.getByRole('button', { name: 'I have copied it' }).click();
    await page.getByRole('button', { name: 'Recent posts' }).click();
    await page.getByText('Nothing has been posted yet.').waitFor();
  });

  test('a subscription to an address that points inside is refused, and the form says why', async () => {
    const page = await signedIn('/admin/subscriptions');
    await page.getByRole('button', { name: 'Add subscription' }).click();
    const form = page.getByRole('dialog', { name: 'Add a subscription' });
    await form.getByLabel('URL').fill('http://169.254.169.254/events');
    await form.getByRole('button', { name: 'Add', exact: true }).click();
    await form
      .getByRole('alert')
      .getByText(/169\.254\.169\.254/)
      .waitFor();
    // The browser writes every answer that is an error into its console.
    visitor.complaints.splice(
      0,
      Infinity,
      ...visitor.complaints.filter((one) => !one.includes('status of 4')),
    );
  });

  test('a token that is made opens the API until it is revoked', async () => {
    const page = await signedIn('/admin/tokens');
    await page.locator('.page-head .button.primary').click();
    const form = page.getByRole('dialog');
    await form.getByLabel('Name').fill('reporting');
    await form.getByLabel('media:read').check();
    await form.locator('.dialog-actions .primary').click();
    const field = page.getByRole('dialog').getByRole('textbox').first();
    const token = await until(async () => {
      const value = await field.inputValue();
      return value.split('.').length === 3 && value;
    });
    await page.getByRole('button', { name: 'I have copied it' }).click();
    const status = async () => (await call(service.url, '/v1/media', { token })).status;
    expect(await status()).toBe(200);
    await page
      .getByRole('row')
      .filter({ hasText: 'reporting' })
      .getByRole('button', { name: 'Revoke' })
      .click();
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
    await until(async () => (await status()) === 401);
  });
});
