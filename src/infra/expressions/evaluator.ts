/**
 * Evaluates the expressions of operators over data of strangers. Each evaluation has a limit of time and
 * memory, in a process apart: an expression that never ends, or that needs gigabytes, costs that process its
 * life and nothing else.
 *
 * There are two lanes with a process each. The first one serves all channels and ends an evaluation soon. A
 * channel whose evaluation was ended there continues in the second lane, which has more time, a low priority,
 * and no influence on the first. A channel whose evaluations are ended there too often waits until the next
 * one is tried.
 *
 * Trials have a lane like the second one for themselves, so that no webhook ever waits for a trial.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { ChildProcess } from 'node:child_process';

import type { Evaluate, Evaluated, Evaluation } from '../../domain/evaluation.js';
import { isStarved } from '../process/cpu-time.js';
import { startLimited } from '../process/limited-process.js';
import { projectFolder } from '../process/project-folder.js';
import { createAllowance, type Allowance } from './allowance.js';
import { createLane, type Lane, type LaneFailure, type LaneTask } from './lane.js';
import type { Answer, Problem } from './sandbox.js';

export interface Evaluator {
  /** The evaluations of one owner, such as a channel. Owners take turns and share nothing. */
  readonly of: (owner: string) => Evaluate;
  /** Evaluations that nobody else must wait for, such as trials. */
  readonly trial: Evaluate;
  /** Starts the first process, so that the first evaluation does not wait for it. */
  readonly start: () => void;
  readonly close: () => void;
}

export interface EvaluatorOptions {
  /** The time of an evaluation in the first lane, and in the second one or for a trial. */
  readonly limitsMs?: { readonly first: number; readonly second: number };
  readonly maxMemoryBytes?: number;
  /** The longest input in bytes. Its memory comes on top. */
  readonly maxInputBytes?: number;
  /** The longest wait for a turn in the second lane, and of a trial. */
  readonly maxWaitMs?: number;
  /** Returns the time in milliseconds; it never goes back. */
  readonly clock?: () => number;
}

/** Always the built file, even from `src`, because Node runs JavaScript only. */
const program = join(projectFolder, 'dist/infra/expressions/evaluator-process.js');
/** Evaluations of ordinary webhooks take a millisecond or two, those of the largest ones some hundred. */
const standardLimitsMs = { first: 250, second: 2_000 };
/**
 * JavaScript takes half of it, whose limit alone is not kept: a single text may exceed it by half a gigabyte.
 */
const standardMaxMemoryBytes = 268_435_456;
const heapMegabytes = 128;
/**
 * The input is there as it arrives, as a text and as its parts, each with two bytes per character if one of
 * them is no Latin letter. Of this, the texts and parts are in the memory of JavaScript.
 */
const copiesOfInput = { all: 8, inHeap: 4 };
const megabyte = 1_048_576;
/** JSONata ends by itself a little earlier, with the place in the expression. */
const ownLimit = 0.9;
const firstLaneWindow = 16;
const slowLaneIdleMs = 30_000;
/** How long an owner stays in the second lane after an evaluation that had to be ended. */
const suspicionMs = 600_000;
/** The same if the machine had no time for the evaluation, which may be harmless. */
const shortSuspicionMs = 10_000;
/** The data that wait for a turn in one of the slow lanes, in characters. */
const maxWaitingCharacters = 67_108_864;

const reasons = {
  crashed: 'the expression needed too much memory',
  killed: 'the process that evaluates expressions was ended by the system several times',
  'no process': 'expressions cannot be evaluated at present',
  stopped: 'the expression took too long or too much memory for several webhooks before this one',
  starved: 'the machine had no time for the expression',
  busy: 'other webhooks of the channel were evaluated for too long',
} as const;

interface EvaluatorState {
  readonly first: Lane;
  readonly second: SlowLane;
  readonly trials: SlowLane;
  readonly limitsMs: { readonly first: number; readonly second: number };
  readonly maxWaitMs: number;
  readonly clock: () => number;
  /** The time until which the evaluations of an owner belong to the second lane. */
  readonly suspects: Map<string, number>;
  readonly allowance: Allowance;
}

