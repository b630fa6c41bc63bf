/** Every request without a valid proof is rejected, and nothing of it is stored. */
import type { Simulator } from '../../demo/providers/index.js';
import { providers } from '../../providers/index.js';
import type { Check, Context, Mutation, Outcome } from '../check.js';
import { standBetween } from '../proxy.js';
import { countDeliveries } from '../rows.js';
import { eachOf, exchange } from '../wire.js';
import { attemptsAt, type Attempt } from './attempts.js';
import { doorsOf, secretsOf, type Door } from './door.js';
import { tryAroundLimit } from './limit.js';
import { weakDoors, type WeakDoor } from './weak-doors.js';

const atOnce = 8;

async function tryDoors(context: Context, port: number): Promise<Outcome> {
  const service = await context.service();
  const all = doorsOf(service.simulator);
  const before = await countDeliveries(service);
  const forgeries = [
    ...all.flatMap((door) => attemptsAt(door, othersOf(door, all))),
    ...challenges(service.simulator),
  ];
  const attempts = context.short ? forgeries.filter(isInShort) : forgeries;
  const failures: string[] = [];
  let worstMs = 0;
  await eachOf([...attempts, ...all.map(welcome)], atOnce, async ({ what, request, allowedStatuses }) => {
    const started = performance.now();
    const { status } = await exchange(port, request);
    worstMs = Math.max(worstMs, performance.now() - started);
    if (!allowedStatuses.includes(status)) failures.push(`${what} was answered ${String(status)}`);
  });
  const kept = (await countDeliveries(service, before + all.length)) - before;
  if (kept !== all.length)
    failures.push(`${String(kept)} webhooks were kept, ${String(all.length)} were proven`);
  return {
    tried: attempts.length + all.length,
    failures,
    worstMs,
    worstMemoryMb: null,
    lost: Math.max(0, all.length - kept),
    doubled: 0,
    notes: [
      `${String(attempts.length)} forgeries at ${String(all.length)} doors, each of which opens to the right proof`,
    ],
  };
}

/** Only every fourth of the attempts that differ in a single position. */
function isInShort({ what }: Attempt): boolean {
  const place = /(?:prefix of|character at|challenge with) (\d+)/.exec(what)?.[1];
  return place === undefined || Number(place) % 4 === 0;
}

/** Proofs that would open other doors and not this one. */
function othersOf({ secret }: Door, all: readonly Door[]): string[] {
  return [...new Set(all.map((other) => other.secret))].filter((other) => other !== secret);
}

/** The valid proof must be accepted: a door that refuses everything would pass all other attempts. */
function welcome({ name, webhook }: Door): Attempt {
  const { path, headers, body } = webhook();
  const lines = Object.entries(headers).map(([header, value]) => `${header}: ${value}`);
  return {
    what: `${name}: the right proof`,
    allowedStatuses: [200],
    request: { method: 'POST', path, lines, body },
  };
}

/** GET challenges with an almost valid token, for channels that answer challenges. */
function challenges(simulator: Simulator): Attempt[] {
  const answering = answeringChannels(simulator);
  const asked = [...secretsOf(simulator)].filter(([, { token }]) => token !== '');
  return asked.flatMap(([channel, { token }]) => {
    const ask = (guess: string, wanted: number): Attempt => ({
      what: `${channel}: a challenge with ${String(guess.length)} characters of the secret`,
      allowedStatuses: [wanted],
      request: {
        method: 'GET',
        lines: [],
        body: '',
        path: `/webhooks/${channel}?hub.mode=subscribe&hub.challenge=1158&hub.verify_token=${guess}`,
      },
    });
    if (token === '') return [];
    const wanted = answering.has(channel) ? 200 : 404;
    return [...Array.from(token, (_, length) => ask(token.slice(0, length), 404)), ask(token, wanted)];
  });
}

/** The channels whose providers send challenges. */
function answeringChannels(simulator: Simulator): ReadonlySet<string> {
  const env = simulator.env();
  const answering = providers.filter(({ envKeys, load }) => {
    const settings = Object.entries(envKeys).map(([name, key]) => [name, env[key]]);
    return load(Object.fromEntries(settings), () => new Date()).handshake !== undefined;
  });
  return new Set(answering.map(({ id }) => id));
}

async function run(context: Context): Promise<Outcome> {
  const { port } = await context.service();
  const outcome = await tryDoors(context, port);
  const around = await tryAroundLimit(context);
  return {
    ...outcome,
    tried: outcome.tried + around.tried,
    failures: [...outcome.failures, ...around.failures],
  };
}

function weakened({ title, caughtBy, kindly }: WeakDoor): Mutation {
  return {
    title,
    caughtBy,
    run: async (context) => {
      const { port, simulator } = await context.service();
      const secrets = secretsOf(simulator);
      const double = await standBetween(port, { request: (request) => kindly(request, secrets) });
      try {
        return await tryDoors(context, double.port);
      } finally {
        double.close();
      }
    },
  };
}

const trusting: Mutation = {
  title: 'X-Forwarded-For is trusted',
  caughtBy: /the limit of .* let/,
  run: async (context) => {
    const { tried, failures } = await tryAroundLimit(context, { TRUSTED_PROXY_HOPS: '1' });
    return { tried, failures, lost: 0, doubled: 0, worstMemoryMb: null, worstMs: null, notes: [] };
  },
};

export const doors: Check = {
  id: 'doors',
  title: 'rejects every request without a valid proof',
  run,
  mutations: [...weakDoors.map(weakened), trusting],
};
