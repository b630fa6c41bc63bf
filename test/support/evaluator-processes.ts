/** The processes that evaluate expressions, as the system shows them. */
import { readFileSync } from 'node:fs';

import { sendSignal } from '../../src/infra/process/signals.js';

/** The ids of the evaluators' processes that this process has started. */
export function evaluatorProcesses(): number[] {
  const children = readFileSync(`/proc/self/task/${String(process.pid)}/children`, 'utf8');
  return children
    .trim()
    .split(' ')
    .map(Number)
    .filter((child) => child > 0 && commandOf(child).includes('evaluator-process'));
}

/**
 * Runs `work` while each process of an evaluator is stopped some time after it was first seen, as if other
 * programs had all processors.
 */
export async function withoutProcessors<T>(
  work: () => Promise<T>,
  { afterMs }: { readonly afterMs: number },
): Promise<T> {
  const seen = new Map<number, number>();
  const stopDue = (): void => {
    for (const child of evaluatorProcesses()) {
      const since = seen.get(child) ?? performance.now();
      seen.set(child, since);
      if (performance.now() - since >= afterMs) sendSignal(child, 'SIGSTOP');
    }
  };
  stopDue();
  const timer = setInterval(stopDue, 5);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}

function commandOf(process: number): string {
  try {
    return readFileSync(`/proc/${String(process)}/cmdline`, 'utf8');
  } catch {
    return ''; // It has just ended.
  }
}
