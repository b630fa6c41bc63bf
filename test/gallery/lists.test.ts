/** What the lists show while much happens, after a break of the stream, and to the next user. */
import { setTimeout as delay } from 'node:timers/promises';

import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';

import { newId } from '../../src/domain/id.js';
import { describeInBrowser, holdBack, visit, type Visit } from '../support/browser.js';
import { daysAgo, fillGallery } from '../support/filled-gallery.js';
import { startTestService, type TestService } from '../support/test-service.js';
import { until } from '../support/until.js';
import { createUser, goodPassword, secretOf } from '../support/users.js';

const ana = '5511900000001';
const bia = '5511900000002';

describeInBrowser('Lists of the gallery', (browser) => {
  let service: TestService;
  let visitor: Visit;
  let page: Page;
  beforeEach(async () => {
    service = await startTestService({ queue: false });
    visitor = await visit(browser(), service.url, { token: service.token('admin'), isNew: true });
    ({ page } = visitor);
    // A stream in the page itself can be held back; that of a shared worker cannot.
    await visitor.context.addInitScript('delete window.SharedWorker');
  });
  afterEach(async () => {
    await visitor.context.close();
    await service.stop();
    // Some tests let requests fail.
    expect(visitor.complaints.filter((text) => !/ERR_FAILED|502/.test(text))).toEqual([]);
  });

  const fill = (person: string, count: number, olderThan = 1): Promise<void> =>
    fillGallery(
      service,
      Array.from({ length: count }, (_, index) => ({
        person,
        name: person === ana ? 'Ana' : 'Bia',
        caption: `Picture ${String(count - index)}`,
        at: daysAgo(olderThan + index / count),
      })),
    );
  /** Says that media have changed, as often as a busy channel would. */
  const tell = (person: string, { type = 'media.ready', times = 1 } = {}): Promise<unknown> =>
    service.database.query(
      `with told as (
         insert into notification (type, channel, media_id)
         select $2, channel, id from (select * from media where person = $1 order by id desc limit 1) as newest, generate_series(1, $3)
         returning id)
       select pg_notify('inlet_outbox', '') from told limit 1`,
      [person, type, times],
    );
  /** Up to 200 events in a second, until the returned function is called, which returns the seconds that it took. */
  const startStorm = (person: string, type = 'media.ready'): (() => Promise<number>) => {
    const began = performance.now();
    let isOver = false;
    const blow = async (): Promise<void> => {
      while (!isOver) {
        await tell(person, { type, times: 10 });
        await delay(50);
      }
    };
    const blowing = blow();
    return async () => {
      isOver = true;
      await blowing;
      return (performance.now() - began) / 1_000;
    };
  };
  /** How often a page may ask in this time, with a rest of half a second after each time. */
  const mostRuns = (seconds: number): number => 2 * seconds + 2;
  const live = (): Promise<void> => page.getByText('Live', { exact: true }).first().waitFor();
  const open = async (path: string): Promise<void> => {
    await page.goto(service.url + path);
    await live();
  };
  const requestsTo = (address: RegExp): string[] => {
    const found: string[] = [];
    page.on('request', (request) => {
      if (address.test(request.url())) found.push(request.url());
    });
    return found;
  };
  /** Scrolls down until this number of different tiles was seen, and returns the number that was. */
  const tilesUpTo = async (count: number): Promise<number> => {
    const seen = new Set<string>();
    await until(async () => {
      for (const href of await page.locator('.tile').evaluateAll((tiles) => tiles.map(String)))
        seen.add(href);
      await page.mouse.wheel(0, 600);
      return seen.size >= count;
    });
    return seen.size;
  };

  test('a person is shown during a storm of events, with few requests', async () => {
    await fill(ana, 3);
    await fill(bia, 1, 9);
    const requests = requestsTo(/\/v1\/people\/z-api\/\d+$/);
    await page.route(/\/v1\/people\/z-api\/\d+$/, async (route) => {
      await delay(300);
      await route.continue();
    });
    await open('/admin');
    const endOther = startStorm(bia);
    await page.getByRole('link').first().waitFor();
    await page.goto(`${service.url}/admin/people/z-api/${ana}`);
    await page.getByRole('heading', { name: 'Ana', level: 1 }).waitFor();
    await endOther();
    requests.length = 0;
    const end = startStorm(ana);
    await delay(3_000);
    const seconds = await end();
    await delay(1_500);
    expect(requests.length).toBeLessThanOrEqual(mostRuns(seconds + 1.5));
    expect(requests.length).toBeGreaterThan(0);
  });

  test('failures that come together are counted with few requests', async () => {
    await fill(ana, 1);
    await open('/admin');
    const requests = requestsTo(/\/v1\/(stats|alerts)/);
    const end = startStorm(ana, 'media.failed');
    await delay(3_000);
    const seconds = await end();
    await delay(1_500);
    expect(requests.length).toBeGreaterThan(0);
    // Each time, the page asks for the sums and for the alerts.
    expect(requests.length).toBeLessThanOrEqual(2 * mostRuns(seconds + 1.5));
  });

  test('more than a page that arrives during a break is shown whole', async () => {
    await fill(ana, 5, 20);
    const release = await holdBack(page, '**/v1/events*');
    await page.goto(`${service.url}/admin`);
    await page.locator('.tile').nth(4).waitFor();
    await fill(bia, 130, 1);
    release();
    await live();
    await until(async () => (await page.locator('.tile').count()) > 5);
    expect(await tilesUpTo(135)).toBe(135);
  });

  test('what waits is shown as it is when it is shown', async () => {
    await fill(ana, 150, 20);
    await open('/admin');
    await page.locator('.tile').nth(5).waitFor();
    await page.evaluate('window.scrollTo(0, 900)');
    await fill(bia, 1, 0);
    await tell(bia);
    await page.getByRole('button', { name: '1 new' }).waitFor();
    await page.evaluate('window.scrollTo(0, 60)');
    await service.database.query(`update message set caption = 'Changed' where sender = $1`, [bia]);
    await tell(bia);
    await page.getByRole('link', { name: /Changed/ }).waitFor();
    await page.evaluate('window.scrollTo(0, 0)');
    await page.getByRole('button', { name: '1 new' }).waitFor({ state: 'detached' });
    expect(await page.getByRole('link', { name: /Changed/ }).count()).toBe(1);
  });

  test('a page that was read first does not replace what was read later', async () => {
    await fill(ana, 2, 3);
    const releaseStream = await holdBack(page, '**/v1/events*');
    let lists = 0;
    let isRead = false;
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    await page.route('**/v1/media?*', async (route) => {
      const isFirst = (lists += 1) === 1;
      const response = await route.fetch();
      isRead = true;
      if (isFirst) await released;
      await route.fulfill({ response });
    });
    await page.goto(`${service.url}/admin`);
    await until(() => isRead);
    await service.database.query(`update message set caption = 'Changed' where sender = $1`, [ana]);
    releaseStream();
    await live();
    await delay(500);
    release();
    await until(async () => (await page.getByRole('link', { name: /Changed/ }).count()) === 2);
    await delay(500);
    expect(await page.getByRole('link', { name: /Changed/ }).count()).toBe(2);
  });

  test('the viewer shows what has changed before its stream began', async () => {
    await fill(ana, 1);
    const [media] = await service.database.query<{ id: string }>('select id from media');
    const release = await holdBack(page, '**/v1/events*');
    await page.goto(`${service.url}/admin/media/${media?.id ?? ''}`);
    await page.getByRole('dialog', { name: /Picture 1/ }).waitFor();
    await delay(500);
    await service.database.query(`update message set caption = 'Changed' where sender = $1`, [ana]);
    release();
    await page.getByRole('dialog', { name: /Changed/ }).waitFor();
  });

  test('what is gone from the conversation leaves its page', async () => {
    await fill(ana, 4);
    await open(`/admin/people/z-api/${ana}`);
    const pictures =
      '[...document.querySelectorAll(".entry img")].filter((one) => one.naturalWidth > 0).length';
    await until(async () => (await page.evaluate<number>(pictures)) === 4);
    await service.database.query(
      `update media set state = 'erased', person = null where id = (select id from media order by id desc offset 1 limit 1)`,
    );
    await tell(ana);
    await until(async () => (await page.locator('.entry').count()) === 3);
  });

  test('more sent messages than a page at once are all listed', async () => {
    const add = (count: number): Promise<unknown> =>
      service.database.query(
        `insert into outbound (id, channel, provider, recipient, kind, options, state, not_before, created_at, actor)
         select one::uuid, 'z-api', 'z-api', '5521900000000', 'image', '{}', 'failed', now(), now(), 'test' from unnest($1::text[]) as one`,
        [Array.from({ length: count }, () => newId())],
      );
    await fill(ana, 1);
    await add(10);
    await open('/admin/sent');
    await until(async () => (await page.locator('.sent').count()) === 10);
    await add(120);
    await service.database.query(
      `with known as (
           insert into message_status (channel, message_id, status, at, received_at)
           select channel, message_id, 'sent', now(), now() from message returning channel, message_id),
         told as (
           insert into notification (type, channel, message_id, status)
           select 'message.status', channel, message_id, 'sent' from known returning id)
       select pg_notify('inlet_outbox', '') from told`,
    );
    for (const shown of [50, 100]) {
      await until(async () => (await page.locator('.sent').count()) === shown);
      await page.getByRole('button', { name: 'Show more' }).click();
    }
    await until(async () => (await page.locator('.sent').count()) === 130);
  });

  test('a list that could not begin again begins with its first page', async () => {
    await service.database.query(
      `insert into audit_entry (id, at, actor, action, target, details)
       select gen_random_uuid(), now() - one * interval '1 minute', 'test', 'token.create', 'x', '{}' from generate_series(1, 70) as one`,
    );
    await open('/admin/audit');
    await page.getByRole('button', { name: 'Show more' }).waitFor();
    await page.route('**/v1/audit*', (route) => route.abort());
    await page.getByLabel('Action').selectOption('media.export');
    await page.getByRole('alert').waitFor();
    await page.unroute('**/v1/audit*');
    const requests = requestsTo(/\/v1\/audit/);
    await page.getByRole('button', { name: 'Try again' }).click();
    await until(() => requests.length > 0);
    expect(requests[0]).not.toContain('cursor');
  });

  test('somebody who takes an invitation does not see the files of the user before', async () => {
    await fill(ana, 3);
    const { body: made } = await createUser(service, {
      email: 'bo@example.com',
      name: 'Bo',
      role: 'viewer',
      channels: ['courier'],
    });
    await open('/admin');
    await page.locator('.tile').nth(2).waitFor();
    await page.evaluate(`location.hash = 'invitation=${secretOf(made)}'`);
    await page.getByLabel('New password').fill(goodPassword);
    await page.getByRole('button', { name: 'Save the password' }).click();
    await page.getByRole('link', { name: 'Your account: Bo' }).waitFor();
    await delay(1_000);
    expect(await page.locator('.tile').count()).toBe(0);
  });

  test('a stream that is opened anew continues where it ended', async () => {
    await fill(ana, 1);
    const streams: string[] = [];
    await page.route('**/v1/events*', async (route) => {
      streams.push(route.request().url());
      if (streams.length === 1)
        await route.fulfill({
          contentType: 'text/event-stream',
          body: 'retry: 50\nid: 41\nevent: stream.open\ndata: {}\n\n',
        });
      else if (streams.length === 2) await route.fulfill({ status: 502, body: '' });
      else await route.continue();
    });
    await page.goto(`${service.url}/admin`);
    await until(() => streams.length >= 3);
    expect(streams[2]).toMatch(/lastEventId=41$/);
  });
});
