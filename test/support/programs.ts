import { describe } from '@jest/globals';

import { findProgram } from '../../src/infra/pictures/video-frames.js';

const isRequired = process.env['CI'] !== undefined || process.env['INLET_PROGRAMS_REQUIRED'] === '1';

/** The path of a system program, from the PATH or the folder that Debian uses for administration. */
export function systemProgram(name: string): string | undefined {
  return findProgram(name, `${process.env['PATH'] ?? ''}:/usr/sbin`);
}

/**
 * Tests that need a system program. Without it they are skipped with a message, or fail if the environment
 * requires it.
 */
export function describeWith(program: string, name: string, tests: (path: string) => void): void {
  const path = systemProgram(program);
  if (path === undefined && isRequired)
    throw new Error(`there is no ${program}, and INLET_PROGRAMS_REQUIRED or CI is set`);
  if (path === undefined) process.stdout.write(`SKIPPED, ${program} is not installed: ${name}\n`);
  (path === undefined ? describe.skip : describe)(name, () => {
    tests(path ?? '');
  });
}
