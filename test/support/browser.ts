/** A real browser on a real service, and the errors that it reports. */
import { existsSync } from 'node:fs';

import { afterAll, beforeAll, describe, expect } from '@jest/globals';
import axe from 'axe-core';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';

const places = [
  process.env['INLET_BROWSER'] ?? '',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/opt/google/chrome/chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];
const executablePath = places.find((place) => place !== '' && existsSync(place));
const isRequired = process.env['CI'] !== undefined || process.env['INLET_BROWSER_REQUIRED'] === '1';

/**
 * Tests that need a browser. Without one they are skipped with a message, or fail if the environment requires
 * a browser.
 */
export function describeInBrowser(name: string, tests: (browser: () => Browser) => void): void {
  if (executablePath === undefined && isRequired)
    throw new Error('there is no Chromium, and INLET_BROWSER_REQUIRED or CI is set');
  if (executablePath === undefined)
    process.stdout.write(`SKIPPED, no Chromium is installed (or set INLET_BROWSER): ${name}\n`);
  const describeIf = executablePath === undefined ? describe.skip : describe;
  describeIf(name, () => {
    let browser: Browser | undefined;
    beforeAll(async () => {
      browser = await chromium.launch({
        ...(executablePath !== undefined && { executablePath }),
        // Debian's Chromium draws with the graphics processor, which software imitates where there is none.
        args: ['--no-sandbox', '--disable-gpu'],
      });
    });
    afterAll(() => browser?.close());
    tests(() => {
      if (!browser) throw new Error('the browser is not open yet');
      return browser;
    });
  });
}

export const sizes = { desktop: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } } as const;

type Size = keyof typeof sizes;

export interface Visit {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Errors in the console, refusals of the content security policy, requests to other places. */
  readonly complaints: string[];
  readonly close: () => Promise<void>;
}

export interface VisitOptions {
  /** The token of the session; without it, the visitor is not signed in. */
  readonly token?: string;
  readonly theme?: 'light' | 'dark';
  readonly size?: Size;
  /** Whether the page must be one that no earlier visit has used. */
  readonly isNew?: boolean;
  /** The language of the browser, with a page of its own; American English by default. */
  readonly locale?: string;
  /** Pixels of the screen for each CSS pixel, with a page of its own; one by default. */
  readonly density?: number;
}

/**
 * Pages that visits have left, by their size. A new page costs the browser about a second of processor time.
 */
const leftPages = new WeakMap<Browser, Map<Size, Page[]>>();

/** Opens a page without cookies except that of the session, and without stored data. */
export async function visit(browser: Browser, origin: string, options: VisitOptions = {}): Promise<Visit> {
  const { token, theme = 'light', size = 'desktop', locale, density } = options;
  const isSpecial = locale !== undefined || density !== undefined;
  const isNew = options.isNew === true || isSpecial;
  const left = isNew ? undefined : leftBy(browser, size).pop();
  const page = left ?? (await openPage(browser, size, { locale, density }));
  const context = page.context();
  await page.setViewportSize(sizes[size]);
  await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
  if (token !== undefined) {
    const cookie = { name: 'inlet_session', value: token, url: origin, httpOnly: true };
    await context.addCookies([{ ...cookie, sameSite: 'Strict' }]);
  }
  page.setDefaultTimeout(45_000);
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(`script: ${error.message}`));
  page.on('console', (message) => {
    const { url } = message.location();
    // The gallery finds out with a request whether its user is signed in, and the refusal is no error.
    const isAsking = message.text().includes('401') && url.endsWith('/v1/session');
    if (message.type() === 'error' && !isAsking) complaints.push(`console: ${message.text()} ${url}`);
  });
  page.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(`${origin}/`) && !/^(data|blob):/.test(url)) complaints.push(`elsewhere: ${url}`);
  });
  return {
    page,
    context,
    complaints,
    close: async () => {
      if (!isSpecial && (await isClean(page))) leftBy(browser, size).push(page);
      else await context.close();
    },
  };
}

function leftBy(browser: Browser, size: Size): Page[] {
  const pages = leftPages.get(browser) ?? new Map<Size, Page[]>();
  leftPages.set(browser, pages);
  const found = pages.get(size) ?? [];
  pages.set(size, found);
  return found;
}

async function openPage(
  browser: Browser,
  size: Size,
  { locale = 'en-US', density = 1 }: { locale: string | undefined; density: number | undefined },
): Promise<Page> {
  const context = await browser.newContext({
    locale,
    deviceScaleFactor: density,
    viewport: sizes[size],
    ...(size === 'phone' && { hasTouch: true, isMobile: true }),
  });
  return context.newPage();
}

/** Removes what a visit has left in a page; false if the page cannot be used again. */
async function isClean(page: Page): Promise<boolean> {
  const context = page.context();
  if (page.isClosed() || context.pages().length > 1) return false;
  page.removeAllListeners();
  try {
    await page.unrouteAll();
    await page.evaluate('localStorage.clear(); sessionStorage.clear()');
    await page.goto('about:blank');
    await context.clearCookies();
    await context.clearPermissions();
    return true;
  } catch {
    return false; // The last address of the page may have no storage.
  }
}

/** Holds back the requests of a page to an address, or their answers, until the returned function is called. */
export async function holdBack(
  page: Page,
  address: string | RegExp,
  held: 'requests' | 'answers' = 'requests',
): Promise<() => void> {
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  await page.route(address, async (route) => {
    const response = held === 'answers' ? await route.fetch() : undefined;
    await released;
    await (response ? route.fulfill({ response }) : route.continue());
  });
  return release;
}

/** Signs in with a token on the page for signing in, where its form may be folded away. */
export async function enterToken(page: Page, token: string): Promise<void> {
  await page.getByRole('heading', { name: 'Sign in to Inlet' }).waitFor();
  const field = page.getByLabel('Token');
  if (!(await field.isVisible())) await page.getByText('With an API token').click();
  await field.fill(token);
  await page.getByRole('button', { name: 'Use this token' }).click();
}

interface Finding {
  readonly id: string;
  readonly impact: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
}

/** Expects that axe has no serious or critical finding. */
export async function expectAccessible(page: Page): Promise<void> {
  if (!(await page.evaluate<boolean>(`'axe' in window`))) await page.evaluate(axe.source);
  const found = await page.evaluate<Finding[]>(
    `axe.run(document, { resultTypes: ['violations'] }).then((result) => result.violations)`,
  );
  const grave = found.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  expect(
    grave.map(({ id, nodes }) => ({
      id,
      where: nodes.slice(0, 3).map((node) => `${node.html}\n${node.failureSummary}`),
    })),
  ).toEqual([]);
}
