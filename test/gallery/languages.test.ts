/** The pages in each language, in a real browser. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';

import { bytes } from '../../src/demo/media-host.js';
import { photo } from '../../src/demo/photos.js';
import { startSimulator, type Simulator } from '../../src/demo/providers/index.js';
import type { Webhook } from '../../src/demo/providers/simulated-provider.js';
import { languageFor, localeFor } from '../../src/domain/language.js';
import { fillIn, parseMessage, type Part } from '../../src/gallery/languages/message.js';
import { projectFolder } from '../../src/infra/process/project-folder.js';
import { describeInBrowser, expectAccessible, visit, type VisitOptions } from '../support/browser.js';
import { call } from '../support/client.js';
import { startTestService, type TestService } from '../support/test-service.js';
import { until } from '../support/until.js';

type Texts = Readonly<Record<string, string>>;

const read = (path: string): Texts =>
  JSON.parse(readFileSync(join(projectFolder, 'src/gallery/languages', path), 'utf8')) as Texts;
const english = read('messages/en.json');

describe('The language', () => {
  test.each([
    [['pt-PT', 'en'], 'pt-BR'],
    [['fr', 'es-MX', 'pt'], 'es'],
    [['EN-gb', 'es'], 'en'],
    [['fr', 'de'], 'en'],
    [[], 'en'],
  ] as const)('of a browser that prefers %j is %s', (preferred, expected) => {
    expect(languageFor(null, preferred)).toBe(expected);
  });

  test('that was chosen comes before the browser, unless it is not one', () => {
    expect(languageFor('es', ['pt-BR'])).toBe('es');
    expect(languageFor('klingon', ['fr'])).toBe('en');
    expect(languageFor('__proto__', ['fr'])).toBe('en');
  });

  test('has the dates of the region that the browser prefers', () => {
    expect(localeFor('en', ['pt-BR', 'en-GB'])).toBe('en-GB');
    expect(localeFor('es', ['pt-BR'])).toBe('es');
  });
});

test('a text has its values in place, and the form of a plural', () => {
  const files = '{name}: {count, plural, =0 {none} one {# file of {name}} other {# files}}';
  const filled = (count: number): string =>
    fillIn(parseMessage(files), {
      locale: 'en',
      values: new Map<string, unknown>([
        ['name', '{x}'],
        ['count', count],
      ]),
    })
      .map((piece) => ('words' in piece ? piece.words : String(piece.value)))
      .join('');
  expect([0, 1, 2].map(filled)).toEqual(['{x}: none', '{x}: 1 file of {x}', '{x}: 2 files']);
});

test.each(['{', 'a } b', '{a, plural, one {x}}', '{a, plural, other {x}', '{a, select, other {x}}', '{1}'])(
  'a malformed text is refused: %s',
  (text) => {
    expect(() => parseMessage(text)).toThrow(SyntaxError);
  },
);

/** What people read or hear in a page, except technical details and the names of languages. */
const textsInPage = `(() => {
  const found = [];
  const isForeign = (element) => element.closest('[lang]:not(html)') !== null || element.closest('code, pre') !== null;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const { parentElement, data } = walker.currentNode;
    if (!isForeign(parentElement)) found.push(data.trim());
  }
  for (const element of document.querySelectorAll('[aria-label], [title], [placeholder], [alt]'))
    for (const name of ['aria-label', 'title', 'placeholder', 'alt'])
      if (!isForeign(element)) found.push((element.getAttribute(name) ?? '').trim());
  return [...new Set(found)].filter((text) => text !== '');
})()`;

/** Buttons, headings and links whose words do not fit, and what is wider than the page. */
const clipped = `(() => {
  const root = document.documentElement;
  const wide = [...document.querySelectorAll('button, .button, .nav-link span, h1, h2, .badge, .dialog-actions')]
    .filter((element) => element.getClientRects().length > 0 && !element.classList.contains('unseen'))
    .filter((element) => element.scrollWidth > element.clientWidth + 1 && getComputedStyle(element).display !== 'inline')
    .map((element) => element.outerHTML.slice(0, 200));
  return root.scrollWidth > root.clientWidth ? [...wide, 'the page is ' + root.scrollWidth + ' wide'] : wide;
})()`;

/** A text of the service, whose braces are no placeholders in all cases. */
function literally(text: string): RegExp {
  const parts = text.split(/\{\w+\}/).map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
  return new RegExp(`^${parts.join('.+')}$`);
}

