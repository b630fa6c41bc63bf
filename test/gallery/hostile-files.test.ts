/**
 * Files that would like to be a page: opened in a browser by their own address, none of them runs anything.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { bytes } from '../../src/demo/media-host.js';
import { startSimulator, type Simulator } from '../../src/demo/providers/index.js';
import type { SimulatedMediaKind } from '../../src/demo/providers/simulated-provider.js';
import { describeInBrowser, visit } from '../support/browser.js';
import { startTestService, type TestService } from '../support/test-service.js';
import { until } from '../support/until.js';

describeInBrowser('A file that would like to be a page', (browser) => {
  let simulator: Simulator;
  let service: TestService;
  let beacon: Server;
  const heard: string[] = [];
  let script: string;
  /** The media of the files by the names of their cases. */
  const sent = new Map<string, string>();

  beforeAll(async () => {
    beacon = createServer((request, response) => {
      heard.push(request.url ?? '');
      response.setHeader('Access-Control-Allow-Origin', '*').end();
    });
    await new Promise<void>((listening) => beacon.listen(0, '127.0.0.1', listening));
    const address = `http://127.0.0.1:${String((beacon.address() as AddressInfo).port)}`;
    script = `window.wasHere = true; document.title = 'was here'; fetch('${address}/fetch'); new Image().src = '${address}/image';`;
    simulator = await startSimulator();
    service = await startTestService({ env: simulator.env() });
    // All at once, because what is no picture is fetched again for some seconds.
    for (const one of cases) sent.set(one.name, await post(one));
  });
  afterAll(async () => {
    await service.stop();
    await simulator.close();
    beacon.close();
    beacon.closeAllConnections();
  });

  const page = (): string => `<!doctype html><html><body><script>${script}</script></body></html>`;
  const svg = (): string => `<svg xmlns="http://www.w3.org/2000/svg"><script>${script}</script></svg>`;
  interface Case {
    readonly name: string;
    readonly kind: SimulatedMediaKind;
    readonly type: string;
    readonly filename: string;
    readonly content: () => string;
  }
  const cases: readonly Case[] = [
    {
      name: 'an SVG with a script',
      kind: 'document',
      type: 'image/svg+xml',
      filename: 'logo.svg',
      content: svg,
    },
    {
      name: 'an SVG sent as a picture',
      kind: 'image',
      type: 'image/svg+xml',
      filename: 'logo.svg',
      content: svg,
    },
    { name: 'HTML named .jpg', kind: 'document', type: 'image/jpeg', filename: 'photo.jpg', content: page },
    {
      name: 'HTML sent as a picture',
      kind: 'image',
      type: 'image/jpeg',
      filename: 'photo.jpg',
      content: page,
    },
    {
      name: 'a GIF that is HTML as well',
      kind: 'document',
      type: 'image/gif',
      filename: 'photo.gif',
      content: () => `GIF89a/*${page()}*/=1;`,
    },
    {
      name: 'a PDF that is HTML as well',
      kind: 'document',
      type: 'application/pdf',
      filename: 'invoice.pdf',
      content: () => `%PDF-1.4\n${page()}\n%%EOF`,
    },
  ];

  async function post({ kind, type, filename, content }: Case): Promise<string> {
    const { aisoule } = simulator.providers;
    const url = aisoule.publish(bytes(type, Buffer.from(content())));
    const webhook = aisoule.webhook({ kind, url, type, filename });
    const response = await fetch(service.url + webhook.path, { method: 'POST', ...webhook });
    const { media } = (await response.json()) as { media: [string] };
    return media[0];
  }

  test.each(cases)('$name runs nothing', async ({ name, type, filename }) => {
    const media = sent.get(name) ?? '';
    const state = await until(async () => {
      const [row] = await service.database.query<{ state: string }>('select state from media where id = $1', [
        media,
      ]);
      return row?.state !== 'pending' && row?.state;
    });
    const visitor = await visit(browser(), service.url, { token: service.token('admin'), isNew: true });
    const { page: tab } = visitor;
    const address = `${service.url}/v1/media/${media}/content`;

    // By its address: shown, downloaded or refused, but never run.
    const downloaded: string[] = [];
    tab.on('download', (file) => downloaded.push(file.suggestedFilename()));
    await tab.goto(address).catch(() => undefined);
    // What was kept is a file to download; what the bytes say is a picture is shown as one.
    const expected = state === 'ready' && type !== 'image/gif' ? [filename] : [];
    await until(() => downloaded.length >= expected.length);
    expect(await tab.evaluate('window.wasHere === undefined')).toBe(true);
    expect(await tab.title()).not.toBe('was here');

    // In a frame of a page of ours, and in the viewer.
    await tab.goto(`${service.url}/admin/media/${media}`);
    await tab.getByRole('dialog').getByRole('heading', { name: 'History' }).waitFor();
    expect(await tab.evaluate('window.wasHere === undefined')).toBe(true);
    expect(downloaded).toEqual(expected);
    await visitor.close();
    expect(heard).toEqual([]);
  });

  test('the beacon would have heard it', async () => {
    const visitor = await visit(browser(), service.url, { isNew: true });
    await visitor.page.setContent(page());
    await until(() => heard.length > 0);
    await visitor.close();
    heard.length = 0;
  });
});
