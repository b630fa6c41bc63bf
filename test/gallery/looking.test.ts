/** Somebody who looks at what came in. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';

import { bytes } from '../../src/demo/media-host.js';
import { photo } from '../../src/demo/photos.js';
import { startSimulator, type Simulator } from '../../src/demo/providers/index.js';
import type { SimulatedMedia } from '../../src/demo/providers/simulated-provider.js';
import { describeInBrowser, enterToken, expectAccessible, visit, type Visit } from '../support/browser.js';
import { filesFolder } from '../support/files.js';
import { heic } from '../support/heic.js';
import { startTestService, type TestService } from '../support/test-service.js';
import { until } from '../support/until.js';

describeInBrowser('The gallery', (browser) => {
  let simulator: Simulator;
  let service: TestService;
  let pictures: Buffer[];
  let visitor: Visit;

  beforeAll(async () => {
    simulator = await startSimulator();
    pictures = await Promise.all([1, 2, 3].map((seed) => photo({ seed, width: 640, height: 480 })));
  });
  afterAll(() => simulator.close());
  beforeEach(async () => {
    service = await startTestService({ env: simulator.env() });
  });
  afterEach(async () => {
    await visitor.close();
    await service.stop();
    expect(visitor.complaints).toEqual([]);
  });

  const signedIn = async (path: string): Promise<Visit['page']> => {
    visitor = await visit(browser(), service.url, { token: service.token('admin') });
    await visitor.page.goto(service.url + path);
    return visitor.page;
  };

  /** Resolves when the picture is ready, with its id. */
  async function send(index: number, more: Partial<SimulatedMedia> = {}): Promise<string> {
    const zApi = simulator.providers['z-api'];
    const url = zApi.publish(bytes('image/jpeg', pictures[index] ?? Buffer.alloc(0)));
    return deliver(zApi.webhook({ kind: 'image', url, ...more }), 'ready');
  }

  async function deliver(
    webhook: { path: string; headers: Readonly<Record<string, string>>; body: string },
    state: string,
  ): Promise<string> {
    const response = await fetch(service.url + webhook.path, { method: 'POST', ...webhook });
    const { media } = (await response.json()) as { media: string[] };
    const account = () =>
      service.database.query('select state, attempts, error_code, error_message from media where id = $1', [
        media[0],
      ]);
    await until(async () => (await account())[0]?.['state'] === state).catch(async () => {
      throw new Error(`not ${state} in time: ${JSON.stringify(await account())}`);
    });
    return media[0] ?? '';
  }

  test('is opened with a token, which no script can read, and left by signing out', async () => {
    visitor = await visit(browser(), service.url);
    const { page, context } = visitor;
    await page.goto(`${service.url}/admin?kind=image`);
    await enterToken(page, 'nonsense');
    await page.getByRole('alert').waitFor();
    visitor.complaints.length = 0; // The browser writes every answer of 401 into its console.

    await enterToken(page, service.token('admin'));
    await page.getByRole('heading', { name: 'Nothing found' }).waitFor();
    expect(page.url()).toBe(`${service.url}/admin?kind=image`);
    expect(await page.evaluate('document.cookie')).toBe('');
    expect((await context.cookies()).map(({ httpOnly, sameSite }) => ({ httpOnly, sameSite }))).toEqual([
      { httpOnly: true, sameSite: 'Strict' },
    ]);

    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in to Inlet' }).waitFor();
    expect(await context.cookies()).toEqual([]);
  });

  test('is opened by a link with the token behind the #, which is gone from the address at once', async () => {
    visitor = await visit(browser(), service.url);
    const { page, context } = visitor;
    await page.goto(`${service.url}/admin?kind=image#token=${service.token('admin')}`);
    await page.getByRole('heading', { name: 'Nothing found' }).waitFor();
    expect(page.url()).toBe(`${service.url}/admin?kind=image`);
    const [before] = await context.cookies();
    // A link of a stranger does not change who is signed in.
    await page.goto('about:blank');
    await page.goto(`${service.url}/admin#token=${service.token('media:read')}`);
    await page.getByRole('link', { name: 'Tokens' }).waitFor();
    expect(page.url()).toBe(`${service.url}/admin`);
    expect((await context.cookies())[0]?.value).toBe(before?.value);
    expect(service.logs()).not.toContain(before?.value);
  });

  test('says what is wrong with a link that does not sign in, and how a token is made', async () => {
    visitor = await visit(browser(), service.url);
    const { page } = visitor;
    await page.goto(`${service.url}/admin#token=nonsense`);
    await page.getByText('The sign-in link cannot be used').waitFor();
    expect(page.url()).toBe(`${service.url}/admin`);
    await page.getByText('npm run token -- --scope admin').waitFor();
    visitor.complaints.length = 0; // The browser writes every answer of 401 into its console.
  });

  test('asks again for a token when it was revoked, and then goes on where one was', async () => {
    const page = await signedIn('/admin');
    await page.getByRole('heading', { name: 'Nothing yet' }).waitFor();
    await page.getByRole('link', { name: 'Tokens' }).click();
    await page.getByRole('button', { name: 'Revoke' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
    await page.getByRole('link', { name: 'Audit' }).click();
    await page.getByRole('heading', { name: 'Sign in to Inlet' }).waitFor();
    await enterToken(page, service.token('admin'));
    await page.getByRole('heading', { name: 'Audit', level: 1 }).waitFor();
    await page.getByRole('cell', { name: 'Token revoked' }).waitFor();
    visitor.complaints.splice(0, Infinity, ...visitor.complaints.filter((text) => !text.includes('401')));
  });

  test('shows a picture the moment it is ready, without being asked', async () => {
    const page = await signedIn('/admin');
    await page.getByRole('heading', { name: 'Nothing yet' }).waitFor();
    await page.getByText('Live', { exact: true }).waitFor();
    await send(0, { name: 'Ana', caption: 'Look!' });
    await page.getByRole('link', { name: /^Picture from Ana, Look!/ }).waitFor();
    await page.getByRole('status').getByText('One new picture').waitFor();
    await until(() => page.evaluate<boolean>(`document.querySelector('.tile img')?.naturalWidth > 0`));
  });

  test('says of a picture that its sender has taken it back, while somebody looks', async () => {
    const page = await signedIn('/admin');
    await page.getByText('Live', { exact: true }).waitFor();
    const id = await send(0, { name: 'Ana', caption: 'Look!' });
    await page.getByRole('link', { name: /^Picture from Ana, Look!/ }).waitFor();
    const [message] = await service.database.query<{ id: string }>(
      'select message.message_id as id from media join message on message.id = media.message_row_id where media.id = $1',
      [id],
    );
    // Z-API signs nothing: the address and its token are the proof.
    const { path, headers } = simulator.providers['z-api'].webhook({
      kind: 'image',
      url: 'https://x.example',
    });
    const takenBack = {
      type: 'ReceivedCallback',
      notification: 'REVOKE',
      messageId: 'a-notification',
      referenceMessageId: message?.id,
    };
    await fetch(service.url + path, { method: 'POST', headers, body: JSON.stringify(takenBack) });
    const tile = page.getByRole('link', { name: /^Picture from Ana, Look!, .*, deleted by the sender$/ });
    await tile.waitFor();
    await tile.locator('.badge', { hasText: 'Deleted by the sender' }).waitFor();
    await tile.click();
    await page.locator('.facts-head .badge', { hasText: 'Deleted by the sender' }).waitFor();
    await page.locator('.timeline', { hasText: 'Deleted by the sender' }).waitFor();
  });

  test('narrows what it shows, says so in its address, and keeps it when reloaded', async () => {
    await send(0, { name: 'Ana', caption: 'A red house' });
    await send(1, { name: 'Bruno', caption: 'A blue boat', from: '5511999990002' });
    const page = await signedIn('/admin');
    const tiles = page.locator('.tile');
    await until(async () => (await tiles.count()) === 2);

    await page.getByRole('combobox', { name: 'Search' }).fill('boat');
    await page.waitForURL('**/admin?q=boat');
    await until(async () => (await tiles.count()) === 1);
    await page.getByRole('button', { name: 'Filters' }).click();
    await page.getByLabel('Direction').selectOption('inbound');
    await page.waitForURL('**/admin?q=boat&direction=inbound');
    await page.reload();
    await page.getByRole('link', { name: /from Bruno/ }).waitFor();
    expect(await tiles.count()).toBe(1);
    expect(await page.getByRole('combobox', { name: 'Search' }).inputValue()).toBe('boat');

    await page.getByRole('button', { name: 'Remove the filter Text boat' }).click();
    await until(async () => (await tiles.count()) === 2);
    await page.getByRole('button', { name: 'Videos' }).click();
    await page.getByRole('heading', { name: 'Nothing found' }).waitFor();
    await page.goBack();
    await until(async () => (await tiles.count()) === 2);
  });

  test('shows one picture with its facts, goes on with the arrow keys, and comes back to its place', async () => {
    const ids = [
      await send(0, { name: 'Ana' }),
      await send(1, { name: 'Bruno' }),
      await send(2, { name: 'Carla' }),
    ];
    const page = await signedIn('/admin');
    await page.getByRole('link', { name: /from Carla/ }).click();
    const viewer = page.getByRole('dialog');
    await viewer.getByRole('heading', { name: 'Carla' }).waitFor();
    await page.keyboard.press('ArrowRight');
    await viewer.getByRole('heading', { name: 'Bruno' }).waitFor();
    await page.waitForURL(`**/admin/media/${ids[1] ?? ''}`);
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    await viewer.getByRole('heading', { name: 'Ana' }).waitFor();
    await viewer.getByText('640 × 480').waitFor();
    await viewer.getByText('Ready', { exact: true }).waitFor();
    await viewer.getByText('Raw webhook').click();
    await viewer.getByLabel('Body of the webhook').getByText('"ReceivedCallback"').waitFor();

    await page.getByRole('button', { name: 'Larger' }).click();
    await page.getByRole('button', { name: 'Larger' }).click();
    const zoom = await page.getByLabel('Zoom now').innerText();
    expect(Number.parseInt(zoom, 10)).toBeGreaterThan(100);

    await page.keyboard.press('Escape');
    await page.waitForURL('**/admin');
    expect(await page.getByRole('dialog').count()).toBe(0);
    expect(await page.evaluate('document.activeElement?.className')).toContain('tile');
  });

  test('says what is odd about a file, and what type a document has', async () => {
    const { 'z-api': zApi } = simulator.providers;
    const half = (await photo({ seed: 77, width: 320, height: 240 })).subarray(0, 5_000);
    const damaged = await deliver(
      zApi.webhook({ kind: 'image', url: zApi.publish(bytes('image/jpeg', half)) }),
      'ready',
    );
    const word = readFileSync(join(filesFolder, 'letter.docx'));
    const letter = await deliver(
      zApi.webhook({ kind: 'document', url: zApi.publish(bytes('application/zip', word)) }),
      'ready',
    );
    const page = await signedIn('/admin');
    await page
      .locator('.tile')
      .getByText(/^Word · /)
      .waitFor();
    await page.locator('.tile .badge', { hasText: 'Damaged' }).waitFor();
    await page.getByRole('link', { name: /, damaged$/ }).waitFor();
    await page.goto(`${service.url}/admin/media/${damaged}`);
    await page.getByRole('dialog').getByText('Damaged').waitFor();
    await page.goto(`${service.url}/admin/media/${letter}`);
    await page
      .getByRole('dialog')
      .getByText(/^Word \(application/)
      .waitFor();
    await page.locator('.stand-in').getByText('Word', { exact: true }).waitFor();
    await expectAccessible(page);
  });

  test('plays sound, and jumps to its end without loading all of it', async () => {
    const { aisoule } = simulator.providers;
    const url = aisoule.publish(bytes('audio/wav', toneOf(120)));
    const id = await deliver(aisoule.webhook({ kind: 'audio', url, type: 'audio/wav' }), 'ready');
    const page = await signedIn('/admin');
    const statuses: number[] = [];
    page.on('response', (response) => {
      if (response.url().endsWith(`/v1/media/${id}/content`)) statuses.push(response.status());
    });
    await page.goto(`${service.url}/admin/media/${id}`);
    const at = await page.evaluate<number>(`new Promise((resolve, reject) => {
      const wait = setInterval(() => {
        const player = document.querySelector('audio');
        if (!player || !(player.duration > 0)) return;
        clearInterval(wait);
        player.onerror = () => reject(player.error);
        player.onseeked = () => resolve(player.currentTime);
        player.currentTime = player.duration - 1;
      }, 20);
    })`);
    expect(Math.round(at)).toBe(119);
    expect(new Set(statuses)).toEqual(new Set([206]));
  });

  test('makes a link that opens the file for somebody without a token', async () => {
    const id = await send(0);
    const page = await signedIn(`/admin/media/${id}`);
    await page.getByRole('button', { name: 'Share link' }).click();
    await page.getByLabel('Valid for').selectOption('86400');
    const link = page.getByLabel('Link', { exact: true });
    await link.waitFor();
    const response = await fetch(await link.inputValue());
    expect(response.headers.get('content-type')).toBe('image/jpeg');
    expect(Buffer.from(await response.arrayBuffer()).equals(pictures[0] ?? Buffer.alloc(0))).toBe(true);
  });

  test('erases a picture, after asking', async () => {
    const id = await send(0, { name: 'Ana' });
    const page = await signedIn(`/admin/media/${id}`);
    await page.getByRole('button', { name: 'More actions' }).click();
    await page.getByRole('menuitem', { name: 'Erase', exact: true }).click();
    await page.getByRole('dialog').getByText('This cannot be undone.').waitFor();
    await page
      .getByRole('dialog', { name: 'Permanently delete this file?' })
      .getByRole('button', { name: 'Erase' })
      .click();
    await page.getByText('all personal data were erased').waitFor();
    const rows = await service.database.query<{ state: string }>('select state from media where id = $1', [
      id,
    ]);
    expect(rows).toEqual([{ state: 'erased' }]);
  });

  test('erases a person when their id was typed, and not before', async () => {
    await send(0, { name: 'Ana', from: '5511999990001' });
    await send(1, { name: 'Ana', from: '5511999990001' });
    const id = await send(2, { name: 'Bruno', from: '5511999990002' });
    const page = await signedIn('/admin?from=5511999990001');
    await page.locator('.tile').first().click();
    await page.getByRole('button', { name: 'More actions' }).click();
    await page.getByRole('menuitem', { name: 'Erase person' }).click();
    const confirm = page.getByRole('dialog', { name: 'Erase this person?' });
    const button = confirm.getByRole('button', { name: 'Erase everything' });
    await confirm.getByRole('textbox').fill('5511999990002');
    expect(await button.isDisabled()).toBe(true);
    await confirm.getByRole('textbox').fill('5511999990001');
    await button.click();
    await page.getByText('all personal data were erased').waitFor();
    const left = await service.database.query<{ id: string }>("select id from media where state = 'ready'");
    expect(left).toEqual([{ id }]);
  });

  test('tries failed ones again, many at once', async () => {
    const zApi = simulator.providers['z-api'];
    const missing = `${simulator.host.origin}/v3/media/00000000-0000-4000-8000-00000000000`;
    for (const end of ['1', '2'])
      await deliver(zApi.webhook({ kind: 'image', url: missing + end, name: 'Ana' }), 'failed');
    const page = await signedIn('/admin');
    await page.getByRole('link', { name: /Attention/ }).click();
    await page.getByLabel('All 2').check();
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByText('2 of 2').waitFor();
    expect(await page.getByText('Retry started').count()).toBe(2);
    await until(async () => {
      const rows = await service.database.query('select 1 from media_attempt');
      return rows.length === 4;
    });
  });

  test('shows a webhook that was not understood, and replays it', async () => {
    const webhook = simulator.providers['z-api'].webhook({ kind: 'malformed', name: '<b>Ana</b>' });
    await fetch(service.url + webhook.path, { method: 'POST', ...webhook });
    const page = await signedIn('/admin/attention?show=malformed');
    await page.getByRole('button', { name: 'Raw webhook' }).click();
    await page.getByLabel('Body of the webhook').getByText('<b>Ana</b>').waitFor();
    await page.getByRole('button', { name: 'Close' }).click();
    await page.getByRole('checkbox', { name: /^Select the webhook/ }).check();
    await page.getByRole('button', { name: 'Replay' }).click();
    await page.getByText('Still not understood').waitFor();
  });

  test('sees a HEIC picture that was sent as a document, which no browser can show itself', async () => {
    const zApi = simulator.providers['z-api'];
    const url = zApi.publish(bytes('image/heic', await heic('plain')));
    const id = await deliver(zApi.webhook({ kind: 'document', url, filename: 'IMG_0001.HEIC' }), 'ready');
    const page = await signedIn(`/admin/media/${id}`);
    const picture = page.locator('.zoom img');
    await until(() => page.evaluate<boolean>(`document.querySelector('.zoom img')?.naturalWidth === 1500`));
    await page.getByText('6000 × 4000').waitFor();
    await page.locator('.zoom').press('1'); // Every pixel is wanted, but the preview is all that can be shown.
    await until(async () => (await page.getByLabel('Zoom now').innerText()) === '100 %');
    expect(await picture.getAttribute('src')).toContain('size=large');
  });
});

/** A WAV file of so many seconds: 8 bits, 44 100 times a second. */
function toneOf(seconds: number): Buffer {
  // One second, again and again: to compute them all would block the service, which runs in this process, for
  // seconds.
  const second = Buffer.from(
    Array.from({ length: 44_100 }, (_, at) => 128 + Math.round(60 * Math.sin(at / 16))),
  );
  const samples = Buffer.alloc(seconds * second.length, second);
  const head = Buffer.alloc(44);
  head.write('RIFF', 0);
  head.writeUInt32LE(36 + samples.length, 4);
  head.write('WAVEfmt ', 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(44_100, 24);
  head.writeUInt32LE(44_100, 28);
  head.writeUInt16LE(1, 32);
  head.writeUInt16LE(8, 34);
  head.write('data', 36);
  head.writeUInt32LE(samples.length, 40);
  return Buffer.concat([head, samples]);
}
