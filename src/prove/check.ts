/** The parts of a proof. */
import type { BenchService } from '../bench/service.js';

/** What a check can use. */
export interface Context {
  /** Fewer attempts and no limits on time, for machines that are busy with other things. */
  readonly short: boolean;
  /** The seed of all random choices: the same seed leads to the same attempts. */
  readonly seed: number;
  /** A real service process with all providers, shared by all checks; started on first use. */
  readonly service: () => Promise<BenchService>;
  /** Another service with its own settings; the caller must stop it. */
  readonly start: (settings: Record<string, string>) => Promise<BenchService>;
  /** The environment of this program, for checks that start processes themselves. */
  readonly environment: NodeJS.ProcessEnv;
}

export interface Outcome {
  readonly tried: number;
  /** Acknowledged but missing. */
  readonly lost: number;
  /** Stored more than once. */
  readonly doubled: number;
  /** The memory of the process under test; null if it is not measured. */
  readonly worstMemoryMb: number | null;
  readonly worstMs: number | null;
  readonly notes: readonly string[];
  /** Everything that broke a guarantee. A check without failures has passed. */
  readonly failures: readonly string[];
  /** Why the check could not run here. It has then shown nothing. */
  readonly untried?: string;
}

/** The outcome on a machine that lacks what a check requires. */
export function untriedOutcome(untried: string): Outcome {
  const nothing = { tried: 0, lost: 0, doubled: 0, worstMemoryMb: null, worstMs: null, failures: [] };
  return { ...nothing, untried, notes: [`NOT TRIED: ${untried}`] };
}

/** A weakened service that the check must detect: a check that cannot fail proves nothing. */
export interface Mutation {
  readonly title: string;
  /** Matches at least one of the failures that it causes, so that it is not caught for another reason. */
  readonly caughtBy: RegExp;
  readonly run: (context: Context) => Promise<Outcome>;
}

export interface Check {
  readonly id: string;
  readonly title: string;
  readonly run: (context: Context) => Promise<Outcome>;
  readonly mutations: readonly Mutation[];
}
