/** With 100 000 media of 5 000 people, a search and the page of the busiest person show something within a second. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { landmarks, populate } from '../../src/bench/growth/population.js';
import { bestRound } from '../support/best-round.js';
import { describeInBrowser, visit, type Visit } from '../support/browser.js';
import { startTestService, type TestService } from '../support/test-service.js';

describeInBrowser('With 100 000 media of 5 000 people', (browser) => {
  let service: TestService;
  let visitor: Visit;
  beforeAll(async () => {
    service = await startTestService({ queue: false });
    await populate((text, values) => service.database.query(text, [...values]), { count: 100_000 });
    const headers = { Authorization: `Bearer ${service.token('admin')}` };
    // Whoever asks for people adds a part of the changes to their sums.
    for (;;) {
      const [left] = await service.database.query('select 1 from person_change limit 1');
      if (!left) break;
      await fetch(`${service.url}/v1/people`, { headers });
    }
    await service.database.query('analyze');
    visitor = await visit(browser(), service.url, { token: service.token('admin') });
    await visitor.page.goto(`${service.url}/admin/tokens`); // What is measured is not the start of the browser.
  }, 240_000);
  afterAll(async () => {
    await visitor.close();
    await service.stop();
  });

  test.each([
    ['a search for a word', '/admin?q=broken', '.tile'],
    ['a search for a number', '/admin?q=%2B55+(11)+90000-0123', '.tile'],
    ['a search for a name', '/admin?q=ana', '.tile'],
    ['the busiest person', `/admin/people/z-api/${landmarks.busyPerson}`, '.entry'],
    ['a group', `/admin/people/z-api/120363000000000005-group`, '.entry'],
  ])('%s shows its first item within a second', async (what, path, item) => {
    const best = await bestRound(
      () => shownAfter(path, item),
      (ms) => ms < 1_000,
    );
    process.stdout.write(`${what}: first item after ${String(best)} ms\n`);
    expect(best).toBeLessThan(1_000);
  });

  /** Milliseconds from navigation to the first item. */
  async function shownAfter(path: string, item: string): Promise<number> {
    await visitor.page.goto(service.url + path);
    const shown = await visitor.page.evaluate<number>(`new Promise((resolve) => {
      const look = () =>
        document.querySelector('${item}')
          ? requestAnimationFrame(() => resolve(performance.now()))
          : requestAnimationFrame(look);
      look();
    })`);
    return Math.round(shown);
  }
});
