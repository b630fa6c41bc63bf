/**
 * The program of the process that evaluates expressions, one after another in the order in which they arrive
 * (see evaluator.ts). It has no environment, no files but its own, and a limit of memory.
 */
import { setPriority } from 'node:os';

import { backgroundNice } from '../process/thread-priority.js';
import { createSandboxes, type Answer, type Sandbox } from './sandbox.js';

/** What the process receives. */
export interface EvaluatorTask {
  readonly id: number;
  /** Owners never share a context. Each of them has one expression. */
  readonly owner: string;
  readonly expression: string;
  readonly input: string;
  readonly byPlace: string | undefined;
}

/** What the process sends, once it has started and for each task. */
export type EvaluatorMessage =
  | { readonly type: 'ready'; readonly cpuMs: number }
  /**
   * `answer` is the JSON of an {@link Answer}, `cpuMs` the processor time that the process has had since its
   * start.
   */
  | { readonly type: 'answer'; readonly id: number; readonly answer: string; readonly cpuMs: number };

const [, , jsonataFile = '', timeoutMs = '', priority] = process.argv;
const createSandbox = createSandboxes(jsonataFile, {
  timeoutMs: Number(timeoutMs),
  depth: 500,
  items: 100_000,
});
/** The service reads the answer in its main thread, so that larger results would hold up other requests. */
const maxCharacters = 8_000_000;
const tooLarge: Answer = { problem: { code: null, position: null, message: 'the result is too large' } };
/** A context takes 0.6 MB and 2 ms. */
const maxSandboxes = 32;

const sandboxes = new Map<string, Sandbox>();

function sandboxOf({ owner, expression }: EvaluatorTask): Sandbox {
  const sandbox = sandboxes.get(owner) ?? createSandbox(expression);
  // The most recently used one moves to the end.
  sandboxes.delete(owner);
  sandboxes.set(owner, sandbox);
  for (const oldest of sandboxes.keys()) {
    if (sandboxes.size <= maxSandboxes) break;
    sandboxes.delete(oldest);
  }
  return sandbox;
}

/**
 * JSONata only waits for promises that are settled at once. An object with a function as its member `then`, such
 * as a regular expression, looks like a promise that nobody settles.
 */
const endless: Answer = {
  problem: { code: null, position: null, message: 'it waits for something that never comes' },
};

/** Behind everything that an evaluation does. */
function nextTurn(): Promise<string> {
  return new Promise((resolve) => {
    setImmediate(() => {
      resolve(JSON.stringify(endless));
    });
  });
}

async function answerOf(task: EvaluatorTask): Promise<string> {
  const answer = await Promise.race([sandboxOf(task).run(task.input, task.byPlace), nextTurn()]);
  return answer.length <= maxCharacters ? answer : JSON.stringify(tooLarge);
}

let last: Promise<unknown> = Promise.resolve();

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

const send = (message: EvaluatorMessage): void => {
  process.send?.(message);
};

if (priority === 'background') setPriority(backgroundNice);
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
process.on('message', (task: EvaluatorTask) => {
  last = last.then(async () => {
    const answer = await answerOf(task);
    send({ type: 'answer', id: task.id, answer, cpuMs: cpuMs() });
  });
});
send({ type: 'ready', cpuMs: cpuMs() });
