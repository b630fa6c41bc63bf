/** Reports the results in the terminal and in `PROOF.md`. */
import { availableParallelism, cpus, totalmem } from 'node:os';

import { table, type Column } from '../demo/table.js';
import type { Check, Mutation, Outcome } from './check.js';

export interface Proven {
  readonly check: Check;
  readonly outcome: Outcome;
  readonly seconds: number;
}

export interface Caught {
  readonly check: Check;
  readonly mutation: Mutation;
  readonly outcome: Outcome;
  readonly seconds: number;
}

const maxShown = 10;

const whole = (value: number | null): string | null => (value === null ? null : value.toFixed(0));

function verdict({ untried, failures }: Outcome): string {
  if (untried !== undefined) return 'NOT TRIED';
  return failures.length === 0 ? 'yes' : 'NO';
}

const columns: readonly Column<Proven>[] = [
  { title: 'id', value: ({ check }) => check.id },
  { title: 'proves that Inlet', value: ({ check }) => check.title },
  { title: 'tried', value: ({ outcome }) => outcome.tried, align: 'right' },
  { title: 'lost', value: ({ outcome }) => outcome.lost, align: 'right' },
  { title: 'doubled', value: ({ outcome }) => outcome.doubled, align: 'right' },
  { title: 'worst MB', value: ({ outcome }) => whole(outcome.worstMemoryMb), align: 'right' },
  { title: 'worst ms', value: ({ outcome }) => whole(outcome.worstMs), align: 'right' },
  { title: 's', value: ({ seconds }) => seconds.toFixed(1), align: 'right' },
  { title: 'held', value: ({ outcome }) => verdict(outcome) },
];

export function proofTable(proven: readonly Proven[]): string {
  return table(columns, proven);
}

/** Notes and failures, which do not fit into a table. */
export function remarks(proven: readonly Proven[]): string {
  return proven
    .flatMap(({ check, outcome: { notes, failures } }) => [
      ...notes.map((note) => `${check.id}: ${note}`),
      ...failures.slice(0, maxShown).map((failure) => `${check.id} FAILED: ${failure}`),
      ...(failures.length > maxShown
        ? [`${check.id} FAILED ${String(failures.length - maxShown)} times more`]
        : []),
    ])
    .join('\n');
}

/** Whether the weakness was detected for the right reason. */
export function isCaught({ mutation, outcome }: Pick<Caught, 'mutation' | 'outcome'>): boolean {
  return outcome.failures.some((failure) => mutation.caughtBy.test(failure));
}

function wasCaught(one: Caught): string {
  if (one.outcome.untried !== undefined) return 'NOT TRIED';
  return isCaught(one) ? 'yes' : 'NO';
}

export function mutationTable(caught: readonly Caught[]): string {
  return table<Caught>(
    [
      { title: 'id', value: ({ check }) => check.id },
      { title: 'weakened', value: ({ mutation }) => mutation.title },
      { title: 'failures', value: ({ outcome }) => outcome.failures.length, align: 'right' },
      { title: 's', value: ({ seconds }) => seconds.toFixed(1), align: 'right' },
      { title: 'caught', value: (one) => wasCaught(one) },
      {
        title: 'first seen as',
        value: ({ mutation, outcome }) =>
          outcome.failures.find((text) => mutation.caughtBy.test(text)) ?? null,
      },
    ],
    caught,
  );
}

export interface Circumstances {
  readonly at: Date;
  readonly postgres: string;
  readonly seed: number;
}

/** `PROOF.md`: which guarantees held, when, and on which machine. */
export function proofDocument(proven: readonly Proven[], { at, postgres, seed }: Circumstances): string {
  const gigabytes = (totalmem() / 1024 ** 3).toFixed(0);
  return [
    '# Proof',
    '',
    'Written by `npm run prove`; what the columns mean is in [Proofs](docs/proofs.md).',
    '',
    `- ${at.toISOString()}`,
    `- ${String(availableParallelism())} cores (${cpus()[0]?.model.trim() ?? 'unknown'}), ${gigabytes} GB`,
    `- Node ${process.version}, PostgreSQL ${postgres}`,
    `- seed ${String(seed)}`,
    '',
    '```text',
    proofTable(proven),
    '',
    remarks(proven),
    '```',
    '',
  ].join('\n');
}
