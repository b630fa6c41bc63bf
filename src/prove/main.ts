/**
 * `npm run prove [-- id ...] [-- --short] [-- --mutations] [-- --part=1/2] [-- --seed=N]`: tests the
 * guarantees on a real service. Prints a table; writes `PROOF.md` after a full run; exits with status 1 if a
 * guarantee was broken. With `--mutations`, each check runs against weakened doubles and has to fail.
 */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';

import { startBenchService, type BenchService } from '../bench/service.js';
import { exitAtSignals, known, orExplain } from '../commands/command-line.js';
import type { Check, Context } from './check.js';
import { checks } from './checks.js';
import {
  isCaught,
  mutationTable,
  proofDocument,
  proofTable,
  remarks,
  type Caught,
  type Proven,
} from './report.js';
import { postgresVersion } from './rows.js';

const about = {
  usage: 'npm run prove -- [ID ...] [--short] [--mutations] [--part=K/N] [--seed=N]',
  does: 'Tests the guarantees on a real process; without names, all of them.',
  options: {
    '--short': 'fewer rounds of each check',
    '--mutations': 'shows that each check finds the weakness that it is made for',
    '--part=K/N': 'with --mutations: only part K of N, for several processes at a time',
    '--seed=N': 'repeats a run: N is the number that the run has printed',
  },
};
const { wanted, mutating, short, seed, part } = orExplain(about, () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      short: { type: 'boolean' },
      mutations: { type: 'boolean' },
      part: { type: 'string' },
      seed: { type: 'string' },
    },
  });
  const seed = values.seed ?? String(Date.now() % 1_000_000_000);
  if (!/^\d{1,9}$/.test(seed)) throw new Error(`${seed} is no seed`);
  const ids = checks.map(({ id }) => id);
  return {
    wanted: known(positionals, ids),
    seed: Number(seed),
    part: partOf(values.part ?? '1/1'),
    mutating: values.mutations === true,
    short: values.short === true,
  };
});

exitAtSignals();
let service: Promise<BenchService> | undefined;
const context: Context = {
  short: mutating || short,
  seed,
  environment: process.env,
  // Thousands of wrong proofs are sent here; their rate limit has an attempt of its own.
  start: (settings) => startBenchService(process.env, settings),
  service: () => (service ??= startBenchService(process.env, { FAILED_WEBHOOKS_PER_MINUTE: '100000000' })),
};

async function prove(chosen: readonly Check[]): Promise<boolean> {
  const proven: Proven[] = [];
  for (const check of chosen) {
    console.log(`proving ${check.id} ...`);
    const started = performance.now();
    const outcome = await check.run(context);
    proven.push({ check, outcome, seconds: (performance.now() - started) / 1000 });
  }
  console.log(`\n${proofTable(proven)}\n\n${remarks(proven)}`);
  if (context.short) console.log('A short run: fewer tries, and no bounds on time.');
  else if (wanted.length === 0) {
    const circumstances = { at: new Date(), postgres: await postgresVersion(await context.service()), seed };
    await writeFile('PROOF.md', proofDocument(proven, circumstances));
  }
  return proven.every(({ outcome }) => outcome.failures.length === 0);
}

async function mutate(chosen: readonly Check[]): Promise<boolean> {
  const caught: Caught[] = [];
  const all = chosen.flatMap((check) => check.mutations.map((mutation) => ({ check, mutation })));
  for (const { check, mutation } of all.filter((_, index) => index % part.of === part.number - 1)) {
    console.log(`weakening for ${check.id}: ${mutation.title} ...`);
    const started = performance.now();
    const outcome = await mutation.run(context);
    caught.push({ check, mutation, outcome, seconds: (performance.now() - started) / 1000 });
  }
  console.log(`\n${mutationTable(caught)}\n`);
  return caught.every((one) => one.outcome.untried !== undefined || isCaught(one));
}

/** Reads `K/N`. */
function partOf(text: string): { readonly number: number; readonly of: number } {
  const [, number = '', of = ''] = /^([1-9])\/([1-9])$/.exec(text) ?? [];
  if (of === '' || number > of) throw new Error(`${text} is no part: 1/2 is the first half`);
  return { number: Number(number), of: Number(of) };
}

const chosen = checks.filter(({ id }) => wanted.length === 0 || wanted.includes(id));
console.log(`seed ${String(seed)}`);
try {
  process.exitCode = (await (mutating ? mutate(chosen) : prove(chosen))) ? 0 : 1;
} finally {
  await (await service)?.stop();
}
process.exit();
