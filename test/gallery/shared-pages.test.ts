/** The pages of shares in a real browser: for everybody, in both themes, on a desk and on a phone. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { bytes } from '../../src/demo/media-host.js';
import { photo } from '../../src/demo/photos.js';
import { startSimulator, type Simulator } from '../../src/demo/providers/index.js';
import { describeInBrowser, expectAccessible, visit, type VisitOptions } from '../support/browser.js';
import { call, upload } from '../support/client.js';
import { startTestService, type TestService } from '../support/test-service.js';
import { until } from '../support/until.js';

const password = 'roses and tulips';

describeInBrowser('The page of a share', (browser) => {
  let simulator: Simulator;
  let service: TestService;
  let media: string[];
  let files: string;
  let locked: string;
  let ended: string;

  beforeAll(async () => {
    simulator = await startSimulator();
    service = await startTestService({ env: simulator.env() });
    const { 'z-api': zApi } = simulator.providers;
    const picture = bytes('image/jpeg', await photo({ seed: 1, width: 1200, height: 900 }));
    const webhook = zApi.webhook({ kind: 'image', url: zApi.publish(picture), name: 'Ana' });
    const posted = await fetch(service.url + webhook.path, { method: 'POST', ...webhook });
    const receipt = (await posted.json()) as { media: string[] };
    await until(async () => {
      const rows = await service.database.query("select 1 from media where state = 'ready'");
      return rows.length === 1;
    });
    const document = await upload(service, {
      file: Buffer.from('%PDF-1.7'),
      filename: `${'a very long name of a document '.repeat(6)}.pdf`,
      fields: { channel: 'z-api', kind: 'document' },
    });
    const gone = await upload(service, {
      file: Buffer.from('%PDF-1.7 gone'),
      fields: { channel: 'z-api', kind: 'document' },
    });
    media = [...receipt.media, document.body.id, gone.body.id];
    files = (await share({ title: 'x'.repeat(200) })).url;
    locked = (await share({ password })).url;
    const { id, url } = await share({});
    await ask('delete', `/v1/shares/${id}`);
    ended = url;
    await ask('delete', `/v1/media/${gone.body.id}`);
  });
  afterAll(async () => {
    await service.stop();
    await simulator.close();
  });

  const ask = <Body>(method: 'post' | 'delete', path: string, json?: object) =>
    call<Body>(service.url, path, { method, token: service.token('admin'), ...(json && { json }) });
  const share = async (request: object) =>
    (await ask<{ id: string; url: string }>('post', '/v1/shares', { media, ...request })).body;

  const look = async (url: string, options: VisitOptions, at?: (page: Page) => Promise<void>) => {
    const visitor = await visit(browser(), service.url, { ...options, isNew: true });
    const { page } = visitor;
    try {
      await page.goto(url);
      await at?.(page);
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        await expectAccessible(page);
      }
      const overflow = await page.evaluate<number>(
        'document.documentElement.scrollWidth - document.documentElement.clientWidth',
      );
      expect(overflow).toBeLessThanOrEqual(0);
    } finally {
      await visitor.close();
    }
    return visitor.complaints;
  };
  type Page = Awaited<ReturnType<typeof visit>>['page'];
  const sizes = ['desktop', 'phone'] as const;

  test.each(sizes)('shows the files without a finding or a complaint (%s)', async (size) => {
    const complaints = await look(files, { size, locale: 'pt-BR' }, async (page) => {
      expect(await page.getAttribute('html', 'lang')).toBe('pt-BR');
      await page.getByText('Este arquivo não está mais disponível.').waitFor();
      const picture = page.getByRole('img');
      await picture.scrollIntoViewIfNeeded();
      await until(() => page.evaluate<boolean>('document.images[0].naturalWidth > 0'));
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('link', { name: /document/ }).click(),
      ]);
      expect(download.suggestedFilename()).toMatch(/^a very long name/);
    });
    expect(complaints).toEqual([]);
  });

  test.each(sizes)('asks for the password without a finding or a complaint (%s)', async (size) => {
    const complaints = await look(locked, { size });
    expect(complaints).toEqual([]);
  });

  test('says that a password is wrong, and shows the files after the right one', async () => {
    const complaints = await look(locked, { size: 'phone' }, async (page) => {
      const answer = async (text: string) => {
        await page.getByLabel('Password').fill(text);
        await page.getByRole('button', { name: 'Open' }).click();
      };
      await answer('something else');
      await page.getByText('This password is not correct.').waitFor();
      await answer(password);
      await page.getByRole('img').waitFor();
      expect(page.url()).toBe(locked);
      await page.reload();
      await page.getByRole('img').waitFor();
    });
    // The browser reports the status of the page that says so.
    expect(complaints).toEqual([expect.stringContaining('403')]);
  });

  test('says that a link has ended', async () => {
    const complaints = await look(ended, { size: 'phone', locale: 'es-MX' }, async (page) => {
      await page.getByText('Este enlace ya no es válido.').waitFor();
    });
    expect(complaints).toEqual([expect.stringContaining('410')]);
  });
});