interface SlowLane {
  readonly lane: Lane;
  /**
   * Whether an evaluation may be tried later if other processes had the processors. A person who waits for a
   * trial is told that it took too long.
   */
  readonly excusesStarved: boolean;
  /** How much data wait for their turn. */
  waitingCharacters: number;
}

export function createEvaluator({
  limitsMs = standardLimitsMs,
  maxMemoryBytes = standardMaxMemoryBytes,
  maxInputBytes = 0,
  maxWaitMs = 10_000,
  clock = () => performance.now(),
}: EvaluatorOptions = {}): Evaluator {
  const start = (limitMs: number, priority: string) => (): ChildProcess =>
    startEvaluatorProcess({ limitMs, priority, maxMemoryBytes, maxInputBytes });
  const createSlowLane = (excusesStarved: boolean): SlowLane => ({
    lane: createLane({
      startProcess: start(limitsMs.second, 'background'),
      limitMs: limitsMs.second,
      window: 1,
      idleMs: slowLaneIdleMs,
    }),
    excusesStarved,
    waitingCharacters: 0,
  });
  const state: EvaluatorState = {
    first: createLane({
      startProcess: start(limitsMs.first, 'normal'),
      limitMs: limitsMs.first,
      window: firstLaneWindow,
    }),
    second: createSlowLane(true),
    trials: createSlowLane(false),
    limitsMs,
    maxWaitMs,
    clock,
    suspects: new Map(),
    allowance: createAllowance(clock),
  };
  return {
    of: (owner) => (evaluation) => ask(state, owner, evaluation),
    trial: ({ expression, input, byPlace }) =>
      new Promise((settle) => {
        askSlow(state, state.trials, { owner: `trial ${expression}`, expression, input, byPlace, settle });
      }),
    start: state.first.start,
    close: () => {
      state.first.close();
      state.second.lane.close();
      state.trials.lane.close();
    },
  };
}

interface ProcessOptions {
  readonly limitMs: number;
  readonly priority: string;
  readonly maxMemoryBytes: number;
  readonly maxInputBytes: number;
}

/**
 * The process may read its own code only and makes no code from texts, even if an expression left its
 * context.
 */
function startEvaluatorProcess(options: ProcessOptions): ChildProcess {
  const { limitMs, priority, maxMemoryBytes, maxInputBytes } = options;
  const heap = heapMegabytes + Math.ceil((copiesOfInput.inHeap * maxInputBytes) / megabyte);
  const jsonataFile = createRequire(import.meta.url).resolve('jsonata');
  const readable = [join(projectFolder, 'package.json'), join(projectFolder, 'dist', '*'), jsonataFile];
  return startLimited({
    args: [
      `--max-old-space-size=${String(heap)}`,
      '--single-threaded-gc',
      '--disallow-code-generation-from-strings',
      '--permission',
      ...readable.map((path) => `--allow-fs-read=${path}`),
      program,
      jsonataFile,
      String(Math.floor(limitMs * ownLimit)),
      priority,
    ],
    maxMemoryBytes: maxMemoryBytes + copiesOfInput.all * maxInputBytes,
  });
}

type Asked = Pick<LaneTask, 'owner' | 'expression' | 'input' | 'byPlace'> & {
  readonly settle: (evaluated: Evaluated) => void;
};

function ask(state: EvaluatorState, owner: string, evaluation: Evaluation): Promise<Evaluated> {
  const { expression, input, byPlace } = evaluation;
  return new Promise((settle) => {
    // A mended expression starts anew.
    const asked: Asked = { owner: `${owner} ${expression}`, expression, input, byPlace, settle };
    if (isSuspect(state, asked.owner)) askSlow(state, state.second, asked);
    else askFirst(state, asked);
  });
}

function askFirst(state: EvaluatorState, asked: Asked): void {
  const retry = (isExcused: boolean): void => {
    askSlow(state, state.second, asked);
    noteSuspect(state, asked.owner, isExcused ? shortSuspicionMs : suspicionMs);
  };
  state.first.add({
    ...asked,
    begin: () => true,
    answered: (text, cpuMs) => {
      const answer = JSON.parse(text) as Answer;
      if (isTimeout(answer)) retry(isStarved(cpuMs, state.limitsMs.first));
      else asked.settle(evaluatedOf(answer));
    },
    failed: (failure) => {
      if (failure === 'no process') asked.settle(passing(reasons[failure]));
      else retry(failure === 'starved');
    },
  });
}

