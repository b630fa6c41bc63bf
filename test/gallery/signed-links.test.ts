/** Signed links are made to be handed out: they are opened by themselves, and shown in pages of others. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { photo } from '../../src/demo/photos.js';
import { describeInBrowser, visit, type Visit } from '../support/browser.js';
import { call, upload } from '../support/client.js';
import { until } from '../support/until.js';
import { startTestService, type TestService } from '../support/test-service.js';

/** A second of silence. */
function wav(): Buffer {
  const samples = Buffer.alloc(8_000, 0x80);
  const header = Buffer.from(
    'RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x40\x1f\0\0\x01\0\x08\0data\0\0\0\0',
    'latin1',
  );
  header.writeUInt32LE(36 + samples.length, 4);
  header.writeUInt32LE(samples.length, 40);
  return Buffer.concat([header, samples]);
}

describeInBrowser('A signed link', (browser) => {
  let service: TestService;
  let elsewhere: Server;
  let visitor: Visit;
  let page = '';

  beforeAll(async () => {
    service = await startTestService();
    elsewhere = createServer((_, response) => response.setHeader('content-type', 'text/html').end(page));
    await new Promise<void>((listening) => elsewhere.listen(0, '127.0.0.1', listening));
    visitor = await visit(browser(), service.url);
  });
  afterAll(async () => {
    await visitor.close();
    elsewhere.closeAllConnections();
    elsewhere.close();
    await service.stop();
  });

  async function linkTo(file: Buffer, kind: string, size: string | null = null): Promise<string> {
    const token = service.token('admin');
    const { body } = await upload(service, { token, file, fields: { channel: 'z-api', kind } });
    const { body: link } = await call<{ url: string }>(service.url, `/v1/media/${body.id}/link`, {
      method: 'post',
      token,
      json: { expiresIn: 60, size },
    });
    return link.url;
  }

  test('to sound plays when it is opened by itself', async () => {
    await visitor.page.goto(await linkTo(wav(), 'audio'));
    const player = visitor.page.locator('video, audio');
    await player.waitFor({ state: 'attached' });
    const duration = (): Promise<number> => player.evaluate((media: { duration: number }) => media.duration);
    expect(await until(async () => (await duration()) || undefined)).toBe(1);
    expect(visitor.complaints).toEqual([]);
  });

  test('to a picture shows it in a page of another site', async () => {
    const picture = await photo({ seed: 1, width: 64, height: 48 });
    const whole = await linkTo(picture, 'image');
    const small = await linkTo(picture, 'image', 'small');
    page = `<img src="${whole}"><img src="${small}">`;
    // Another site than 127.0.0.1, though it is the same machine.
    await visitor.page.goto(`http://localhost:${String((elsewhere.address() as AddressInfo).port)}/`);
    const widths = await visitor.page
      .locator('img')
      .evaluateAll((images) =>
        (images as unknown as { naturalWidth: number }[]).map((image) => image.naturalWidth),
      );
    expect(widths).toEqual([64, 64]);
  });
});
