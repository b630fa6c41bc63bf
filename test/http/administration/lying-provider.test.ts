/** An identity provider that lies or does not answer signs nobody in. */
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';

import { createTraveller, oidcSettings } from '../../support/identity-provider.js';
import { startLyingProvider, type Lie, type LyingProvider } from '../../support/lying-provider.js';
import { startTestService, type TestService } from '../../support/test-service.js';

let provider: LyingProvider;
let service: TestService;
let time = 0;

beforeAll(async () => {
  provider = await startLyingProvider();
  service = await startTestService({
    queue: false,
    mediaHosts: [provider.host],
    env: oidcSettings(provider.issuer),
    now: () => new Date(Date.now() + time),
  });
});
afterAll(async () => {
  await service.stop();
  await provider.close();
});
afterEach(() => {
  provider.lie({});
});

/** Signs in while the provider tells this lie. */
async function outcome(lie: Lie, answer: Readonly<Record<string, string>> = {}) {
  const { ask } = createTraveller();
  const start = await ask(new URL(`${service.url}/v1/sign-in/oidc`));
  const { searchParams = new URLSearchParams() } = start.next ?? {};
  provider.expect(searchParams.get('nonce') ?? '');
  provider.lie(lie);
  const query = new URLSearchParams({ code: 'a-code', state: searchParams.get('state') ?? '', ...answer });
  const { next, set } = await ask(new URL(`${service.url}/v1/sign-in/oidc/callback?${query.toString()}`));
  return { hash: next?.hash, isSignedIn: set.has('inlet_session') };
}

const past = Math.floor(Date.now() / 1000) - 3_600;

it('the truth signs in', async () => {
  expect(await outcome({})).toEqual({ hash: '', isSignedIn: true });
});

it.each<[string, Lie]>([
  ['the issuer', { claims: { iss: 'https://other.example.com' } }],
  ['the nonce', { claims: { nonce: 'another' } }],
  ['a nonce that is missing', { claims: { nonce: undefined } }],
  ['the audience', { claims: { aud: 'another-client' } }],
  ['the time', { claims: { iat: past - 60, exp: past } }],
  ['the key', { withOtherKey: true }],
  ['the algorithm, with the secret of the client', { algorithm: 'HS256' }],
  ['no algorithm at all', { algorithm: 'none' }],
  ['no ID token', { withoutIdToken: true }],
  ['the subject of the user information', { userInfo: { sub: 'another', email: 'x@example.com' } }],
  ['the subject, which is a number', { claims: { sub: 1 as never } }],
])('a lie about %s is refused', async (_, lie) => {
  expect(await outcome(lie)).toEqual({ hash: '#refused=oidc.refused', isSignedIn: false });
});

it('an answer that names another issuer is refused', async () => {
  expect(await outcome({}, { iss: 'https://other.example.com' })).toEqual({
    hash: '#refused=oidc.refused',
    isSignedIn: false,
  });
});

it('an answer that comes after ten minutes is refused', async () => {
  const { ask } = createTraveller();
  const start = await ask(new URL(`${service.url}/v1/sign-in/oidc`));
  const state = start.next?.searchParams.get('state') ?? '';
  time = 11 * 60_000;
  const back = await ask(new URL(`${service.url}/v1/sign-in/oidc/callback?code=a-code&state=${state}`));
  time = 0;
  expect(back.next?.hash).toBe('#refused=oidc.expired');
});

it('a provider that fails is unavailable, and is asked again at the next sign-in', async () => {
  expect(await outcome({ status: 503 })).toEqual({ hash: '#refused=oidc.unavailable', isSignedIn: false });
  expect(await outcome({})).toEqual({ hash: '', isSignedIn: true });
});

it('a service starts without its provider, which may come later and lie about itself', async () => {
  // Nobody listens there, while a port that was closed a moment ago may belong to another suite.
  const down = '127.0.0.1:1';
  const alone = await startTestService({
    queue: false,
    mediaHosts: [down, provider.host],
    env: oidcSettings(`http://${down}`),
  });
  const start = async (at: TestService) =>
    (await createTraveller().ask(new URL(`${at.url}/v1/sign-in/oidc`))).next?.hash;
  expect(await start(alone)).toBe('#refused=oidc.unavailable');
  await alone.stop();

  const fresh = await startTestService({
    queue: false,
    mediaHosts: [provider.host],
    env: oidcSettings(provider.issuer),
  });
  provider.lie({ metadata: { issuer: 'https://other.example.com' } });
  expect(await start(fresh)).toBe('#refused=oidc.refused');
  provider.lie({});
  expect(await start(fresh)).toBe('');
  await fresh.stop();
});

it('an address that is not public is not asked unless the operator lists it', async () => {
  const before = provider.asked.length;
  const guarded = await startTestService({
    queue: false,
    env: { ...oidcSettings('https://127.0.0.1:1'), OIDC_DEFAULT_ROLE: 'viewer' },
  });
  const { next } = await createTraveller().ask(new URL(`${guarded.url}/v1/sign-in/oidc`));
  expect(next?.hash).toBe('#refused=oidc.unavailable');
  expect(guarded.logs()).toContain('127.0.0.1 is not a public address');
  expect(provider.asked).toHaveLength(before);
  await guarded.stop();
});
