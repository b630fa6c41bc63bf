/** What a team does with files all day: sharing pages of them and tagging many at once. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { bytes } from '../../src/demo/media-host.js';
import { photo } from '../../src/demo/photos.js';
import { startSimulator, type Simulator } from '../../src/demo/providers/index.js';
import { describeInBrowser, expectAccessible, visit, type VisitOptions } from '../support/browser.js';
import { call } from '../support/client.js';
import { startTestService, type TestService } from '../support/test-service.js';
import { until } from '../support/until.js';

const names = ['Ana', 'Bruno', 'Carla', 'Dora'] as const;

describeInBrowser('Daily work in the gallery', (browser) => {
  let simulator: Simulator;
  let service: TestService;
  /** The ids of the pictures, by the names of their senders. */
  const media = new Map<string, string>();

  beforeAll(async () => {
    simulator = await startSimulator();
    service = await startTestService({ env: simulator.env() });
    const zApi = simulator.providers['z-api'];
    for (const name of names) {
      const picture = bytes('image/jpeg', await photo({ seed: name.length, width: 320, height: 240 }));
      const webhook = zApi.webhook({ kind: 'image', url: zApi.publish(picture), name });
      const posted = await fetch(service.url + webhook.path, { method: 'POST', ...webhook });
      const receipt = (await posted.json()) as { media: string[] };
      media.set(name, receipt.media[0] ?? '');
    }
    await until(async () => {
      const rows = await service.database.query("select 1 from media where state = 'ready'");
      return rows.length === names.length;
    });
  });
  afterAll(async () => {
    await service.stop();
    await simulator.close();
  });

  type Page = Awaited<ReturnType<typeof visit>>['page'];

  const inPage = async (
    path: string,
    work: (page: Page) => Promise<void>,
    { refused, ...options }: VisitOptions & { readonly refused?: number } = {},
  ): Promise<void> => {
    const visitor = await visit(browser(), service.url, { token: service.token('admin'), ...options });
    try {
      await visitor.page.goto(service.url + path);
      await work(visitor.page);
    } finally {
      await visitor.close();
    }
    // The browser itself reports a refused request.
    const isExpected = (complaint: string): boolean =>
      refused !== undefined && complaint.includes(`status of ${String(refused)}`);
    expect(visitor.complaints.filter((complaint) => !isExpected(complaint))).toEqual([]);
  };

  const expectAccessibleInBoth = async (page: Page): Promise<void> => {
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      await expectAccessible(page);
    }
    const overflow = await page.evaluate<number>(
      'document.documentElement.scrollWidth - document.documentElement.clientWidth',
    );
    expect(overflow).toBeLessThanOrEqual(0);
  };

  const select = async (page: Page, ...wanted: readonly string[]): Promise<void> => {
    await page.getByRole('link', { name: new RegExp(`from ${wanted[0] ?? ''}`) }).hover();
    for (const name of wanted)
      await page.getByRole('checkbox', { name: new RegExp(`^Select: Picture from ${name}`) }).check();
  };

  const statusOf = async (url: string): Promise<number> => (await fetch(url)).status;
  const tagsOf = async (name: string): Promise<readonly string[]> => {
    const [row] = await service.database.query<{ tags: string[] | null }>(
      'select tags from media where id = $1',
      [media.get(name)],
    );
    return row?.tags ?? [];
  };
  const tag = (name: string, tags: readonly string[]) =>
    call(service.url, `/v1/media/${media.get(name) ?? ''}`, {
      method: 'patch',
      token: service.token('admin'),
      json: { tags },
    });

  /** The link of the page that the first test shares. */
  let url = '';

  test('shares selected files as a page, and shows its link once', async () => {
    await inPage('/admin', async (page) => {
      await select(page, 'Ana', 'Bruno');
      await page.getByRole('button', { name: 'Share as a page' }).click();
      const form = page.getByRole('dialog', { name: 'Share 2 files as a page' });
      await form.getByLabel('Title of the page').fill('The broken vase');
      await form.getByLabel('Days until').fill('3');
      await form.getByLabel('Password').fill('roses and tulips');
      await expectAccessibleInBoth(page);
      await form.getByRole('button', { name: 'Create the link' }).click();
      const shown = page.getByRole('dialog', { name: 'The link to the page' });
      url = await shown.getByRole('textbox', { name: 'Link' }).inputValue();
      expect(await shown.getByRole('textbox', { name: 'Password' }).inputValue()).toBe('roses and tulips');
      await shown.getByRole('button', { name: 'I have copied it' }).click();
      expect(await page.content()).not.toContain(url);
    });
    expect(await statusOf(url)).toBe(200);
  });

  test('lists what is shared without the links, and revokes it', async () => {
    await inPage('/admin/shares', async (page) => {
      const row = page.getByRole('row', { name: /The broken vase/ });
      await row.getByText('2 files').click();
      const first = await row.getByRole('link', { name: 'File 1' }).getAttribute('href');
      expect(first).toBe(`/admin/media/${media.get('Ana') ?? ''}`);
      await expectAccessibleInBoth(page);
      expect(await page.content()).not.toContain(new URL(url).pathname);
      await row.getByRole('button', { name: 'Revoke: The broken vase' }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
      await row.getByText('revoked just now').waitFor();
    });
    expect(await statusOf(url)).toBe(410);
  });

  test('shares one file from the menu of the viewer, on a phone', async () => {
    const share = async (page: Page): Promise<void> => {
      await page.getByRole('button', { name: 'More actions' }).click();
      await page.getByRole('menuitem', { name: 'Share as a page' }).click();
      const form = page.getByRole('dialog', { name: 'Share 1 file as a page' });
      await form.getByLabel('Days until').fill('91');
      await form.getByRole('button', { name: 'Create the link' }).click();
      expect(await page.getByRole('dialog', { name: 'The link to the page' }).count()).toBe(0);
      await form.getByLabel('Days until').fill('1');
      await form.getByRole('button', { name: 'Create the link' }).click();
      const shown = page.getByRole('dialog', { name: 'The link to the page' });
      expect(await statusOf(await shown.getByRole('textbox', { name: 'Link' }).inputValue())).toBe(200);
      await expectAccessibleInBoth(page);
    };
    await inPage(`/admin/media/${media.get('Carla') ?? ''}`, share, { size: 'phone' });
  });

  test('shows what is shared on a phone', async () => {
    const look = async (page: Page): Promise<void> => {
      await page.getByText('Without a title').waitFor();
      await expectAccessibleInBoth(page);
    };
    await inPage('/admin/shares', look, { size: 'phone' });
  });

  test('nobody without the right to share is offered it', async () => {
    const token = service.token('media:read messages:send');
    await inPage(
      '/admin',
      async (page) => {
        await select(page, 'Ana');
        await page.getByRole('button', { name: 'Tags' }).waitFor();
        expect(await page.getByRole('button', { name: 'Share as a page' }).count()).toBe(0);
      },
      { token },
    );
  });

  test('tags all selected files, and keeps what somebody else has changed meanwhile', async () => {
    await tag('Dora', ['VIP']);
    const work = async (page: Page): Promise<void> => {
      await select(page, ...names);
      await page.getByRole('button', { name: 'Tags' }).click();
      const dialog = page.getByRole('dialog', { name: 'Tags of 4 files' });
      await dialog.getByRole('button', { name: 'VIP on 1' }).waitFor();
      await dialog.getByRole('combobox', { name: 'Tag' }).fill('Case 4711');
      await dialog.getByRole('button', { name: 'Add to all' }).click();
      await dialog.getByRole('button', { name: 'Case 4711 on 4' }).waitFor();
      expect(await Promise.all(names.map(tagsOf))).toEqual([
        ['Case 4711'],
        ['Case 4711'],
        ['Case 4711'],
        ['VIP', 'Case 4711'],
      ]);
      await tag('Ana', ['Case 4711', 'urgent']);
      await dialog.getByRole('combobox', { name: 'Tag' }).fill('cáse 4711');
      await dialog.getByRole('button', { name: 'Remove from all' }).click();
      await dialog.getByRole('button', { name: 'urgent on 1' }).waitFor();
      await until(async () => (await dialog.getByRole('button', { name: /Case 4711/ }).count()) === 0);
      await expectAccessibleInBoth(page);
    };
    await inPage('/admin', work, { refused: 412 });
    expect(await Promise.all(names.map(tagsOf))).toEqual([['urgent'], [], [], ['VIP']]);
  });

  test('says which tags could not be changed, and why, and tries only these again', async () => {
    const work = async (page: Page): Promise<void> => {
      await select(page, 'Bruno', 'Carla');
      await page.getByRole('button', { name: 'Tags' }).click();
      const dialog = page.getByRole('dialog', { name: 'Tags of 2 files' });
      const changes: string[] = [];
      page.on('request', (request) => {
        if (request.method() === 'PATCH') changes.push(new URL(request.url()).pathname);
      });
      const ofBruno = `/v1/media/${media.get('Bruno') ?? ''}`;
      const isFailing = (url: URL): boolean => url.pathname === ofBruno;
      await page.route(isFailing, (route) => route.fulfill({ status: 503, body: '' }));
      await dialog.getByRole('combobox', { name: 'Tag' }).fill('later');
      await page.keyboard.press('Enter');
      await dialog.getByText('1 file was not changed:').waitFor();
      expect(await Promise.all([tagsOf('Bruno'), tagsOf('Carla')])).toEqual([[], ['later']]);
      await expectAccessibleInBoth(page);
      await page.unroute(isFailing);
      changes.length = 0;
      await dialog.getByRole('button', { name: 'Try again' }).click();
      await dialog.getByRole('button', { name: 'later on 2' }).waitFor();
      expect(changes).toEqual([ofBruno]);
      expect(await dialog.getByText('1 file was not changed:').count()).toBe(0);
    };
    await inPage('/admin', work, { refused: 503 });
    expect(await tagsOf('Bruno')).toEqual(['later']);
  });

  test('a tag is suggested where one is written, and becomes the filter in the search', async () => {
    await tag('Ana', ['Cotação', 'urgent']);
    await inPage('/admin', async (page) => {
      const search = page.getByRole('combobox', { name: 'Search' });
      await search.fill('cotac');
      await page.getByRole('option', { name: /Cotação/ }).waitFor();
      await search.press('ArrowDown');
      await expectAccessibleInBoth(page);
      await search.press('Enter');
      await page.waitForURL((address) => address.searchParams.get('tag') === 'Cotação');
      expect(new URL(page.url()).searchParams.get('q')).toBeNull();
      expect(await search.inputValue()).toBe('');
      await page.getByRole('button', { name: /Remove the filter Tag Cotação/ }).waitFor();
      await until(async () => (await page.locator('.tile').count()) === 1);
      await page.getByRole('button', { name: /^Filters/ }).click();
      const field = page.locator('#more-filters').getByLabel('Tag');
      await field.fill('vi');
      await page.locator('#more-filters datalist option[value="VIP"]').waitFor({ state: 'attached' });
      expect(new URL(page.url()).searchParams.get('tag')).toBe('Cotação');
      await field.fill('VIP');
      await field.press('Enter');
      await page.getByRole('link', { name: /from Dora/ }).click();
      const viewer = page.getByRole('dialog');
      await viewer.getByLabel('New tag').fill('urg');
      await viewer.locator('datalist option[value="urgent"]').waitFor({ state: 'attached' });
    });
  });

  test('shows what programs have found, folded, and finds the file by it', async () => {
    const facts = [
      { source: 'tesseract', type: 'text', value: 'Peça nº 77', language: 'pt-BR', confidence: 0.94 },
      { source: 'classifier', type: 'labels', value: [{ name: 'vase', confidence: 0.5 }, { name: 'rose' }] },
    ];
    for (const json of facts) {
      const path = `/v1/media/${media.get('Carla') ?? ''}/facts`;
      await call(service.url, path, { method: 'post', token: service.token('facts:write'), json });
    }
    await inPage('/admin?q=peca+n', async (page) => {
      await page.getByRole('link', { name: /from Carla/ }).click();
      expect(await page.locator('.tile').count()).toBe(1);
      const viewer = page.getByRole('dialog');
      const text = viewer.getByLabel('Text in the file');
      await viewer.getByText('Found by programs (2)').waitFor();
      expect(await text.isVisible()).toBe(false);
      await viewer.getByText('Found by programs (2)').click();
      expect([await text.innerText(), await text.getAttribute('lang')]).toEqual(['Peça nº 77', 'pt-BR']);
      await viewer.getByText(/^tesseract, .+ · confidence 94%$/).waitFor();
      await viewer.getByText('vase 50%').waitFor();
      await expectAccessibleInBoth(page);
    });
  });

  test('stars files with a key in the grid and in the viewer, and lists them alone', async () => {
    const starred = async (): Promise<number> =>
      (await service.database.query('select from favourite')).length;
    await inPage('/admin', async (page) => {
      const tile = page.getByRole('link', { name: /from Ana/ });
      await tile.focus();
      await page.keyboard.press('s');
      await page.getByRole('link', { name: /from Ana.*, favourite$/ }).waitFor();
      await select(page, 'Bruno', 'Carla');
      await page.getByRole('link', { name: /from Bruno/ }).focus();
      await page.keyboard.press('s');
      await until(async () => (await starred()) === 3);
      await page.getByRole('button', { name: 'Clear the selection' }).click();
      await expectAccessibleInBoth(page);
      await page.getByRole('link', { name: /from Carla.*, favourite$/ }).click();
      const button = page.getByRole('dialog').getByRole('button', { name: 'Favourite' });
      await page.getByRole('dialog').locator('.star[aria-pressed=true]').waitFor();
      await page.keyboard.press('s');
      await page.getByRole('dialog').locator('.star[aria-pressed=false]').waitFor();
      await expectAccessibleInBoth(page);
      await button.click();
      await page.getByRole('dialog').locator('.star[aria-pressed=true]').waitFor();
      expect(await starred()).toBe(3);
      await page.keyboard.press('s');
      await until(async () => (await starred()) === 2);
      await page.keyboard.press('Escape');
      await page.getByRole('button', { name: /^Filters/ }).click();
      await page.locator('#more-filters').getByLabel('Favourites').selectOption('Only favourites');
      await page.waitForURL((address) => address.searchParams.get('favourite') === 'true');
      await until(async () => (await page.locator('.tile').count()) === 2);
      await page.getByRole('button', { name: /Remove the filter Favourites/ }).waitFor();
    });
  });

  test('saves filters as a view, opens it, and deletes it', async () => {
    await inPage('/admin?kind=image&since=2026-01-15&until=2099-03-01', async (page) => {
      await page.getByRole('button', { name: 'Saved views' }).click();
      const views = page.getByRole('region', { name: 'Saved views' });
      await views.getByLabel('Name of the view').fill('Pictures of the year');
      await views.getByLabel('Share it with everybody').check();
      await views.getByRole('button', { name: 'Save these filters' }).click();
      await views.getByRole('link', { name: 'Pictures of the year' }).waitFor();
      await expectAccessibleInBoth(page);
      await page.goto(`${service.url}/admin`);
      await page.getByRole('button', { name: 'Saved views' }).click();
      await views.getByRole('link', { name: 'Pictures of the year' }).click();
      await page.waitForURL('**/admin?kind=image&since=2026-01-15&until=2099-03-01');
      await until(async () => (await page.locator('.tile').count()) === names.length);
      await views.getByRole('button', { name: 'Delete the view Pictures of the year' }).click();
      await views.getByText('No saved views yet').waitFor();
    });
  });

  test('saved views fit on a phone', async () => {
    const look = async (page: Page): Promise<void> => {
      await page.getByRole('button', { name: 'Saved views' }).click();
      await page.getByLabel('Name of the view').waitFor();
      await expectAccessibleInBoth(page);
    };
    await inPage('/admin?kind=image', look, { size: 'phone' });
  });

  test('lists the keys of the grid, unless somebody is in a field', async () => {
    await inPage('/admin', async (page) => {
      await page.getByRole('button', { name: /^Filters/ }).click();
      await page.locator('#more-filters').getByLabel('State').press('?');
      await page.getByRole('link', { name: /from Ana/ }).focus();
      expect(await page.getByRole('dialog').count()).toBe(0);
      await page.keyboard.press('?');
      const help = page.getByRole('dialog', { name: 'Keyboard' });
      await help.getByText('Select everything that is loaded').waitFor();
      await expectAccessibleInBoth(page);
      await page.keyboard.press('Escape');
      await help.waitFor({ state: 'detached' });
    });
  });
});
