/**
 * Passes tasks to one process that evaluates them, and ends the process if it takes too long for one of them.
 * The next task then gets a new process.
 */
import type { ChildProcess } from 'node:child_process';

import { cpuMsOf, isStarved } from '../process/cpu-time.js';
import type { EvaluatorMessage, EvaluatorTask } from './evaluator-process.js';
import { createFairQueue, type FairQueue } from './fair-queue.js';

export interface LaneTask extends Omit<EvaluatorTask, 'id'> {
  /** Called when its turn has come. Returns false if nobody waits for the answer any more. */
  readonly begin: () => boolean;
  /** Receives the JSON of the answer, and the processor time that it took. */
  readonly answered: (answer: string, cpuMs: number) => void;
  /** Called instead if there is no answer. */
  readonly failed: (failure: LaneFailure) => void;
}

/**
 * `late`: the task took too long. `starved`: so it seems, but other processes had the processors for most of
 * its time. `crashed`: the process has ended by itself, which happens when memory runs
 * out. `killed`: somebody else has ended it, again and again. `no process`: none can be started. `turned
 * away`: see {@link Lane.turnAway}.
 */
export type LaneFailure = 'late' | 'starved' | 'crashed' | 'killed' | 'no process' | 'turned away';

export interface Lane {
  readonly add: (task: LaneTask) => void;
  /** Lets all tasks of an owner fail that have no answer yet. */
  readonly turnAway: (owner: string) => void;
  /** Starts the process, so that the first task does not wait for it. */
  readonly start: () => void;
  readonly close: () => void;
}

export interface LaneOptions {
  readonly startProcess: () => ChildProcess;
  /** The time for one task, beside the time to read its input. */
  readonly limitMs: number;
  /** How many tasks the process holds at once, so that it has the next one while an answer is on its way. */
  readonly window: number;
  /** How long the process waits for a task before it is ended; by default for ever. */
  readonly idleMs?: number;
}

/** After as many kills of the process, its first task is to blame for them. */
const maxKills = 3;
/** How fast an input is passed on and read, even on a busy machine. */
const charactersPerMs = 50_000;
/**
 * Signals with which somebody else ends the process: an operator, or a system without memory. What ends by
 * itself because of its own limits has other ones.
 */
const signalsOfOthers: ReadonlySet<NodeJS.Signals | null> = new Set<NodeJS.Signals>([
  'SIGKILL',
  'SIGTERM',
  'SIGINT',
  'SIGHUP',
  'SIGQUIT',
]);

/** A new process starts within 50 ms, and within seconds on a very busy machine. */
const startLimitMs = 10_000;

interface Running {
  readonly child: ChildProcess;
  /** The tasks of the process, in their order. The clock runs for the first one. */
  readonly tasks: Sent[];
  isReady: boolean;
  /** The processor time of the process at its last message. */
  cpuMs: number;
  timer: NodeJS.Timeout | undefined;
}

interface Sent {
  readonly id: number;
  readonly task: LaneTask;
}

interface LaneState extends LaneOptions {
  readonly queue: FairQueue<LaneTask>;
  /** How often the process was killed during a task, for the tasks that have begun. */
  readonly kills: WeakMap<LaneTask, number>;
  running: Running | undefined;
  lastId: number;
}

export function createLane(options: LaneOptions): Lane {
  const lane: LaneState = {
    ...options,
    queue: createFairQueue(),
    kills: new WeakMap(),
    running: undefined,
    lastId: 0,
  };
  return {
    add: (task) => {
      lane.queue.add(task);
      fill(lane);
    },
    turnAway: (owner) => {
      turnAway(lane, owner);
    },
    start: () => {
      lane.running ??= startRunning(lane);
    },
    close: () => {
      const { running } = lane;
      lane.running = undefined;
      clearTimeout(running?.timer);
      running?.child.kill('SIGKILL');
    },
  };
}

/** Gives the process as many tasks as it may hold. */
function fill(lane: LaneState): void {
  for (let task = nextTask(lane); task; task = nextTask(lane)) {
    lane.running ??= startRunning(lane);
    const { child, tasks, isReady } = lane.running;
    const { owner, expression, input, byPlace } = task;
    lane.lastId += 1;
    const message: EvaluatorTask = { id: lane.lastId, owner, expression, input, byPlace };
    tasks.push({ id: message.id, task });
    // Sending to a process that has just ended fails; its exit follows.
    child.send(message, () => undefined);
    if (isReady && tasks.length === 1) watch(lane, lane.running);
  }
}