/** What a text looks like on a page, whatever its values are. */
function patternsOf(texts: readonly string[]): RegExp[] {
  return texts
    .map((text) => patternOf(parseMessage(text.replaceAll(/<\/?(?:b|code|a)>/g, '').trim())))
    .filter((pattern) => /\p{L}{3}/u.test(pattern))
    .map((pattern) => new RegExp(`^${pattern}$`));
}

function patternOf(parts: readonly Part[]): string {
  const patterns = parts.map((part) => {
    if (typeof part === 'string') return part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
    return part.type === 'plural' ? `(?:${[...part.forms.values()].map(patternOf).join('|')})` : '.+';
  });
  return patterns.join('');
}

describeInBrowser('The gallery in other languages', (browser) => {
  let simulator: Simulator;
  let service: TestService;
  beforeAll(async () => {
    simulator = await startSimulator();
    service = await startTestService({ env: simulator.env() });
    const { 'z-api': zApi, aisoule } = simulator.providers;
    const picture = bytes('image/jpeg', await photo({ seed: 1, width: 640, height: 480 }));
    const post = (webhook: Webhook) => fetch(service.url + webhook.path, { method: 'POST', ...webhook });
    await post(zApi.webhook({ kind: 'image', url: zApi.publish(picture), name: 'Ana', caption: 'Olha!' }));
    await post(zApi.webhook({ kind: 'malformed' }));
    await post(aisoule.webhook({ kind: 'image', url: 'http://169.254.169.254/photo.jpg' }));
    await until(async () => {
      const rows = await service.database.query("select 1 from media where state in ('ready', 'rejected')");
      return rows.length === 2;
    });
    const ready = await service.database.query<{ id: string }>("select id from media where state = 'ready'");
    await call(service.url, '/v1/shares', {
      method: 'post',
      token: service.token('admin'),
      json: { media: ready.map(({ id }) => id), password: 'roses and tulips' },
    });
  });
  afterAll(async () => {
    await service.stop();
    await simulator.close();
  });

  const inPage = async (options: VisitOptions, work: (page: Page) => Promise<void>): Promise<void> => {
    const visitor = await visit(browser(), service.url, options);
    try {
      await work(visitor.page);
    } finally {
      await visitor.close();
    }
    expect(visitor.complaints).toEqual([]);
  };

  /** Opens what a page has folded away, and the form of its main action, which is complete with `form`. */
  const openAll = async (page: Page, form: string): Promise<void> => {
    await page.evaluate(
      `document.querySelectorAll('details').forEach((details) => { details.open = true; })`,
    );
    if ((await page.getByRole('dialog').count()) > 0) return;
    const filters = page.locator('[aria-controls="more-filters"]');
    if ((await filters.count()) > 0) await filters.click();
    const action = page.locator('.page-head button.primary');
    if ((await action.count()) === 0) return;
    await action.click();
    await page.getByRole('dialog').locator(form).first().waitFor();
  };

  /** Each page, with what is there when it is complete, and when its form is. */
  const places = async (): Promise<(readonly [path: string, complete: string, form?: string])[]> => {
    const rows = await service.database.query<{ id: string }>('select id from media');
    return [
      ['/admin', '.tile'],
      ['/admin?kind=video&state=ready', '.empty'],
      ...rows.map(({ id }) => [`/admin/media/${id}`, '.timeline li'] as const),
      ['/admin/sent', '.empty', '.limits'],
      ['/admin/attention?show=failed', '.empty'],
      ['/admin/attention?show=rejected', '.lines li'],
      ['/admin/attention?show=late', '.empty'],
      ['/admin/attention?show=malformed', '.lines li'],
      ['/admin/overview', '.figures'],
      ['/admin/shares', 'tbody tr'],
      ['/admin/channels', '.cards li', '.hint'],
      ['/admin/channels/custom', '.draft'],
      ['/admin/subscriptions', '.empty', '.check'],
      ['/admin/tokens', 'h1', '.check'],
      ['/admin/audit', 'h1'],
      ['/admin/no-such-page', '.empty'],
    ];
  };

  describe.each(['pt-BR', 'es'] as const)('%s', (language) => {
    const pages = read(`messages/${language}.json`);
    const provided = Object.entries(read(`service/${language}.json`));
    const untranslated = [
      ...patternsOf(
        Object.keys(english).flatMap((id) => (english[id] === pages[id] ? [] : [english[id] ?? ''])),
      ),
      ...provided.flatMap(([text, translated]) => (text === translated ? [] : [literally(text)])),
    ];
    const inTheirWords = new Set([...Object.values(pages), ...provided.map(([, translated]) => translated)]);

    const englishIn = async (page: Page): Promise<string[]> =>
      [await page.title(), ...(await page.evaluate<string[]>(textsInPage))].filter(
        (text) => !inTheirWords.has(text) && untranslated.some((pattern) => pattern.test(text)),
      );

    /** For how long English may stay; once some has stayed, other pages are not waited for as long. */
    let patienceMs = 45_000;

    /** English that stays, because the texts of the service come a moment later, and what does not fit. */
    const faultsIn = async (page: Page): Promise<string[]> => {
      let left: string[] = [];
      const isTranslated = async (): Promise<boolean> => {
        left = await englishIn(page);
        return left.length === 0;
      };
      await until(isTranslated, patienceMs).catch(() => {
        patienceMs = 3_000;
      });
      return [...left, ...(await page.evaluate<string[]>(clipped))];
    };

    test.each(['desktop', 'phone'] as const)(
      'no page has English left, and nothing overflows (%s)',
      async (size) => {
        await inPage({ locale: language, size, token: service.token('admin') }, async (page) => {
          const faults: Record<string, readonly string[]> = {};
          for (const [path, complete, form = 'form'] of await places()) {
            await page.goto(service.url + path);
            await page.locator(complete).first().waitFor();
            expect(await page.locator('html').getAttribute('lang')).toBe(language);
            const closed = await faultsIn(page);
            await openAll(page, form);
            const all = [...closed, ...(await faultsIn(page))];
            if (all.length > 0) faults[path] = all;
          }
          expect(faults).toEqual({});
        });
      },
      360_000,
    );

    test('signing in is translated, and says why a token is refused', async () => {
      await inPage({ locale: language, size: 'phone' }, async (page) => {
        await page.goto(`${service.url}/admin`);
        await page.locator('.sign-in h1').waitFor();
        expect(await faultsIn(page)).toEqual([]);
        const field = page.locator('input[name=token]');
        if (!(await field.isVisible())) await page.locator('.sign-in summary').click();
        await field.fill('wrong');
        await field.press('Enter');
        await page.getByRole('alert').waitFor();
        expect(await page.getByRole('alert').textContent()).toBe(pages['error.auth.invalid']);
        expect(await faultsIn(page)).toEqual([]);
        await expectAccessible(page);
      });
    }, 90_000);
  });

  test('a chosen language is shown at once and kept, and loads only its own texts', async () => {
    await inPage({ locale: 'en-US', token: service.token('admin') }, async (page) => {
      const loaded: string[] = [];
      page.on('request', (request) => {
        const [, file] = /\/assets\/([\w-]+)\.\w+\.json$/.exec(request.url()) ?? [];
        if (file !== undefined) loaded.push(file);
      });
      await page.goto(`${service.url}/admin/overview`);
      await page.getByRole('heading', { name: 'Overview' }).waitFor();
      expect(loaded).toEqual([]);
      await page.getByLabel('Language').selectOption('es');
      await page.getByRole('heading', { name: 'Resumen' }).waitFor();
      await until(async () => (await page.title()) === 'Resumen · Inlet');
      expect(loaded).toEqual(['messages-es']);
      await page.reload();
      await page.getByRole('heading', { name: 'Resumen' }).waitFor();
      expect(new Set(loaded)).toEqual(new Set(['messages-es']));
      await page.getByLabel('Idioma').selectOption('en');
      await page.getByRole('heading', { name: 'Overview' }).waitFor();
      expect(await page.locator('html').getAttribute('lang')).toBe('en');
    });
  });

  test('a stored language that is none, in a browser with another one, is English', async () => {
    await inPage({ locale: 'fr-FR', token: service.token('admin') }, async (page) => {
      await page.addInitScript(`localStorage.setItem('inlet-language', 'klingon')`);
      await page.goto(`${service.url}/admin/tokens`);
      await page.getByRole('heading', { name: 'Tokens' }).waitFor();
      expect(await page.locator('html').getAttribute('lang')).toBe('en');
    });
  });

  test('the pages are in English if the texts of a language cannot be loaded', async () => {
    const visitor = await visit(browser(), service.url, { locale: 'pt-BR', token: service.token('admin') });
    await visitor.page.route('**/messages-pt-BR.*.json', (route) => route.abort());
    await visitor.page.goto(`${service.url}/admin/tokens`);
    await visitor.page.getByText('Credentials for apps and people.').waitFor();
    expect(await visitor.page.locator('html').getAttribute('lang')).toBe('en');
    await visitor.close();
  });
});
