/**
 * An agent, on a desk and on a telephone, in Portuguese, who knows only "Fernanda" and "some day last month": finds
 * the picture, replies, tags and exports.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { photo } from '../../src/demo/photos.js';
import { describeInBrowser, expectAccessible, visit } from '../support/browser.js';
import { startCourier, type Courier } from '../support/courier.js';
import { daysAgo, fillGallery } from '../support/filled-gallery.js';
import { startTestService, type TestService } from '../support/test-service.js';

const fernanda = '5511900000123';

describeInBrowser('An agent', (browser) => {
  let courier: Courier;
  let service: TestService;
  let folder: string;
  const now = new Date();
  const lastMonth = new Date(now.getFullYear(), now.getMonth() - 1, 10, 12);
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'inlet-test-finding-'));
    await writeFile(join(folder, 'nova.jpg'), await photo({ seed: 4, width: 640, height: 480 }));
    courier = await startCourier();
    service = await startTestService({ channels: [courier.channel] });
    const hers = { person: fernanda, name: 'Fernanda Peçanha', channel: 'courier' };
    await fillGallery(service, [
      ...Array.from({ length: 60 }, (_, index) => ({ ...hers, caption: 'Hoje', at: daysAgo(index / 60) })),
      { ...hers, caption: 'A peça quebrada', at: lastMonth },
      ...Array.from({ length: 500 }, (_, index) => ({
        person: `5521900000${String(100 + (index % 90))}`,
        name: `Pessoa ${String(index % 90)}`,
        channel: 'courier',
        at: daysAgo(index / 8),
      })),
    ]);
  });
  afterAll(async () => {
    await service.stop();
    courier.close();
    await rm(folder, { recursive: true });
  });

  test.each(['desktop', 'phone'] as const)(
    'finds a picture, replies, tags and exports (%s)',
    async (size) => {
      const handed = courier.handed.length;
      const token = service.token('media:read messages:send');
      const visitor = await visit(browser(), service.url, { token, size, locale: 'pt-BR' });
      const { page } = visitor;
      await page.goto(`${service.url}/admin`);
      const field = page.getByRole('combobox', { name: 'Buscar' });
      await field.waitFor();
      const begin = performance.now();

      await field.fill('fernanda');
      await page.getByRole('option', { name: /Fernanda Peçanha/ }).click();
      await page.getByRole('heading', { name: 'Fernanda Peçanha' }).waitFor();
      const month = lastMonth.toLocaleDateString('pt-BR', { month: 'long', year: 'numeric' });
      const label = month.charAt(0).toUpperCase() + month.slice(1);
      await page.getByLabel('Ir para um mês').selectOption({ label });
      await page.getByRole('link', { name: /A peça quebrada/ }).click();
      const viewer = page.getByRole('dialog', { name: /A peça quebrada/ });
      await viewer.getByText('A peça quebrada').first().waitFor();
      const seconds = (performance.now() - begin) / 1_000;
      process.stdout.write(`found after ${seconds.toFixed(1)} s (${size})\n`);
      expect(seconds).toBeLessThan(15);
      await expectAccessible(page);

      await viewer.getByRole('button', { name: 'Responder' }).click();
      const form = page.getByRole('dialog', { name: /^Responder a/ });
      await form.locator('input[type=file]').setInputFiles(join(folder, 'nova.jpg'));
      await form.getByLabel('Legenda de nova.jpg').fill('Peça nova a caminho');
      await form.getByRole('button', { name: 'Enviar', exact: true }).click();
      await form.getByText('Enviado', { exact: true }).waitFor();
      expect(courier.handed.slice(handed)).toMatchObject([{ to: fernanda, caption: 'Peça nova a caminho' }]);
      await form.getByRole('button', { name: 'Fechar' }).click();

      const tag = `Caso ${size}`;
      await viewer.getByLabel('Nova etiqueta').fill(tag);
      await viewer.getByRole('button', { name: 'Adicionar' }).click();
      await viewer.getByRole('link', { name: tag }).click();
      await page.getByRole('link', { name: /A peça quebrada/ }).focus();
      await page.keyboard.press('Space');
      const saved = async (name: string): Promise<Buffer> => {
        const link = page.getByRole('link', { name });
        const [download] = await Promise.all([page.waitForEvent('download'), link.click()]);
        return readFile(await download.path());
      };
      expect((await saved('Baixar CSV')).toString()).toContain('A peça quebrada');
      expect((await saved('Baixar ZIP')).subarray(0, 2).toString()).toBe('PK');
      await visitor.close();
      expect(visitor.complaints).toEqual([]);
    },
  );
});
