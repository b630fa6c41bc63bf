/** Describes problems with settings for operators, without quoting values. */
import { statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

import type { z } from 'zod';

import { wordsOf } from '../domain/issue-words.js';

/** One sentence for each problem, which begins with the name of the setting. */
export function problemsOf(error: z.ZodError, nameOf: (path: string) => string): string[] {
  return error.issues.map((issue) => `${nameOf(String(issue.path[0] ?? ''))}: ${wordsOf(issue)}`);
}

/** Whether a value consists of spaces only. Such a value would otherwise become the number 0. */
export function isBlank(value: string): boolean {
  return value !== '' && value.trim() === '';
}

/** The path, or the nearest folder above it that exists. */
function existingPart(path: string): string {
  const parent = dirname(path);
  return parent === path || statSync(path, { throwIfNoEntry: false }) ? path : existingPart(parent);
}

/** Why a path can never be a folder; undefined if it is a folder or may be created. */
export function folderProblem(name: string, folder: string): string | undefined {
  const wanted = resolve(folder);
  try {
    const existing = existingPart(wanted);
    if (statSync(existing).isDirectory()) return undefined;
    return `${name}: is ${existing === wanted ? '' : 'inside '}a file; name a folder`;
  } catch {
    return undefined; // The first use of the folder reports the reason.
  }
}
