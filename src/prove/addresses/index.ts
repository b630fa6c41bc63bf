/**
 * No sender or caller can make the service connect to a private address; all public addresses are reachable.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { AppError } from '../../domain/errors.js';
import type { LookupAll } from '../../infra/net/guarded-connector.js';
import type { Check, Mutation, Outcome } from '../check.js';
import { watchDials, type Dial } from './dials.js';
import {
  loopbackSpellings,
  privateAddresses,
  privateSpellings,
  publicAddresses,
  publicSpellings,
  translatedAddresses,
  translatorAddresses,
  translatorName,
} from './targets.js';
import {
  dialingAll,
  guardedWays,
  resolvingTwice,
  refusingTooMuch,
  unguardedApi,
  type Way,
  type Ways,
} from './ways.js';

/** In 2000::/3 and unassigned: a connection to it reaches no host. */
const unassigned = '2000::1';
/** Names with one public and one private address: only the public one may be dialled. */
const mayDialNobody = /^(rebinding|mixed)/;
/**
 * How many of these are tried at once, because each connection to an unassigned address lasts until its
 * timeout.
 */
const mixedAtOnce = 25;
const redirectMs = 30_000;
const refusals = ['media.forbidden_address', 'media.invalid_url'];

interface Trial {
  readonly makeWays: (options: Parameters<typeof guardedWays>[0]) => Ways;
  /** The hosts besides the one that redirects. */
  readonly allowed?: readonly string[];
  /** Weakened doubles connect to whatever they are given, so they only get this machine's own addresses. */
  readonly loopbackOnly?: boolean;
}

async function tryAddresses({ makeWays, allowed = [], loopbackOnly }: Trial): Promise<Outcome> {
  const [inside, elsewhere] = await Promise.all([startInside(), startRedirecting()]);
  const records = new Map([[translatorName, [translatorAddresses]]]);
  const options = {
    lookup: resolverOf(records),
    allowPrivateHosts: [`127.0.0.1:${String(elsewhere.port)}`, ...allowed],
  };
  const ways = makeWays(options);
  // The host that redirects answers, and even on a busy machine this must not end as a timeout.
  const patient = makeWays({ ...options, timeoutMs: redirectMs });
  const dials = watchDials();
  const failures: string[] = [];
  let tried = 0;

  /** Links that are tried at once: every connection in the meantime belongs to one of them. */
  const mustNotReach = async (way: Way, links: readonly Link[]): Promise<void> => {
    tried += links.length;
    const codes = await Promise.all(links.map(({ url }) => codeOf(way.go(url))));
    const forbidden = dials.taken().filter((dial) => !isHarmless(dial, elsewhere.port));
    const where = forbidden.map(({ address }) => address).join(', ');
    const all = links.length === 1 ? links[0]?.what : `mixed names, ${String(links.length)} at once`;
    if (forbidden.length > 0) failures.push(`${way.name}, ${String(all)}: ${where} was dialled`);
    else
      links.forEach(({ what }, index) => {
        const code = codes[index] ?? '';
        if (!refusals.includes(code) && !mayDialNobody.test(what))
          failures.push(`${way.name}, ${what}: not refused but ${code}`);
      });
  };

  const targets = targetsFor(loopbackOnly ?? false);
  const names = namesIn(records);
  for (const [index, way] of ways.all.entries())
    for (const links of groupsOf(linksFor(way, { targets, names, inside, elsewhere })))
      await mustNotReach(isRedirected(links) ? (patient.all[index] ?? way) : way, links);
  const heard = inside.heard();
  if (heard > 0) failures.push(`${String(heard)} connections were heard inside`);

  const passing = publicHosts(names);
  tried += passing.length;
  failures.push(...(await refusedOf(ways, passing)));
  dials.stop();
  const closing = [...ways.all, ...patient.all].map((way) => way.close());
  await Promise.all([...closing, inside.close(), elsewhere.close()]);
  return {
    tried,
    failures,
    lost: 0,
    doubled: 0,
    worstMemoryMb: null,
    worstMs: null,
    notes: [
      `${String(targets.hosts.length)} spellings and ${String(targets.addresses.length)} addresses that are not public, by link, name, changing name and redirect`,
      `${String(passing.length)} public ones pass the guard; ${String(heard)} connections heard inside`,
    ],
  };
}

/** Public spellings, and names of which at least the first lookup returns a public address. */
function publicHosts(names: ReturnType<typeof namesIn>): string[] {
  return [
    ...publicSpellings,
    ...publicAddresses.map((address) => names([address], ['127.0.0.1'])),
    ...publicAddresses.map((address) => names([address, '93.184.216.34', '2606:4700::1111'])),
    ...publicAddresses.map((address) => names([address, '127.0.0.1'])),
    ...translatedAddresses.map((address) => names([address])),
  ];
}

/** The public hosts that the guard refuses, in words. */
async function refusedOf(ways: Ways, hosts: readonly string[]): Promise<string[]> {
  const refused: string[] = [];
  for (const host of hosts)
    await ways.check(`https://${host}/`).catch((error: unknown) => {
      refused.push(`public ${host} was refused (${String(error)})`);
    });
  return refused;
}

interface Targets {
  readonly hosts: readonly string[];
  readonly addresses: readonly string[];
}

function targetsFor(loopbackOnly: boolean): Targets {
  if (!loopbackOnly) return { hosts: privateSpellings, addresses: privateAddresses };
  const addresses = privateAddresses.filter((address) => /^127|^::1$/.test(address));
  return { hosts: loopbackSpellings, addresses };
}

