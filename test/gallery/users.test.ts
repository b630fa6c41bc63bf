/** People with names: invited, signed in, limited by their role, and signed out by an administrator. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';

import { describeInBrowser, expectAccessible, sizes, visit, type Visit } from '../support/browser.js';
import { startTestService, type TestService } from '../support/test-service.js';
import { createUser, enter, goodPassword, secretOf } from '../support/users.js';

describeInBrowser('Users in a browser', (browser) => {
  let service: TestService;
  beforeAll(async () => {
    service = await startTestService();
  });
  afterAll(() => service.stop());

  /** Expects that nothing was reported except refusals that the test has caused. */
  const close = async (visitor: Visit, expected = /^\b$/): Promise<void> => {
    await visitor.close();
    expect(visitor.complaints.filter((text) => !expected.test(text))).toEqual([]);
  };

  const namesOfPages = (page: Page) =>
    page.getByRole('navigation', { name: 'Pages' }).getByRole('link').allInnerTexts();

  const expectAccessibleEverywhere = async (page: Page): Promise<void> => {
    for (const size of [sizes.desktop, sizes.phone])
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.setViewportSize(size);
        await page.emulateMedia({ colorScheme });
        await expectAccessible(page);
        const overflow = await page.evaluate<number>(
          'document.documentElement.scrollWidth - document.documentElement.clientWidth',
        );
        expect(overflow).toBeLessThanOrEqual(0);
      }
    await page.setViewportSize(sizes.desktop);
  };

  test('an invited person sees what the role allows, until an administrator ends the session', async () => {
    const admin = await visit(browser(), service.url, { token: service.token('admin') });
    await admin.page.goto(`${service.url}/admin/users`);
    await admin.page.getByRole('button', { name: 'Invite a user' }).click();
    const form = admin.page.getByRole('dialog', { name: 'Invite a user' });
    await form.getByLabel('Email address').fill('bo@example.com');
    await form.getByLabel('Name').fill('Bo Lima');
    await form.getByRole('radio', { name: /^Agent/ }).check();
    await expectAccessible(admin.page);
    await form.getByRole('button', { name: 'Create the link' }).click();
    const shown = admin.page.getByRole('dialog', { name: 'Link for Bo Lima' });
    const link = await shown.getByLabel('Link', { exact: true }).inputValue();
    await shown.getByRole('button', { name: 'I have copied it' }).click();
    expect(await admin.page.content()).not.toContain(link);

    const person = await visit(browser(), service.url);
    const { page } = person;
    await page.goto(link);
    await page.getByRole('heading', { name: 'Welcome, Bo Lima' }).waitFor();
    expect(page.url()).toBe(`${service.url}/admin/`);
    await expectAccessibleEverywhere(page);
    const password = page.getByLabel('New password');
    expect(await password.getAttribute('autocomplete')).toBe('new-password');
    await password.fill('too short');
    await page.getByRole('button', { name: 'Save the password' }).click();
    await page.getByRole('alert').getByText('at least 12 characters').waitFor();
    await password.fill(goodPassword);
    await page.getByRole('button', { name: 'Save the password' }).click();
    await page.getByRole('link', { name: 'Your account: Bo Lima' }).waitFor();
    expect(await namesOfPages(page)).toEqual(['Gallery', 'Sent', 'Overview']);
    await page.goto(`${service.url}/admin/users`);
    await page.getByRole('heading', { name: 'Page not found' }).waitFor();
    await page.getByRole('link', { name: 'Sent' }).click();
    await page.getByRole('button', { name: 'Send a picture' }).waitFor();

    await admin.page.getByRole('button', { name: 'Actions Bo Lima' }).click();
    await admin.page.getByRole('menuitem', { name: 'Sessions' }).click();
    const sessions = admin.page.getByRole('dialog', { name: 'Sessions of Bo Lima' });
    await sessions.getByRole('button', { name: 'End' }).click();
    await sessions.getByText('No sessions.').waitFor();
    await page.getByRole('link', { name: 'Overview' }).click();
    await page.getByText('Your session has ended').waitFor();
    await close(person, /401/);
    await close(admin);
  }, 180_000);

  test('a password signs in, is changed on the own page, and a wrong one is explained', async () => {
    await enter(service, { email: 'ana@example.com', name: 'Ana Reis', role: 'operator' });
    const visitor = await visit(browser(), service.url);
    const { page } = visitor;
    await page.goto(`${service.url}/admin/account`);
    await expectAccessibleEverywhere(page);
    const email = page.getByLabel('Email address');
    expect(await email.getAttribute('autocomplete')).toBe('username');
    await email.fill('ana@example.com');
    await page.getByLabel('Password').fill('a password of nobody');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').getByText('The email address or the password is wrong.').waitFor();
    await page.getByLabel('Password').fill(goodPassword);
    // The Enter key sends the form.
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'My account' }).waitFor();
    await page.getByRole('cell', { name: 'this browser' }).waitFor();
    expect(await namesOfPages(page)).toEqual(['Gallery', 'Sent', 'Attention', 'Overview', 'Shares']);
    await expectAccessibleEverywhere(page);

    const sessions = page.getByRole('region', { name: 'Sessions' });
    expect(await sessions.getByRole('button', { name: 'End' }).count()).toBe(1);
    await page.getByLabel('Current password').fill('a password of nobody');
    await page.getByLabel('New password').fill('seven red kites at dawn');
    await page.getByRole('button', { name: 'Change the password' }).click();
    await page.getByRole('alert').getByText('The current password is wrong.').waitFor();
    await page.getByLabel('Current password').fill(goodPassword);
    await page.getByRole('button', { name: 'Change the password' }).click();
    await page.getByRole('main').getByText('The password is changed').waitFor();
    await page.getByRole('cell', { name: 'this browser' }).waitFor();
    await sessions.getByRole('button', { name: 'End' }).waitFor({ state: 'detached' });
    await close(visitor, /40[13]/);
  }, 180_000);

  test('the last administrator stays, and is told why', async () => {
    await enter(service, { email: 'eva@example.com', name: 'Eva Melo', role: 'admin' });
    const visitor = await visit(browser(), service.url, { token: service.token('admin') });
    const { page } = visitor;
    await page.goto(`${service.url}/admin/users`);
    const row = page.getByRole('row', { name: /Eva Melo/ });
    await row.getByRole('button', { name: 'Actions' }).click();
    await expectAccessible(page);
    await page.getByRole('menuitem', { name: 'Disable' }).click();
    const dialog = page.getByRole('dialog', { name: 'Disable this user?' });
    await dialog.getByRole('button', { name: 'Disable' }).click();
    await dialog.getByRole('alert').getByText('Make another user an administrator first.').waitFor();
    await page.keyboard.press('Escape');

    await createUser(service, { email: 'leo@example.com', name: 'Leo Dias', role: 'viewer' });
    await page.reload();
    await page.getByRole('row', { name: /Leo Dias.*invited/ }).waitFor();
    await expectAccessibleEverywhere(page);
    await page
      .getByRole('row', { name: /Leo Dias/ })
      .getByRole('button', { name: 'Actions' })
      .click();
    await page.getByRole('menuitem', { name: 'Change' }).click();
    await page
      .getByRole('dialog')
      .getByRole('radio', { name: /^Operator/ })
      .check();
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
    await page
      .getByRole('row', { name: /Leo Dias.*Operator/ })
      .getByRole('button')
      .click();
    await page.getByRole('menuitem', { name: 'Delete' }).click();
    await page.getByRole('dialog').getByRole('textbox').fill('leo@example.com');
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('row', { name: /Leo Dias/ }).waitFor({ state: 'detached' });
    await close(visitor, /409/);
  }, 180_000);

  test('a link that was used explains itself, and one that is opened in the gallery switches nobody', async () => {
    const { body: used } = await createUser(service, { name: 'Rui Alves' });
    const visitor = await visit(browser(), service.url, { token: service.token('media:read') });
    const { page } = visitor;
    await page.goto(`${service.url}/admin`);
    await page.getByRole('link', { name: 'Your account: API token' }).waitFor();
    await page.evaluate(`location.hash = 'invitation=${secretOf(used)}'`);
    await page.getByText('this browser signs in as Rui Alves instead').waitFor();
    expect(page.url()).toBe(`${service.url}/admin`);
    await page.getByRole('button', { name: 'Go to the gallery' }).click();
    await page.getByRole('link', { name: 'Your account: API token' }).waitFor();
    await page.goto(`${service.url}/admin#invitation=never-made`);
    await page.getByRole('alert').getByText('This link is not valid').waitFor();
    await close(visitor, /404/);
  }, 180_000);
});
