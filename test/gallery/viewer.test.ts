/** Somebody who looks closely: with fingers, with the keyboard, at pictures, recordings and documents. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { CDPSession } from 'playwright-core';
import sharp from 'sharp';

import { bytes } from '../../src/demo/media-host.js';
import { photo } from '../../src/demo/photos.js';
import { startSimulator, type Simulator } from '../../src/demo/providers/index.js';
import type { Webhook } from '../../src/demo/providers/simulated-provider.js';
import { swipeOf } from '../../src/gallery/viewer/swipe.js';
import { describeInBrowser, expectAccessible, visit, type Visit } from '../support/browser.js';
import { filesFolder } from '../support/files.js';
import { pdfOf } from '../support/pdf.js';
import { startTestService, type TestService } from '../support/test-service.js';
import { until } from '../support/until.js';

interface Place {
  readonly x: number;
  readonly y: number;
}

describeInBrowser('The viewer', (browser) => {
  let simulator: Simulator;
  let service: TestService;
  let visitor: Visit;
  let ids: Record<'ana' | 'bruno' | 'voice' | 'list' | 'pdf' | 'pages' | 'refused', string>;

  beforeAll(async () => {
    simulator = await startSimulator();
    service = await startTestService({ env: simulator.env() });
    const picture = (seed: number) => photo({ seed, width: 640, height: 480 });
    const csv = Buffer.from('name;price\n<img src=x onerror=alert(1)>;10\n');
    ids = {
      ana: await deliver('image', 'image/jpeg', await picture(1), 'Ana'),
      bruno: await deliver('image', 'image/jpeg', await picture(2), 'Bruno'),
      voice: await deliver('audio', 'audio/wav', voiceNote(), 'Carla'),
      list: await deliver('document', 'text/plain', csv, 'Dora'),
      pdf: await deliver('document', 'application/pdf', pdf(), 'Eva'),
      pages: await deliver('document', 'application/pdf', threePages(), 'Eva'),
      refused: await refused(),
    };
    await until(async () => {
      const rows = await service.database.query("select 1 from media where state in ('ready', 'rejected')");
      return rows.length === Object.keys(ids).length;
    }, 75_000);
  });
  afterEach(async () => {
    await visitor.page.emulateMedia({ media: null });
    await visitor.close();
    expect(visitor.complaints).toEqual([]);
  });
  afterAll(async () => {
    await service.stop();
    await simulator.close();
  });

  type Kind = 'image' | 'audio' | 'document';

  async function deliver(kind: Kind, type: string, file: Buffer, name: string): Promise<string> {
    const zApi = simulator.providers['z-api'];
    return post(zApi.webhook({ kind, url: zApi.publish(bytes(type, file)), name }));
  }

  /** A picture at an address that must not be opened. */
  function refused(): Promise<string> {
    return post(
      simulator.providers.aisoule.webhook({ kind: 'image', url: 'http://169.254.169.254/photo.jpg' }),
    );
  }

  /** The id of the media item that the webhook announces. */
  async function post(webhook: Webhook): Promise<string> {
    const response = await fetch(service.url + webhook.path, { method: 'POST', ...webhook });
    const { media } = (await response.json()) as { media: string[] };
    return media[0] ?? '';
  }

  async function open(path: string, size: 'desktop' | 'phone' = 'desktop'): Promise<Visit['page']> {
    visitor = await visit(browser(), service.url, { token: service.token('admin'), size });
    await visitor.page.goto(service.url + path);
    return visitor.page;
  }

  const heading = (name: string) => visitor.page.getByRole('dialog').getByRole('heading', { name });

  describe('on a phone', () => {
    let fingers: CDPSession;

    async function openWithFingers(path: string): Promise<Visit['page']> {
      const page = await open(path, 'phone');
      fingers = await visitor.context.newCDPSession(page);
      return page;
    }

    /** Each finger moves along a straight line, all at the same time. */
    async function move(...lines: readonly { readonly from: Place; readonly to: Place }[]): Promise<void> {
      const steps = 8;
      for (let step = 0; step <= steps; step += 1) {
        const touchPoints = lines.map(({ from, to }, id) => ({
          id,
          x: from.x + ((to.x - from.x) * step) / steps,
          y: from.y + ((to.y - from.y) * step) / steps,
        }));
        await fingers.send('Input.dispatchTouchEvent', {
          type: step === 0 ? 'touchStart' : 'touchMove',
          touchPoints,
        });
      }
      await fingers.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
    }

    test('a swipe turns to the next picture and back, and down closes', async () => {
      const page = await openWithFingers('/admin?kind=image');
      await page.getByRole('link', { name: /from Bruno/ }).click();
      await heading('Bruno').waitFor();
      await move({ from: { x: 300, y: 250 }, to: { x: 120, y: 260 } });
      await heading('Ana').waitFor();
      await move({ from: { x: 120, y: 250 }, to: { x: 300, y: 240 } });
      await heading('Bruno').waitFor();
      await move({ from: { x: 200, y: 150 }, to: { x: 210, y: 350 } });
      await until(async () => (await page.getByRole('dialog').count()) === 0);
    });

    test('two fingers zoom, and a zoomed picture is moved and not left', async () => {
      const page = await openWithFingers(`/admin/media/${ids.ana}`);
      const zoom = async () => Number.parseInt(await page.getByLabel('Zoom now').innerText(), 10);
      await heading('Ana').waitFor();
      const before = await zoom();
      await move(
        { from: { x: 180, y: 250 }, to: { x: 80, y: 250 } },
        { from: { x: 210, y: 250 }, to: { x: 310, y: 250 } },
      );
      // The browser hands the movements to the page with its next frame.
      await until(async () => (await zoom()) > before * 2);
      await move({ from: { x: 300, y: 250 }, to: { x: 100, y: 250 } });
      expect(page.url()).toContain(ids.ana);
      await heading('Ana').waitFor();
    });
  });

  test.each(['desktop', 'phone'] as const)(
    'has no serious finding, whatever is shown (%s)',
    async (size) => {
      const page = await open('/admin', size);
      for (const id of Object.values(ids)) {
        await page.goto(`${service.url}/admin/media/${id}`);
        await page.locator('.facts-head h2').waitFor();
        for (const colorScheme of ['light', 'dark'] as const) {
          await page.emulateMedia({ colorScheme });
          await expectAccessible(page);
        }
      }
    },
    180_000,
  );

  test('turns the view of a picture, which then fits again', async () => {
    const page = await open(`/admin/media/${ids.ana}`);
    await heading('Ana').waitFor();
    const shape = () =>
      page.evaluate<number>(`(() => {
        const { width, height } = document.querySelector('.zoom img').getBoundingClientRect();
        return Math.round(width / height * 100);
      })()`);
    expect(await shape()).toBe(133);
    await page.keyboard.press('r');
    await until(async () => (await shape()) === 75);
    await page.getByRole('button', { name: 'Rotate the view' }).click();
    await until(async () => (await shape()) === 133);
  });

  test('lists its keys when asked, and Escape closes only the list', async () => {
    const page = await open(`/admin/media/${ids.ana}`);
    await heading('Ana').waitFor();
    await page.keyboard.press('?');
    const help = page.getByRole('dialog', { name: 'Keyboard' });
    await help.getByText('Rotate the view').waitFor();
    await expectAccessible(page);
    await page.keyboard.press('Escape');
    await until(async () => (await help.count()) === 0);
    await heading('Ana').waitFor();
  });

  test('copies the picture', async () => {
    const page = await open(`/admin/media/${ids.ana}`);
    await visitor.context.grantPermissions(['clipboard-read', 'clipboard-write']);
    await heading('Ana').waitFor();
    await page.keyboard.press('c');
    await page.getByText('The picture was copied.').waitFor();
    expect(await page.evaluate<string>(sizeOfCopied)).toBe('640x480');
  });

  test('prints only the picture, and opens the original on a page of its own', async () => {
    const page = await open(`/admin/media/${ids.ana}`);
    await heading('Ana').waitFor();
    const original = page.getByRole('link', { name: 'Open the original' });
    expect(await original.getAttribute('target')).toBe('_blank');
    expect(await original.getAttribute('href')).toBe(`/v1/media/${ids.ana}/content`);
    await page.getByRole('button', { name: 'Print' }).waitFor();
    await page.emulateMedia({ media: 'print' });
    expect(await page.locator('.zoom img').isVisible()).toBe(true);
    for (const hidden of ['.viewer-facts', '.stage-tools', '.zoom-bar', '.round.close'])
      expect(await page.locator(hidden).isVisible()).toBe(false);
  });

  test('keeps what cannot be undone in a menu, which the keyboard opens', async () => {
    const page = await open(`/admin/media/${ids.ana}`);
    await heading('Ana').waitFor();
    expect(await page.getByRole('menuitem').count()).toBe(0);
    await page.getByRole('button', { name: 'More actions' }).press('Enter');
    await page.getByRole('menuitem', { name: 'Erase', exact: true }).waitFor();
    await expectAccessible(page);
    await page.keyboard.press('ArrowUp');
    const focused = () => page.evaluate<string>('document.activeElement.textContent.trim()');
    expect(await focused()).toBe('Erase person');
    await page.keyboard.press('ArrowUp');
    expect(await focused()).toBe('Erase');
    await page.keyboard.press('End');
    await page.keyboard.press('ArrowDown');
    expect(await focused()).toBe('Evidence report');
    await page.keyboard.press('Escape');
    await until(async () => (await page.getByRole('menuitem').count()) === 0);
    await heading('Ana').waitFor();
  });

  test('shows where the same picture was sent before, and again', async () => {
    const again = await deliver(
      'image',
      'image/jpeg',
      await photo({ seed: 1, width: 640, height: 480 }),
      'Fred',
    );
    const ready = `select from media where id = $1 and state = 'ready'`;
    await until(async () => (await service.database.query(ready, [again])).length === 1);
    const page = await open(`/admin/media/${again}`);
    await page.getByRole('heading', { name: 'Sent before' }).waitFor();
    await expectAccessible(page);
    await page.getByRole('link', { name: /^Same file.*Ana/ }).click();
    await heading('Ana').waitFor();
    await page.getByRole('heading', { name: 'Sent again later' }).waitFor();
    expect(await page.getByRole('heading', { name: 'Sent before' }).count()).toBe(0);
  });

  test('says that a picture has no camera data, and that messengers remove it', async () => {
    const bare = await sharp(await photo({ seed: 3, width: 64, height: 48 }))
      .jpeg()
      .toBuffer();
    const id = await deliver('image', 'image/jpeg', bare, 'Gil');
    const ready = `select from media where id = $1 and state = 'ready'`;
    await until(async () => (await service.database.query(ready, [id])).length === 1);
    const page = await open(`/admin/media/${id}`);
    await page.locator('.fact-list').getByText('No camera data: messengers usually remove it').waitFor();
    await page.goto(`${service.url}/admin/media/${ids.ana}`);
    await heading('Ana').waitFor();
    expect(await page.getByText('No camera data').count()).toBe(0);
  });

  test('begins and ends a legal hold, and marks what is held', async () => {
    const page = await open(`/admin/media/${ids.bruno}`);
    await heading('Bruno').waitFor();
    await page.getByRole('button', { name: 'More actions' }).click();
    await page.getByRole('menuitem', { name: 'Begin a legal hold' }).click();
    const begin = page.getByRole('dialog', { name: 'Begin a legal hold' });
    await begin.getByLabel('Hold on').selectOption({ label: 'Everything of Bruno' });
    await begin.getByLabel('Reason').fill('Case 4711');
    await expectAccessible(page);
    await begin.getByRole('button', { name: 'Begin' }).click();
    const badge = page.locator('.facts-head').getByText('Legal hold');
    await badge.waitFor();
    await page.getByRole('button', { name: 'More actions' }).click();
    await page.getByRole('menuitem', { name: 'Legal holds of this file' }).click();
    const holds = page.getByRole('dialog', { name: 'Legal holds of this file' });
    await holds.getByText('Case 4711').waitFor();
    await holds.getByText('Everything of Bruno').waitFor();
    await expectAccessible(page);
    await holds.getByRole('button', { name: 'End this hold' }).click();
    await holds.getByText('No legal hold keeps this file any more.').waitFor();
    await until(async () => (await badge.count()) === 0);
  });

  test('leads to the evidence report, a page of its own', async () => {
    const page = await open(`/admin/media/${ids.ana}`);
    await heading('Ana').waitFor();
    await page.getByRole('button', { name: 'More actions' }).click();
    const opened = page.waitForEvent('popup');
    await page.getByRole('menuitem', { name: 'Evidence report' }).click();
    const report = await opened;
    await report.getByRole('heading', { name: 'Evidence report' }).waitFor();
    await report.getByText('The stored file was read for this report and has this hash.').waitFor();
    await expectAccessible(report);
    await report.close();
  });

  test('draws a voice note, and plays it faster', async () => {
    const page = await open(`/admin/media/${ids.voice}`);
    await page.locator('.waveform').waitFor();
    await page.getByRole('button', { name: '2×' }).click();
    await until(() => page.evaluate<boolean>(`document.querySelector('audio').playbackRate === 2`));
    await until(() => page.evaluate<boolean>(`document.querySelector('audio').duration > 0`));
    await page.locator('.waveform').click();
    await until(() => page.evaluate<boolean>(`document.querySelector('audio').currentTime > 0.5`));
  });

  test('shows a text as text', async () => {
    const page = await open(`/admin/media/${ids.list}`);
    await page.getByLabel('Text', { exact: true }).getByText('<img src=x onerror=alert(1)>;10').waitFor();
    expect(await page.locator('.text-view img').count()).toBe(0);
  });

  test('shows the pages of a PDF', async () => {
    const page = await open(`/admin/media/${ids.pages}`);
    const pager = page.getByRole('group', { name: 'Pages' });
    await pager.getByText('1 of 3').waitFor();
    await pager.getByRole('button', { name: 'Next page' }).click();
    await pager.getByText('2 of 3').waitFor();
    await page.keyboard.press('PageDown');
    await pager.getByText('3 of 3').waitFor();
    await page.keyboard.press('PageDown');
    // The last page is twice as high as wide, and blue. Its size is known before all of its bytes are there.
    await until(() =>
      page.evaluate<boolean>(
        `(({ complete, naturalWidth, naturalHeight }) => complete && naturalWidth === 800 && naturalHeight === 1600)
          (document.querySelector('.zoom img'))`,
      ),
    );
    expect(await page.evaluate<string>(colourOfPicture)).toBe('0,0,254');
    await visitor.context.grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.keyboard.press('c');
    await page.getByText('The picture was copied.').waitFor();
    expect(await page.evaluate<string>(sizeOfCopied)).toBe('800x1600');
    await page.keyboard.press('PageUp');
    await pager.getByText('2 of 3').waitFor();
    // A document with one page has nothing to turn.
    await page.goto(`${service.url}/admin/media/${ids.pdf}`);
    await page.locator('.zoom img').waitFor();
    expect(await pager.count()).toBe(0);
  });

  test('says in plain words why there is no file, and keeps the details folded', async () => {
    const page = await open(`/admin/media/${ids.refused}`);
    const stage = page.locator('.stand-in');
    await stage.getByText('The file is at an address that Inlet must not open.').waitFor();
    expect(await stage.getByText('media.forbidden_address').isVisible()).toBe(false);
    await stage.getByText('Technical details').click();
    expect(await stage.getByText('media.forbidden_address').isVisible()).toBe(true);
  });
});