/** Creates names with these addresses: one answer for each lookup, and the last one from then on. */
function namesIn(records: Map<string, string[][]>): (...answers: string[][]) => string {
  return (...answers) => {
    const name = `host-${String(records.size)}.example`;
    records.set(name, answers);
    return name;
  };
}

interface Places {
  readonly targets: Targets;
  readonly names: ReturnType<typeof namesIn>;
  readonly inside: { readonly port: number };
  readonly elsewhere: { readonly to: (url: string) => string };
}

interface Link {
  readonly what: string;
  readonly url: string;
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'answered';
  } catch (error) {
    return error instanceof AppError ? error.code : String(error);
  }
}

/**
 * One at a time, so that a connection can be attributed to its link; mixed names identify it by their
 * address.
 */
function groupsOf(links: readonly Link[]): Link[][] {
  const mixed = links.filter(({ what }) => what.startsWith('mixed'));
  const groups = links.filter((link) => !mixed.includes(link)).map((link) => [link]);
  for (let at = 0; at < mixed.length; at += mixedAtOnce) groups.push(mixed.slice(at, at + mixedAtOnce));
  return groups;
}

/** All targets that must not be reached, as links for one way. */
function linksFor(way: Way, { targets, names, inside, elsewhere }: Places): Link[] {
  const urlOf = (host: string): string =>
    `http://${host}${way.name === 'subscription' ? '' : `:${String(inside.port)}`}/`;
  const answers = targets.addresses.flatMap((address) => [[address], [address, '127.0.0.1']]);
  const mixed = targets.addresses.flatMap((address) => [
    [unassigned, address],
    [address, unassigned],
  ]);
  return [
    ...targets.hosts.map((host) => ({ what: `literal ${host}`, url: urlOf(host) })),
    ...answers.map((answer) => ({ what: `name with ${answer.join(' and ')}`, url: urlOf(names(answer)) })),
    ...mixed.map((answer) => ({ what: `mixed ${answer.join(' and ')}`, url: urlOf(names(answer)) })),
    // Each lookup returns another answer, and the first one is public: it is dialled, and the second never
    // is.
    ...['127.0.0.1', '::1', '::ffff:127.0.0.1'].map((address) => ({
      what: `rebinding to ${address}`,
      url: urlOf(names([unassigned], [address])),
    })),
    ...(way.name === 'download' ? targets.hosts : []).map((host) => ({
      what: `redirect to ${host}`,
      url: elsewhere.to(urlOf(host)),
    })),
  ];
}

const isRedirected = (links: readonly Link[]): boolean =>
  links.every(({ what }) => what.startsWith('redirect'));

function isHarmless({ address, port }: Dial, redirecting: number): boolean {
  return port === redirecting || address === unassigned;
}

/** Returns the answers of each name in turn, and the last one from then on. */
function resolverOf(records: Map<string, string[][]>): LookupAll {
  return (name) => {
    const answers = records.get(name) ?? [];
    const answer = (answers.length > 1 ? answers.shift() : answers[0]) ?? [];
    return Promise.resolve(answer.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })));
  };
}

/** Listens on every address of this machine and must receive nothing. */
async function startInside() {
  let heard = 0;
  const server = createServer((_, response) => response.end('secrets'));
  server.on('connection', () => (heard += 1));
  return { ...(await listen(server, '::')), heard: () => heard };
}

/** A host, regarded as public, that redirects its clients. */
async function startRedirecting() {
  const server = createServer((request, response) => {
    const to = new URL(request.url ?? '', 'http://host').searchParams.get('to') ?? '';
    // A header may not contain non-ASCII characters; a host name may contain them percent-encoded.
    const location = to.replace(/[^\t\x20-\x7e]/gu, encodeURIComponent);
    response.writeHead(302, { location }).end();
  });
  const listening = await listen(server, '127.0.0.1');
  const origin = `http://127.0.0.1:${String(listening.port)}`;
  return { ...listening, to: (url: string) => `${origin}/?to=${encodeURIComponent(url)}` };
}

async function listen(server: ReturnType<typeof createServer>, address: string) {
  await new Promise<void>((listening) => server.listen(0, address, listening));
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise<void>((closed) => {
        server.closeAllConnections();
        server.close(() => {
          closed();
        });
      }),
  };
}

const weakened = (title: string, caughtBy: RegExp, trial: Trial): Mutation => ({
  title,
  caughtBy,
  run: () => tryAddresses({ ...trial, loopbackOnly: true }),
});

export const addresses: Check = {
  id: 'addresses',
  title: 'connects to public addresses only',
  run: () => tryAddresses({ makeWays: guardedWays }),
  mutations: [
    weakened('one private address is allowed', /literal 2130706433: 127\.0\.0\.1 was dialled/, {
      makeWays: guardedWays,
      allowed: ['127.0.0.1'],
    }),
    weakened('calls to the APIs of channels are not guarded', /^api, literal .* was dialled/, {
      makeWays: unguardedApi,
    }),
    weakened('a name is resolved again before the connection', /rebinding to .* was dialled/, {
      makeWays: resolvingTwice,
    }),
    weakened(
      'a name with one public address is connected to at all of its addresses',
      /mixed names, .* was dialled/,
      {
        makeWays: dialingAll,
      },
    ),
    weakened('a public network is treated as a private one', /public 172\..* was refused/, {
      makeWays: refusingTooMuch,
    }),
  ],
};
