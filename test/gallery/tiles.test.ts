/** What a tile tells without being touched: who, when, which way, and a sharp picture. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';

import { bytes } from '../../src/demo/media-host.js';
import { photo } from '../../src/demo/photos.js';
import { startSimulator, type Simulator } from '../../src/demo/providers/index.js';
import { sharpEnough } from '../../src/gallery/grid/preview-choice.js';
import { describeInBrowser, expectAccessible, sizes, visit, type Visit } from '../support/browser.js';
import { startCourier, type Courier } from '../support/courier.js';
import { startTestService, type TestService } from '../support/test-service.js';
import { until } from '../support/until.js';

describeInBrowser('The tiles', (browser) => {
  let simulator: Simulator;
  let courier: Courier;
  let service: TestService;
  let visitor: Visit;

  beforeAll(async () => {
    simulator = await startSimulator();
    courier = await startCourier();
    service = await startTestService({ env: simulator.env(), channels: [courier.channel] });
    const zApi = simulator.providers['z-api'];
    const panorama = await photo({ seed: 1, width: 3_200, height: 800 });
    const picture = await photo({ seed: 2, width: 1_600, height: 1_200 });
    for (const [file, name] of [
      [panorama, 'Ana'],
      [picture, 'Bruno'],
    ] as const) {
      const webhook = zApi.webhook({ kind: 'image', url: zApi.publish(bytes('image/jpeg', file)), name });
      await fetch(service.url + webhook.path, { method: 'POST', ...webhook });
    }
    await send(await photo({ seed: 3, width: 640, height: 480 }));
    await until(async () => {
      const rows = await service.database.query(
        "select 1 from media join message on message.id = message_row_id where media.state = 'ready'",
      );
      return rows.length === 3;
    });
  });
  afterEach(async () => {
    await visitor.close();
    expect(visitor.complaints).toEqual([]);
  });
  afterAll(async () => {
    await service.stop();
    courier.close();
    await simulator.close();
  });

  async function send(file: Buffer): Promise<void> {
    const headers = { Authorization: `Bearer ${service.token('admin')}` };
    const form = new FormData();
    form.append('channel', 'courier');
    form.append('file', new Blob([new Uint8Array(file)], { type: 'image/jpeg' }), 'roses.jpg');
    const uploaded = await fetch(`${service.url}/v1/media`, { method: 'POST', headers, body: form });
    const { id } = (await uploaded.json()) as { id: string };
    const body = JSON.stringify({ channel: 'courier', to: '5511999990000', kind: 'image', media: { id } });
    const json = { ...headers, 'Content-Type': 'application/json' };
    const sent = await fetch(`${service.url}/v1/messages`, { method: 'POST', headers: json, body });
    expect(sent.status).toBe(202);
    await until(() => courier.handed.length === 1);
  }

  test.each(['desktop', 'phone'] as const)('say who and when, and what was sent (%s)', async (size) => {
    visitor = await visit(browser(), service.url, { token: service.token('admin'), size });
    const { page } = visitor;
    await page.goto(`${service.url}/admin`);
    const sent = page.getByRole('link', { name: /^Picture to 5511999990000, / });
    await sent.waitFor();
    const received = page.getByRole('link', { name: /^Picture from Bruno, / });
    for (const [tile, person, arrows] of [
      [sent, '5511999990000', 1],
      [received, 'Bruno', 0],
    ] as const) {
      const caption = tile.locator('.tile-caption');
      expect(await caption.locator('b').innerText()).toBe(person);
      expect(await caption.locator('.tile-time').innerText()).toMatch(/^\d\d:\d\d\s[AP]M$/);
      expect(await caption.locator('.icon').count()).toBe(arrows);
    }
    const opacities = await page.evaluate<string[]>(
      `[...document.querySelectorAll('.tile-caption')].map((caption) => getComputedStyle(caption).opacity)`,
    );
    expect(opacities).toEqual(['1', '1', '1']);
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      await expectAccessible(page);
    }
  });

  test('are beside and below each other with a gap, within the width of a phone', async () => {
    visitor = await visit(browser(), service.url, { token: service.token('admin'), size: 'phone' });
    const { page } = visitor;
    await page.goto(`${service.url}/admin`);
    await until(async () => (await page.locator('.tile').count()) === 3);
    const boxes = await page.evaluate<{ left: number; right: number; top: number; bottom: number }[]>(
      `[...document.querySelectorAll('.tile')].map((tile) => tile.getBoundingClientRect().toJSON())`,
    );
    for (const [index, box] of boxes.entries()) {
      expect(box.right).toBeLessThan(sizes.phone.width);
      for (const next of boxes.slice(index + 1))
        expect(Math.max(next.left - box.right, next.top - box.bottom)).toBeGreaterThan(5);
    }
    const pictures = await page.evaluate<boolean>(
      `[...document.querySelectorAll('.tile')].every(({ clientWidth, clientHeight, firstElementChild }) =>
        firstElementChild.nextElementSibling.clientWidth === clientWidth &&
        firstElementChild.nextElementSibling.clientHeight === clientHeight)`,
    );
    expect(pictures).toBe(true);
  });

  test.each([1, 2])('have enough pixels for a screen of density %d', async (density) => {
    visitor = await visit(browser(), service.url, { token: service.token('admin'), density });
    const { page } = visitor;
    await page.goto(`${service.url}/admin`);
    await until(() =>
      page.evaluate<boolean>(
        `[...document.querySelectorAll('.tile img')].filter((image) => image.naturalWidth > 0).length === 3`,
      ),
    );
    const enlargements = await page.evaluate<number[]>(
      `[...document.querySelectorAll('.tile img')].map((image) => devicePixelRatio *
        Math.max(image.clientWidth / image.naturalWidth, image.clientHeight / image.naturalHeight))`,
    );
    expect(Math.max(...enlargements)).toBeLessThanOrEqual(1.25);
  });
});

describe('The preview for a tile', () => {
  const previewOf = (width: number, height: number) => ({
    url: `/${String(width)}`,
    type: 'image/jpeg',
    width,
    height,
  });
  const small = previewOf(533, 400);
  const large = previewOf(1_600, 1_200);

  test('is the small one as long as that is sharp', () => {
    expect(sharpEnough({ small, large }, { width: 250, height: 188 })).toBe(small);
    expect(sharpEnough({ small, large }, { width: 600, height: 450 })).toBe(small);
    expect(sharpEnough({ small, large }, { width: 700, height: 525 })).toBe(large);
  });

  test('of a panorama is chosen by its height', () => {
    const panorama = { small: previewOf(533, 133), large: previewOf(1_600, 400) };
    expect(sharpEnough(panorama, { width: 413, height: 188 })).toBe(panorama.large);
  });

  test('is what there is', () => {
    expect(sharpEnough({ small }, { width: 2_000, height: 1_500 })).toBe(small);
    expect(sharpEnough({ large }, { width: 20, height: 15 })).toBe(large);
    expect(sharpEnough({ small: large, large: small }, { width: 9_000, height: 6_000 })).toBe(large);
    expect(sharpEnough({}, { width: 20, height: 15 })).toBeUndefined();
  });
});
