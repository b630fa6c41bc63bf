/** Describes problems with settings for operators, without quoting values. */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';

import type { z } from 'zod';

/** One sentence for each problem, which begins with the name of the setting. */
export function problemsOf(error: z.ZodError, nameOf: (path: string) => string): string[] {
  return error.issues.map((issue) => `${nameOf(String(issue.path[0] ?? ''))}: ${wordsOf(issue)}`);
}

type Issue = z.core.$ZodIssue;

/** The messages of the validator are for programmers. The messages of our own schemas stay. */
function wordsOf(issue: Issue): string {
  if (issue.code === 'invalid_type') return typeWords(issue);
  if (issue.code === 'invalid_value') return `must be ${choiceOf(issue.values.map(String))}`;
  if (issue.code === 'too_small' && isNumber(issue)) return `must be at least ${String(issue.minimum)}`;
  if (issue.code === 'too_big' && isNumber(issue)) return `must be at most ${String(issue.maximum)}`;
  return issue.message === 'Invalid URL'
    ? 'is not a URL that begins with https:// or http://'
    : issue.message;
}

function typeWords({ expected, message }: Extract<Issue, { code: 'invalid_type' }>): string {
  if (expected === 'int') return 'must be a whole number';
  if (expected === 'number') return 'must be a number';
  // Every value in the environment is a text.
  return expected === 'string' ? 'is required' : message;
}

const isNumber = ({ origin }: { readonly origin: string }): boolean => ['number', 'int'].includes(origin);

function choiceOf(values: readonly string[]): string {
  const last = values.at(-1) ?? '';
  return values.length < 2 ? last : `${values.slice(0, -1).join(', ')} or ${last}`;
}

/** Whether a value consists of spaces only. Such a value would otherwise become the number 0. */
export function isBlank(value: string): boolean {
  return value !== '' && value.trim() === '';
}

/** Why a path can never be a folder; undefined if it is a folder or may be created. */
export function folderProblem(name: string, folder: string): string | undefined {
  try {
    const found = statSync(resolve(folder), { throwIfNoEntry: false });
    return found === undefined || found.isDirectory() ? undefined : `${name}: is a file; name a folder`;
  } catch {
    return undefined; // The first use of the folder reports the reason.
  }
}