/**
 * The other evaluations of the owner must not delay those of others any longer, also if the machine had no time
 * for this one: on a busy machine, an endless expression never has any.
 */
function noteSuspect({ suspects, clock, first }: EvaluatorState, owner: string, forMs: number): void {
  const isKnown = suspects.has(owner);
  suspects.set(owner, Math.max(suspects.get(owner) ?? 0, clock() + forMs));
  if (!isKnown) first.turnAway(owner);
}

function isSuspect({ suspects, clock }: EvaluatorState, owner: string): boolean {
  const until = suspects.get(owner);
  if (until === undefined) return false;
  if (until > clock()) return true;
  suspects.delete(owner);
  return false;
}

function askSlow(state: EvaluatorState, slow: SlowLane, asked: Asked): void {
  const { allowance, limitsMs, maxWaitMs } = state;
  const { owner, input, settle } = asked;
  if (slow.waitingCharacters + input.length > maxWaitingCharacters) {
    settle(passing(reasons.busy));
    return;
  }
  let isWaiting = true;
  const stopWaiting = (): void => {
    isWaiting = false;
    slow.waitingCharacters -= input.length;
    clearTimeout(timer);
  };
  const timer = setTimeout(() => {
    stopWaiting();
    settle(passing(reasons.busy));
  }, maxWaitMs).unref();
  slow.waitingCharacters += input.length;
  slow.lane.add({
    ...asked,
    begin: () => {
      if (!isWaiting) return false;
      stopWaiting();
      if (!allowance.isSpent(owner)) return true;
      settle(failedBecause(reasons.stopped));
      return false;
    },
    answered: (text, cpuMs) => {
      const answer = JSON.parse(text) as Answer;
      if (!isTimeout(answer)) settle(evaluatedOf(answer));
      else if (slow.excusesStarved && isStarved(cpuMs, limitsMs.second)) settle(passing(reasons.starved));
      else {
        allowance.spend(owner);
        settle(tookTooLong(limitsMs.second, answer.problem));
      }
    },
    failed: (failure) => {
      const isExcused = failure === 'no process' || (failure === 'starved' && slow.excusesStarved);
      if (!isExcused) allowance.spend(owner);
      const isLate = failure === 'late' || (failure === 'starved' && !slow.excusesStarved);
      settle(isLate ? tookTooLong(limitsMs.second) : failureOf(failure));
    },
  });
}

function failureOf(failure: Exclude<LaneFailure, 'late'>): Evaluated {
  if (failure === 'crashed') return failedBecause(reasons.crashed);
  if (failure === 'starved') return passing(reasons.starved);
  return passing(failure === 'killed' ? reasons.killed : reasons['no process']);
}

function failedBecause(reason: string): Evaluated {
  return { ok: false, reason };
}

function passing(reason: string): Evaluated {
  return { ok: false, reason, isPassing: true };
}

/** JSONata's code for an evaluation that took too long. */
const timeoutCode = 'D1012';

type ProblemAnswer = Extract<Answer, { readonly problem: Problem }>;

function isTimeout(answer: Answer): answer is ProblemAnswer {
  return 'problem' in answer && answer.problem.code === timeoutCode;
}

function evaluatedOf(answer: Answer): Evaluated {
  return 'problem' in answer ? failedBecause(describe(answer.problem)) : { ok: true, value: answer.value };
}

function tookTooLong(
  limitMs: number,
  { position }: Pick<Problem, 'position'> = { position: null },
): Evaluated {
  return failedBecause(`the expression took longer than ${String(limitMs / 1_000)} s${placeOf(position)}`);
}

function describe({ code, position, message }: Problem): string {
  const name = code === null || code === 'unavailable' ? '' : ` (${code})`;
  return `the expression failed${placeOf(position)}: ${message}${name}`;
}

function placeOf(position: number | null): string {
  return position === null ? '' : ` near character ${String(position)}`;
}
