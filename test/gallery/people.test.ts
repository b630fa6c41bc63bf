/** The pages of people and groups: what was exchanged, replies, tags and notes, erasing. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';

import { photo } from '../../src/demo/photos.js';
import { describeInBrowser, expectAccessible, visit, type Visit } from '../support/browser.js';
import { refuse, startCourier, type Courier } from '../support/courier.js';
import { daysAgo, fillGallery } from '../support/filled-gallery.js';
import { startTestService, type TestService } from '../support/test-service.js';
import { until } from '../support/until.js';

const fernanda = '5511900000123';
const group = '120363000000000001-group';
const channel = 'courier';

describeInBrowser('People', (browser) => {
  let courier: Courier;
  let service: TestService;
  let visitor: Visit;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'inlet-test-people-'));
    await writeFile(join(folder, 'roof.jpg'), await photo({ seed: 1, width: 640, height: 480 }));
    await writeFile(join(folder, 'tiles.jpg'), await photo({ seed: 2, width: 640, height: 480 }));
    await writeFile(join(folder, 'notes.txt'), 'Nothing that this channel sends');
    courier = await startCourier();
    service = await startTestService({ channels: [courier.channel] });
    const hers = { person: fernanda, name: 'Fernanda Peçanha', channel };
    await fillGallery(service, [
      ...Array.from({ length: 130 }, (_, index) => ({
        ...hers,
        caption: `Roof ${String(index)}`,
        at: daysAgo(2 + index),
        direction: index % 5 === 1 ? ('outbound' as const) : ('inbound' as const),
      })),
      { ...hers, chat: group, caption: 'In the group', at: daysAgo(1) },
      { person: '5511900000456', name: 'Bia', channel, chat: group, caption: 'Also', at: daysAgo(1.5) },
      { person: '5511900000789', name: 'Carla', channel, caption: 'To be erased', at: daysAgo(4) },
      { person: '5511900000789', name: 'Carla', channel, caption: 'This, too', at: daysAgo(5) },
    ]);
  });
  afterEach(async () => {
    await visitor.close();
    expect(visitor.complaints).toEqual([]);
  });
  afterAll(async () => {
    await service.stop();
    courier.close();
    await rm(folder, { recursive: true });
  });

  const open = async (path: string, size: 'desktop' | 'phone' = 'desktop'): Promise<Page> => {
    visitor = await visit(browser(), service.url, { token: service.token('admin'), size });
    await visitor.page.goto(service.url + path);
    return visitor.page;
  };
  const pageOf = (id: string): string => `/admin/people/${channel}/${id}`;

  test.each(['desktop', 'phone'] as const)('show both directions, and who it is (%s)', async (size) => {
    const page = await open(pageOf(fernanda), size);
    await page.getByRole('heading', { name: 'Fernanda Peçanha', level: 1 }).waitFor();
    await page.getByText('+55 (11) 90000-0123').first().waitFor();
    await page.getByText('105 received, 26 sent').waitFor();
    await page.locator('.entry.inbound').first().waitFor();
    await page.locator('.entry.outbound').first().waitFor();
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      await expectAccessible(page);
    }
    const overflow = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
    expect(await page.evaluate<number>(overflow)).toBeLessThanOrEqual(0);
  });

  test('load more while one scrolls, and return to the place after a reload', async () => {
    const page = await open(pageOf(fernanda));
    await page.locator('.entry').first().waitFor();
    const first = await page.locator('.entry').count();
    await until(async () => {
      await page.evaluate('window.scrollTo(0, document.documentElement.scrollHeight)');
      return (await page.locator('.entry').count()) > Math.max(first, 60);
    });
    await page.waitForURL('**/5511900000123?at=*');
    await page.reload();
    // The page may have written another place just before it was left.
    const place = new URL(page.url()).searchParams.get('at') ?? '';
    await page.locator(`#entry-${place}`).waitFor();
    await page.getByRole('button', { name: 'Show the newest' }).click();
    await page.getByText('In the group').waitFor();
  });

  test('a month is jumped to', async () => {
    const page = await open(pageOf(fernanda));
    const month = daysAgo(90);
    const name = month.toLocaleDateString('en-US', { month: 'long', year: 'numeric' });
    await page.getByLabel('Jump to a month').selectOption({ label: name });
    await until(async () => {
      const time = await page.locator('.entry time').first().getAttribute('datetime');
      return new Date(time ?? 0).getMonth() === month.getMonth();
    });
  });

  test('a group names its senders; a picture opens above it and leads to the person', async () => {
    const page = await open(pageOf(group));
    await page.locator('.entry', { hasText: 'Bia' }).waitFor();
    await expectAccessible(page);
    await page.getByRole('link', { name: /In the group/ }).click();
    const viewer = page.getByRole('dialog');
    await viewer.getByRole('heading', { name: 'Fernanda Peçanha' }).waitFor();
    await page.keyboard.press('Escape');
    await viewer.waitFor({ state: 'detached' });
    await page.locator('.entry', { hasText: 'Bia' }).waitFor();
    await page.getByRole('link', { name: /In the group/ }).click();
    await viewer.getByRole('link', { name: 'Fernanda Peçanha', exact: true }).click();
    await page.waitForURL(`**${pageOf(fernanda)}`);
    await page.getByText('105 received, 26 sent').waitFor();
  });

  test('who is unknown is said to be, and a fault can be tried again', async () => {
    const page = await open(pageOf('5511900000000'));
    await page.getByRole('heading', { name: 'Nobody here' }).waitFor();
    await expectAccessible(page);
    await page.route('**/timeline?*', (route) => route.fulfill({ status: 503, body: '' }));
    await page.goto(service.url + pageOf(group));
    await page.getByRole('alert').waitFor();
    await page.unrouteAll();
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.locator('.entry', { hasText: 'Bia' }).waitFor();
    visitor.complaints.splice(0, Infinity, ...visitor.complaints.filter((one) => !/404|503/.test(one)));
  });

  /** Pastes a picture, as from the clipboard of the desktop, as soon as the page takes it. */
  const paste = async (page: Page, name: string): Promise<void> => {
    const bytes = (await photo({ seed: 3, width: 640, height: 480 })).toString('base64');
    const isTaken = () =>
      page.evaluate<boolean>(`(() => {
        const data = new DataTransfer();
        const bytes = Uint8Array.from(atob('${bytes}'), (character) => character.charCodeAt(0));
        data.items.add(new File([bytes], '${name}', { type: 'image/jpeg' }));
        return !(document.activeElement ?? document.body).dispatchEvent(
          new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
      })()`);
    await until(isTaken);
  };

  test('a reply with several files: pasted, chosen, one that cannot be sent, captions, the outcome of each', async () => {
    const before = courier.handed.length;
    const page = await open(pageOf(fernanda));
    await page.getByRole('button', { name: 'Reply' }).waitFor();
    await paste(page, 'pasted.jpg');
    const form = page.getByRole('dialog', { name: 'Reply to Fernanda Peçanha' });
    await form.getByText('+55 (11) 90000-0123').waitFor();
    await form.getByRole('img', { name: 'Preview of pasted.jpg' }).waitFor();
    await form
      .locator('input[type=file]')
      .setInputFiles([join(folder, 'roof.jpg'), join(folder, 'notes.txt')]);
    await form.getByText('This channel does not send this type of file').waitFor();
    await form.getByLabel('Caption of roof.jpg').fill('The new roof');
    await expectAccessible(page);
    courier.answer((handed, response) => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ id: `first-${handed.id}` }));
    }, refuse);
    await form.getByRole('button', { name: 'Send', exact: true }).click();
    const row = (name: string) => form.getByRole('listitem').filter({ hasText: name });
    await row('pasted.jpg').getByText('Sent', { exact: true }).waitFor();
    await row('roof.jpg').getByText('Message undeliverable').waitFor();
    await row('notes.txt').getByRole('button', { name: 'Remove notes.txt' }).click();
    await form.getByRole('button', { name: 'Send', exact: true }).click();
    await row('roof.jpg').getByText('Sent', { exact: true }).waitFor();
    expect(courier.handed.slice(before).map(({ to, caption }) => ({ to, caption }))).toEqual([
      { to: fernanda, caption: null },
      { to: fernanda, caption: 'The new roof' },
      { to: fernanda, caption: 'The new roof' },
    ]);
    await form.getByRole('button', { name: 'Close' }).click();
    await page.locator('.entry.outbound', { hasText: 'The new roof' }).first().waitFor();
  });

  test('tags and a note are shared, and nobody overwrites another unasked', async () => {
    const page = await open(`/admin?from=${fernanda}`);
    await page.locator('.tile').first().click();
    const viewer = page.getByRole('dialog');
    await viewer.getByLabel('New tag').fill('Case 4711');
    await viewer.getByRole('button', { name: 'Add', exact: true }).click();
    await viewer.getByRole('link', { name: 'Case 4711' }).waitFor();
    await viewer.getByLabel('Note').fill('Call back on Monday');
    await viewer.getByRole('button', { name: 'Save', exact: true }).click();
    await viewer.getByRole('button', { name: 'Save', exact: true }).waitFor({ state: 'detached' });
    await viewer.getByLabel('Handled').check();
    await viewer.getByText(/^Handled .*\d/).waitFor();

    await viewer.getByLabel('Note').fill('Mine');
    const id = /media\/([\w-]+)/.exec(page.url())?.[1] ?? '';
    await fetch(`${service.url}/v1/media/${id}`, {
      method: 'PATCH',
      headers: { authorization: `Bearer ${service.token('admin')}`, 'content-type': 'application/json' },
      body: JSON.stringify({ note: 'Theirs' }),
    });
    await viewer.getByRole('button', { name: 'Save', exact: true }).click();
    await viewer.getByText('Somebody else has changed this meanwhile').waitFor();
    await viewer.getByText('Theirs', { exact: true }).waitFor();
    expect(await viewer.getByLabel('Note').inputValue()).toBe('Mine');
    await expectAccessible(page);
    await viewer.getByRole('button', { name: 'Save mine' }).click();
    await viewer.getByRole('button', { name: 'Save mine' }).waitFor({ state: 'detached' });
    const [row] = await service.database.query<{ note: string }>('select note from media where id = $1', [
      id,
    ]);
    expect(row?.note).toBe('Mine');

    await viewer.getByRole('link', { name: 'Case 4711' }).click();
    await page.waitForURL('**/admin?tag=Case+4711');
    await until(async () => (await page.locator('.tile').count()) === 1);
    visitor.complaints.splice(0, Infinity, ...visitor.complaints.filter((one) => !/40[129]|412/.test(one)));
  });

  test('erasing counts first, asks for the id, and leaves nobody', async () => {
    const page = await open(pageOf('5511900000789'));
    await page.getByRole('button', { name: 'Erase person' }).click();
    const confirm = page.getByRole('dialog', { name: 'Erase this person?' });
    await confirm.getByText(/^2 files .* will be erased/).waitFor();
    await expectAccessible(page);
    const button = confirm.getByRole('button', { name: 'Erase everything' });
    expect(await button.isDisabled()).toBe(true);
    await confirm.getByRole('textbox').fill('5511900000789');
    await button.click();
    await page.getByRole('heading', { name: 'Nobody here' }).waitFor();
    const left = await service.database.query("select 1 from message where sender = '5511900000789'");
    expect(left).toEqual([]);
    visitor.complaints.splice(0, Infinity, ...visitor.complaints.filter((one) => !one.includes('404')));
  });
});