function nextTask({ queue, running, window, kills }: LaneState): LaneTask | undefined {
  if ((running?.tasks.length ?? 0) >= window) return undefined;
  let task = queue.next();
  // A task that was put back has begun already.
  while (task && !kills.has(task) && !task.begin()) task = queue.next();
  if (task && !kills.has(task)) kills.set(task, 0);
  return task;
}

function startRunning(lane: LaneState): Running {
  const child = lane.startProcess();
  const running: Running = { child, tasks: [], isReady: false, cpuMs: 0, timer: undefined };
  child.on('message', (message: EvaluatorMessage) => {
    receive(lane, running, message);
  });
  child.once('exit', (_code, signal) => {
    const ownFailure = running.isReady ? 'crashed' : 'no process';
    end(lane, running, signalsOfOthers.has(signal) ? 'killed' : ownFailure);
  });
  child.once('error', () => {
    end(lane, running, 'no process');
  });
  watch(lane, running);
  return running;
}

function receive(lane: LaneState, running: Running, message: EvaluatorMessage): void {
  if (lane.running !== running) return;
  const cpuMs = message.cpuMs - running.cpuMs;
  running.cpuMs = message.cpuMs;
  if (message.type === 'ready') running.isReady = true;
  else if (running.tasks[0]?.id === message.id) running.tasks.shift()?.task.answered(message.answer, cpuMs);
  fill(lane);
  watch(lane, running);
}

/** Starts the clock for the first task, for the start of the process, or for its rest. */
function watch(lane: LaneState, running: Running): void {
  clearTimeout(running.timer);
  running.timer = undefined;
  const [first] = running.tasks;
  if (!running.isReady)
    after(startLimitMs, running, () => {
      giveUp(lane, running, 'no process');
    });
  else if (first)
    after(lane.limitMs + first.task.input.length / charactersPerMs, running, () => {
      giveUp(lane, running, isStarved(cpuMsSinceMessage(running), lane.limitMs) ? 'starved' : 'late');
    });
  else if (lane.idleMs !== undefined)
    after(lane.idleMs, running, () => {
      giveUp(lane, running, 'late');
    });
}

/** Undefined where the system does not tell. */
function cpuMsSinceMessage({ child, cpuMs }: Running): number | undefined {
  const now = child.pid === undefined ? undefined : cpuMsOf(child.pid);
  return now === undefined ? undefined : now - cpuMs;
}

/**
 * The answer may have arrived while this thread was busy, so it is read before anybody gives up: messages
 * come before `setImmediate`.
 */
function after(ms: number, running: Running, action: () => void): void {
  const timer = setTimeout(() => {
    setImmediate(() => {
      if (running.timer === timer) action();
    });
  }, ms);
  running.timer = timer.unref();
}

function giveUp(lane: LaneState, running: Running, failure: LaneFailure): void {
  running.child.kill('SIGKILL');
  end(lane, running, failure);
}

/** The first task is to blame for the end of the process; the others get a new one. */
function end(lane: LaneState, running: Running, failure: LaneFailure): void {
  if (lane.running !== running) return;
  const [first, ...others] = takeTasks(lane, running);
  lane.queue.putBack(others);
  if (failure === 'no process') failAll(lane, first);
  else if (first) endTask(lane, first, failure);
  fill(lane);
}

function endTask({ kills, queue }: LaneState, task: LaneTask, failure: LaneFailure): void {
  const number = (kills.get(task) ?? 0) + 1;
  if (failure !== 'killed' || number >= maxKills) {
    task.failed(failure);
    return;
  }
  kills.set(task, number);
  queue.putBack([task]);
}

/** Forgets the process, and returns the tasks that it has not answered. */
function takeTasks(lane: LaneState, running: Running): LaneTask[] {
  lane.running = undefined;
  clearTimeout(running.timer);
  return running.tasks.map(({ task }) => task);
}

/** Without a process, waiting tasks would wait for ever. The next task tries to start one again. */
function failAll({ queue }: LaneState, first: LaneTask | undefined): void {
  for (let task = first ?? queue.next(); task; task = queue.next()) task.failed('no process');
}

function turnAway(lane: LaneState, owner: string): void {
  const { running, queue } = lane;
  // What the process holds already can only be taken from it by ending it.
  if (running?.tasks.some(({ task }) => task.owner === owner)) {
    running.child.kill('SIGKILL');
    queue.putBack(takeTasks(lane, running));
  }
  for (const task of queue.removeAll(owner)) task.failed('turned away');
  fill(lane);
}
