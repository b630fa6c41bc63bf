import { describe } from '@jest/globals';

import { findProgram } from '../../src/infra/pictures/video-frames.js';

const isRequired = process.env['CI'] !== undefined || process.env['INLET_PROGRAMS_REQUIRED'] === '1';

/** Where a program of the system is, on the PATH or where Debian puts those of the administrator. */
export function systemProgram(name: string): string | undefined {
  return findProgram(name, `${process.env['PATH'] ?? ''}:/usr/sbin`);
}

/** Tests that need a program of the system: skipped, and said so, where it is missing; failed where it must be there. */
export function describeWith(program: string, name: string, tests: (path: string) => void): void {
  const path = systemProgram(program);
  if (path === undefined && isRequired)
    throw new Error(`there is no ${program}, and INLET_PROGRAMS_REQUIRED or CI is set`);
  if (path === undefined) process.stdout.write(`SKIPPED, ${program} is not installed: ${name}\n`);
  (path === undefined ? describe.skip : describe)(name, () => {
    tests(path ?? '');
  });
}
