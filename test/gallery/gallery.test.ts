/** The gallery in a real browser: Debian's Chromium, against a real service. */
import { existsSync } from 'node:fs';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import axe from 'axe-core';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';

import { bytes, startMediaHost, type MediaHost } from '../../src/demo/media-host.js';
import { photo } from '../../src/demo/photos.js';
import { receive } from '../support/client.js';
import { picture } from '../support/payloads.js';
import { startTestService, type TestService } from '../support/test-service.js';

const executablePath = '/usr/bin/chromium';
const isInstalled = existsSync(executablePath);
if (!isInstalled) {
  process.stderr.write(`There is no browser at ${executablePath}: what is shown in one is not tested.\n`);
}

interface Look {
  readonly name: string;
  readonly colorScheme: 'light' | 'dark';
  readonly viewport: { readonly width: number; readonly height: number };
}
const looks: readonly Look[] = [
  { name: 'light, on a desktop', colorScheme: 'light', viewport: { width: 1280, height: 800 } },
  { name: 'dark, on a phone', colorScheme: 'dark', viewport: { width: 390, height: 844 } },
];

(isInstalled ? describe : describe.skip).each(looks)('the gallery, $name', ({ colorScheme, viewport }) => {
  let browser: Browser;
  let context: BrowserContext;
  let host: MediaHost;
  let service: TestService;
  let page: Page;
  /** What should never be: errors in the console, requests to other places. */
  const faults: string[] = [];

  beforeAll(async () => {
    host = await startMediaHost();
    service = await startTestService({ mediaHosts: [host.host] });
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
    context = await browser.newContext({ colorScheme, viewport: { ...viewport } });
    page = await context.newPage();
    page.setDefaultTimeout(5_000);
    page.on('console', (message) => {
      if (message.type() === 'error') faults.push(message.text());
    });
    page.on('pageerror', (error) => faults.push(String(error)));
    page.on('request', (request) => {
      const url = request.url();
      if (!url.startsWith(service.url) && !/^(data|blob):/.test(url)) faults.push(`asked ${url}`);
    });
  });
  afterAll(async () => {
    await context.close();
    await browser.close();
    await service.stop();
    await host.close();
  });

  const arrive = async (name: string): Promise<string> => {
    const data = await photo({ seed: name.charCodeAt(0), width: 640, height: 480 });
    const url = host.serve(`/${name}.jpg`, bytes('image/jpeg', data));
    return (await receive(service, 'z-api', picture('z-api', { url, caption: name }))).id;
  };
  const tile = (id: string) => page.locator(`[data-id="${id}"]`);
  const severe = async (): Promise<string[]> => {
    // The page's policy lets no foreign script in; this one comes with the debugger.
    await page.evaluate(axe.source);
    const found = await page.evaluate(
      `axe.run().then(({ violations }) => violations.map(({ id, impact, nodes }) => ({ id, impact, at: nodes[0].html })))`,
    );
    return (found as { id: string; impact: string; at: string }[])
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, at }) => `${id}: ${at}`);
  };

  it('asks for a token, and refuses a wrong one', async () => {
    await page.goto(`${service.url}/admin`);
    await page.getByLabel('Token').fill('no.such.token');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').waitFor();
    expect(await severe()).toEqual([]);
    // The browser notes every answer of 401 in its console.
    expect(faults.splice(0).filter((fault) => !fault.includes('401'))).toEqual([]);
  });

  it('shows the pictures that are there, and those that arrive meanwhile', async () => {
    const first = await arrive('first');
    await page.getByLabel('Token').fill(service.token('admin'));
    await page.getByRole('button', { name: 'Sign in' }).click();
    await tile(first).waitFor();
    const second = await arrive('second');
    await tile(second).waitFor();
    expect(await severe()).toEqual([]);
  });

  it('keeps its session in a cookie that no script can read', async () => {
    const [cookie] = await context.cookies();
    expect(cookie).toMatchObject({ name: 'inlet_session', httpOnly: true, sameSite: 'Strict' });
    expect(await page.evaluate('document.cookie')).toBe('');
    await page.reload();
    await page.locator('[data-id]').first().waitFor();
  });

  it('opens a picture, goes to the next with the arrow keys, and closes with Escape', async () => {
    await page.locator('[data-id]').first().click();
    await page.getByRole('dialog').waitFor();
    const shown = page.url();
    expect(shown).toMatch(/\/admin\/media\/[0-9a-f-]{36}/);
    expect(await severe()).toEqual([]);
    await page.keyboard.press('ArrowRight');
    await page.waitForURL((url) => url.href !== shown);
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  });

  it('has asked nobody else for anything, and nothing was refused by its own policy', () => {
    // What the browser notes of answers that are errors is not meant here.
    expect(faults.filter((fault) => !fault.startsWith('Failed to load resource'))).toEqual([]);
  });
});
