/**
 * Erasures compete with everything that could bring the erased data back, at the same moment. Afterwards,
 * nothing of it may remain.
 */
import { join } from 'node:path';

import type { BenchService } from '../../bench/service.js';
import { uniquePhotos } from '../../demo/photos.js';
import { providerIds } from '../../demo/providers/registry.js';
import { seededRandom } from '../../demo/random.js';
import { audit, type Audit } from '../auditor/index.js';
import { standBetween, type Spoiling } from '../proxy.js';
import type { Check, Context, Mutation, Outcome } from '../check.js';
import { eventually } from '../eventually.js';
import { databaseUrlOf, withRows } from '../rows.js';
import { race, type Raced, type Round, type Victim } from './race.js';
import { findRemains } from './remains.js';

/** The number of victims for each provider. Every round reveals what a weakness leaves behind. */
const rounds = { full: 20, short: 2, weakened: 1 };
/** The time within which all competitors start; an erasure takes about as long. */
const spreadMs = 14;
/** The timeout until everything that was started has ended. */
const settleMs = 60_000;

interface Weakness {
  readonly between?: Spoiling;
  /** SQL that weakens the database before the first round. */
  readonly damage?: string;
}

async function tryRaces(context: Context, weakness?: Weakness): Promise<Outcome> {
  const { between, damage = '' } = weakness ?? {};
  const service = await context.start({});
  const double = await standBetween(service.port, between ?? {});
  try {
    await withRows(service, (client) => client.query(damage));
    const began = performance.now();
    const raced: Raced[] = [];
    for (const round of await roundsOf(context, weakness ? rounds.weakened : usualRounds(context)))
      raced.push(await race({ service, port: between ? double.port : service.port }, round));
    const seconds = (performance.now() - began) / 1000;
    const failures = raced.flatMap((one) => one.failures);
    const { found, notErased } = await inspect(service, raced);
    return {
      tried: raced.length,
      lost: found.lost,
      doubled: found.doubled,
      worstMemoryMb: service.memory()?.peak ?? null,
      worstMs: null,
      notes: [`${String(raced.length)} rounds in ${seconds.toFixed(0)} s`],
      failures: [...failures, ...notErased],
    };
  } finally {
    double.close();
    await service.stop();
  }
}

/** Everything that is stored once all started work has ended. */
async function inspect(
  service: BenchService,
  raced: readonly Raced[],
): Promise<{ readonly found: Audit['found']; readonly notErased: readonly string[] }> {
  const isCalm = await eventually(() => isSettled(service), settleMs);
  const { uploadsDir, inletDir } = service;
  const databaseUrl = await databaseUrlOf(service);
  const { found, failures } = await audit({ databaseUrl, uploadsDir, spoolDir: join(inletDir, 'spool') });
  const secrets = raced.flatMap((one) => one.secrets);
  const remains = await withRows(service, (client) => findRemains(client, secrets));
  const unfinished = isCalm ? [] : ['what was begun did not come to its end'];
  return { found, notErased: [...remains, ...failures, ...unfinished] };
}

const usualRounds = ({ short }: Context): number => (short ? rounds.short : rounds.full);

async function roundsOf({ seed }: Context, each: number): Promise<Round[]> {
  const random = seededRandom(seed);
  const victims: readonly Victim[] = ['person', 'media'];
  const pairs = victims.flatMap((victim) => providerIds.map((provider) => ({ victim, provider })));
  const count = pairs.length * each;
  const photos = await uniquePhotos(count, { width: 64, height: 48, seed: seed % 1000 });
  return Array.from({ length: count }, (_, index) => {
    const { victim, provider } = pairs[index % pairs.length] ?? { victim: 'person', provider: 'blip' };
    return {
      victim,
      provider,
      photo: photos.at(index),
      from: `55119${String(10_000_000 + 7_919 * index + (seed % 7_919))}`,
      waits: random() < 0.5,
      delaysMs: Array.from({ length: 6 }, () => random() * spreadMs),
    };
  });
}

async function isSettled(service: BenchService): Promise<boolean> {
  return withRows(service, async (client) => {
    const { rows } = await client.query<{ busy: boolean }>(
      `select exists (select from media where state = 'pending') or exists (select from blob where orphaned_at is not null)
              or exists (select from outbound where state in ('queued', 'sending')) as busy`,
    );
    return rows[0]?.busy === false;
  });
}

const trigger = (table: string, body: string): string => `
  create function spoil() returns trigger language plpgsql as $$ begin ${body} return new; end $$;
  create trigger spoil before update on ${table} for each row execute function spoil();`;

function weakened(mutation: Omit<Mutation, 'run'>, weakness: Weakness): Mutation {
  return { ...mutation, run: (context) => tryRaces(context, weakness) };
}

const isErasure = ({ method }: { readonly method: string }): boolean => method === 'DELETE';

export const races: Check = {
  id: 'races',
  title: 'erases a person completely, whatever happens at the same time',
  run: (context) => tryRaces(context),
  mutations: [
    weakened(
      {
        title: 'an erasure is acknowledged and not done',
        caughtBy: /^not erased: a row of .* still holds/,
      },
      {
        between: {
          request: (request) =>
            isErasure(request) ? { method: 'GET', path: '/health/live', lines: [], body: '' } : request,
          answer: (answer, request) => (isErasure(request) ? { status: 200, text: '{}' } : answer),
        },
      },
    ),
    weakened(
      {
        title: 'the row of an erased message keeps its sender',
        caughtBy: /^not erased: .* still (holds|names)/,
      },
      { damage: trigger('message', 'if new.erased_at is not null then new.sender = old.sender; end if;') },
    ),
    weakened(
      {
        title: 'an erased webhook keeps its body',
        caughtBy: /^not erased: a row of public\.delivery still holds/,
      },
      { damage: trigger('delivery', 'if new.erased_at is not null then new.body = old.body; end if;') },
    ),
    weakened(
      {
        title: 'an erasure is not retried after a deadlock',
        caughtBy: /^erase was answered 50/,
      },
      {
        damage: trigger(
          'message',
          `if new.erased_at is not null then raise exception 'lost' using errcode = '40P01'; end if;`,
        ),
      },
    ),
  ],
};
