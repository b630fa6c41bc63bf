/** A real identity provider on a loopback port, and a browser without windows that signs in at it. */
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { Provider } from 'oidc-provider';

import { call, type Call } from './client.js';
import type { TestService } from './test-service.js';

export const client = { id: 'inlet', secret: 'a-secret-of-the-client-0123456789' } as const;

export interface Account {
  readonly email?: string;
  readonly email_verified?: boolean;
  readonly name?: string;
  readonly roles?: string | readonly string[];
}

export interface IdentityProvider {
  readonly issuer: string;
  /** By the name that a person signs in with there; tests change it. */
  readonly accounts: Map<string, Account>;
  /** Knows the service as its client from now on. */
  readonly serve: (service: Pick<TestService, 'url'>) => void;
  readonly close: () => Promise<void>;
}

/** The settings of a service with this identity provider. */
export function oidcSettings(issuer: string): Readonly<Record<string, string>> {
  return {
    OIDC_ISSUER: issuer,
    OIDC_CLIENT_ID: client.id,
    OIDC_CLIENT_SECRET: client.secret,
    OIDC_NAME: 'Example Login',
    OIDC_ROLES: 'inlet-admins=admin, support=agent:blip+z-api, readers=viewer',
  };
}

/** A server whose listener is set later, on a port that is known at once. */
export async function listenFirst() {
  let listener: RequestListener | undefined;
  const server = createServer((request, response) => listener?.(request, response));
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  return {
    host: `127.0.0.1:${String(port)}`,
    issuer: `http://127.0.0.1:${String(port)}`,
    handle: (next: RequestListener | undefined) => {
      listener = next;
    },
    close: () => closed(server),
  };
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => {
      resolve();
    });
    server.closeAllConnections();
  });
}

export async function startIdentityProvider(): Promise<IdentityProvider> {
  const { issuer, handle, close } = await listenFirst();
  const accounts = new Map<string, Account>();
  const findAccount = (_: unknown, id: string) =>
    accounts.has(id) ? { accountId: id, claims: () => ({ sub: id, ...accounts.get(id) }) } : undefined;
  return {
    issuer,
    accounts,
    serve: ({ url }) => {
      const redirect = `${url}/v1/sign-in/oidc/callback`;
      const known = { client_id: client.id, client_secret: client.secret, redirect_uris: [redirect] };
      const provider = new Provider(issuer, {
        clients: [known],
        findAccount,
        claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'roles'] },
        cookies: { keys: ['a key for the cookies of a test'] },
      });
      handle(provider.callback());
    },
    close,
  };
}

interface Arrival {
  readonly url: URL;
  /** The cookies that the last answer set, by name; deleted ones are empty. */
  readonly set: ReadonlyMap<string, string>;
}

/** Keeps cookies for each host, and follows links as a browser does. */
export function createTraveller() {
  const jars = new Map<string, Map<string, string>>();
  const jarOf = (host: string): Map<string, string> => {
    const jar = jars.get(host) ?? new Map<string, string>();
    jars.set(host, jar);
    return jar;
  };
  const ask = async (url: URL, what: Call = {}) => {
    const jar = jarOf(url.host);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const { headers = {}, ...rest } = what;
    const answer = await call<undefined>(url.origin, url.pathname + url.search, {
      ...rest,
      headers: { ...headers, ...(cookie !== '' && { cookie }) },
    });
    const set = cookiesOf(answer.headers);
    for (const [name, value] of set) {
      if (value === '') jar.delete(name);
      else jar.set(name, value);
    }
    const { location } = answer.headers;
    return { answer, set, next: location === undefined ? undefined : new URL(location, url) };
  };
  const post = (url: URL, form: Readonly<Record<string, string>>) =>
    ask(url, {
      method: 'post',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      raw: new URLSearchParams(form).toString(),
    });
  return { ask, post, jarOf };
}

export type Traveller = ReturnType<typeof createTraveller>;

function cookiesOf(headers: object): ReadonlyMap<string, string> {
  const lines: unknown = 'set-cookie' in headers ? headers['set-cookie'] : [];
  const pairs = [lines].flat().map((line) => String(line).split(';')[0] ?? '');
  return new Map(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

/** Walks to the provider and signs in there; stops in front of the address that leads back to the service. */
export async function walkToProvider(
  { url }: Pick<TestService, 'url'>,
  login: string,
  { ask, post }: Traveller,
): Promise<URL> {
  let at = new URL(`${url}/v1/sign-in/oidc`);
  for (let step = 0; step < 12; step += 1) {
    const { next } = await ask(at);
    if (next === undefined) {
      // Pages of the provider: first for the name and the password, then for the consent.
      const page = (await ask(at)).answer.bytes.toString();
      const prompt = page.includes('value="consent"') ? 'consent' : 'login';
      const sent = await post(at, { prompt, login, password: 'any' });
      if (!sent.next) throw new Error(`the provider answered ${String(sent.answer.status)}`);
      at = sent.next;
    } else if (next.pathname.endsWith('/v1/sign-in/oidc/callback')) return next;
    else if (next.hash !== '') throw new Error(`refused with ${next.hash}`);
    else at = next;
  }
  throw new Error('the provider leads nowhere');
}

/** Signs in completely. The address is that of the gallery, with the code of a refusal behind it. */
export async function signInAtProvider(
  service: Pick<TestService, 'url'>,
  login: string,
  traveller: Traveller = createTraveller(),
): Promise<Arrival> {
  const back = await walkToProvider(service, login, traveller);
  const { next, set } = await traveller.ask(back);
  if (!next) throw new Error('the service leads nowhere');
  return { url: next, set };
}