describe('A swipe', () => {
  const from = { x: 200, y: 200 };

  test.each([
    [{ x: 100, y: 220 }, 'left'],
    [{ x: 300, y: 180 }, 'right'],
    [{ x: 210, y: 300 }, 'down'],
  ] as const)('to %o goes %s', (to, swipe) => {
    expect(swipeOf(from, to)).toBe(swipe);
  });

  test.each([
    { x: 230, y: 200 },
    { x: 280, y: 280 },
    { x: 200, y: 60 },
  ])('is not seen in a movement to %o', (to) => {
    expect(swipeOf(from, to)).toBeUndefined();
  });
});

/** The size of the picture on the clipboard. */
const sizeOfCopied = `navigator.clipboard.read()
  .then(([item]) => item.getType('image/png'))
  .then((blob) => createImageBitmap(blob))
  .then(({ width, height }) => width + 'x' + height)`;

/** The colour of a pixel in the middle of the picture. */
const colourOfPicture = `(() => {
  const picture = document.querySelector('.zoom img');
  const canvas = Object.assign(document.createElement('canvas'), { width: 1, height: 1 });
  const context = canvas.getContext('2d');
  context.drawImage(picture, picture.naturalWidth / 2, picture.naturalHeight / 2, 1, 1, 0, 0, 1, 1);
  return context.getImageData(0, 0, 1, 1).data.slice(0, 3).join();
})()`;

const threePages = (): Buffer =>
  pdfOf([
    { width: 200, height: 100, rgb: [1, 0, 0] },
    { width: 200, height: 200, rgb: [0, 1, 0] },
    { width: 100, height: 200, rgb: [0, 0, 1] },
  ]);

function pdf(): Buffer {
  return readFileSync(join(filesFolder, 'letter.pdf'));
}

/** Two seconds of a tone that grows, as a WAV file: 8 bits, 8 000 times a second. */
function voiceNote(): Buffer {
  const samples = Buffer.from(
    Array.from({ length: 16_000 }, (_, at) => 128 + Math.round((at / 16_000) * 120 * Math.sin(at / 4))),
  );
  const head = Buffer.alloc(44);
  head.write('RIFF', 0);
  head.writeUInt32LE(36 + samples.length, 4);
  head.write('WAVEfmt ', 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(8_000, 24);
  head.writeUInt32LE(8_000, 28);
  head.writeUInt16LE(1, 32);
  head.writeUInt16LE(8, 34);
  head.write('data', 36);
  head.writeUInt32LE(samples.length, 40);
  return Buffer.concat([head, samples]);
}
