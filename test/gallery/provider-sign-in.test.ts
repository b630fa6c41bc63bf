/** Signing in with an identity provider, in a browser. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { describeInBrowser, expectAccessible, visit } from '../support/browser.js';
import { oidcSettings, startIdentityProvider, type IdentityProvider } from '../support/identity-provider.js';
import { startTestService, type TestService } from '../support/test-service.js';
import { enter } from '../support/users.js';

describeInBrowser('The identity provider in a browser', (browser) => {
  let provider: IdentityProvider;
  let service: TestService;
  beforeAll(async () => {
    provider = await startIdentityProvider();
    service = await startTestService({
      queue: false,
      mediaHosts: [new URL(provider.issuer).host],
      env: oidcSettings(provider.issuer),
    });
    provider.serve(service);
    provider.accounts.set('bo', { email: 'bo@example.com', name: 'Bo Lima', roles: ['support'] });
    provider.accounts.set('eva', { email: 'eva@example.com', name: 'Eva Melo' });
  });
  afterAll(async () => {
    await service.stop();
    await provider.close();
  });

  /** Answers both questions of the provider, beginning on the page for signing in. */
  const signIn = async (page: Awaited<ReturnType<typeof visit>>['page'], login: string): Promise<void> => {
    await page.getByRole('link', { name: 'Sign in with Example Login' }).click();
    await page.getByPlaceholder('Enter any login').fill(login);
    await page.getByPlaceholder('and password').fill('any');
    await page.getByRole('button', { name: 'Sign-in' }).click();
    await page.getByRole('button', { name: 'Continue' }).click();
  };

  test('leads back to the page that the person wanted, and out again', async () => {
    const { page, close } = await visit(browser(), service.url);
    await page.goto(`${service.url}/admin/account?view=full`);
    await page.getByRole('link', { name: 'Sign in with Example Login' }).waitFor();
    // Nobody has a password.
    await page.getByLabel('Email address').waitFor({ state: 'detached' });
    await expectAccessible(page);
    await signIn(page, 'bo');
    await page.getByRole('heading', { name: 'My account' }).waitFor();
    expect(page.url()).toBe(`${service.url}/admin/account?view=full`);
    await page.getByRole('cell', { name: 'this browser' }).waitFor();
    expect(await page.getByLabel('Current password').count()).toBe(0);
    await page.getByRole('banner').getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('link', { name: 'Sign in with Example Login' }).waitFor();
    await page.reload();
    await page.getByRole('link', { name: 'Sign in with Example Login' }).waitFor();
    await close();
  }, 90_000);

  test('explains a refusal, beside the form for passwords', async () => {
    await enter(service, { email: 'ana@example.com' });
    const { page, close } = await visit(browser(), service.url);
    await page.goto(`${service.url}/admin/`);
    await page.getByLabel('Email address').waitFor();
    await signIn(page, 'eva');
    await page.getByText('Your account has no role in Inlet. Ask your administrator for access.').waitFor();
    expect(page.url()).toBe(`${service.url}/admin/`);
    await expectAccessible(page);
    await close();
  }, 90_000);
});
