import { spawn } from 'node:child_process';
import { once } from 'node:events';

import { expect, test } from '@jest/globals';

import { isRunning, sendSignal, sendSignalToGroup } from '../../../src/infra/process/signals.js';

/** Ignored unless somebody has asked for it, so a group that gets it by mistake survives the test. */
const harmless = 'SIGURG';

test.each([undefined, 0, 1, -1, -200, Number.NaN, 2.5, 2 ** 60])(
  '%p is no process: it could stand for many',
  (pid) => {
    const refused = 'is not the number of a process that may be sent a signal';
    expect(() => sendSignal(pid, harmless)).toThrow(refused);
    expect(() => sendSignalToGroup(pid, harmless)).toThrow(refused);
    expect(() => isRunning(pid)).toThrow(refused);
  },
);

test('a signal reaches a process; afterwards there is none, which is no error', async () => {
  const child = spawn('sleep', ['100']);
  await once(child, 'spawn');
  expect(isRunning(child.pid)).toBe(true);
  expect(sendSignal(child.pid, 'SIGKILL')).toBe(true);
  expect(await once(child, 'exit')).toEqual([null, 'SIGKILL']);
  expect(isRunning(child.pid)).toBe(false);
  expect(sendSignal(child.pid, 'SIGKILL')).toBe(false);
});

test('a signal reaches every process of a group', async () => {
  const leader = spawn('sh', ['-c', 'sleep 100 & echo $!; wait'], { detached: true });
  const [line] = (await once(leader.stdout, 'data')) as [Buffer];
  expect(sendSignalToGroup(leader.pid, 'SIGKILL')).toBe(true);
  // The pipe ends with the last process that holds it.
  await once(leader, 'close');
  expect(Number(line)).toBeGreaterThan(1);
});
