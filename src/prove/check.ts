/** What a proof is made of. */
import type { BenchService } from '../bench/service.js';

/** What a check has to work with. */
export interface Context {
  /** Fewer tries and no bounds on time: for machines that are doing other things as well. */
  readonly short: boolean;
  /** Of everything that is made by chance: the same seed, the same attempts. */
  readonly seed: number;
  /** A real service process with all providers, the same for all checks; started when it is first asked for. */
  readonly service: () => Promise<BenchService>;
  /** Another one, with settings of its own; whoever starts it stops it. */
  readonly start: (settings: Record<string, string>) => Promise<BenchService>;
  /** That of this program, for those who start processes by themselves. */
  readonly environment: NodeJS.ProcessEnv;
}

export interface Outcome {
  readonly tried: number;
  /** Acknowledged and not there. */
  readonly lost: number;
  /** There more than once. */
  readonly doubled: number;
  /** Of the process under test; null where memory is not what is looked at. */
  readonly worstMemoryMb: number | null;
  readonly worstMs: number | null;
  readonly notes: readonly string[];
  /** Everything that was not as promised. A check without failures has passed. */
  readonly failures: readonly string[];
  /** Why it could not be tried here. Then it has shown nothing. */
  readonly untried?: string;
}

/** For a machine that lacks what a check needs. */
export function untriedOutcome(untried: string): Outcome {
  const nothing = { tried: 0, lost: 0, doubled: 0, worstMemoryMb: null, worstMs: null, failures: [] };
  return { ...nothing, untried, notes: [`NOT TRIED: ${untried}`] };
}

/** Something weakened that the check must notice: a check that cannot fail proves nothing. */
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
