/** What is wrong with a setting, in words for an operator. No value is ever quoted. */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';

import type { z } from 'zod';

/** One sentence for each issue, which begins with the name of the setting. */
export function problemsOf(error: z.ZodError, nameOf: (path: string) => string): string[] {
  return error.issues.map((issue) => `${nameOf(String(issue.path[0] ?? ''))}: ${wordsOf(issue)}`);
}

type Issue = z.core.$ZodIssue;

/** The validator's own words are for programmers; what a schema of ours says about itself stays. */
function wordsOf(issue: Issue): string {
  if (issue.code === 'invalid_type') return typeWords(issue);
  if (issue.code === 'invalid_value') return `must be ${choiceOf(issue.values.map(String))}`;
  if (issue.code === 'too_small' && isNumber(issue)) return `must be at least ${String(issue.minimum)}`;
  if (issue.code === 'too_big' && isNumber(issue)) return `must be at most ${String(issue.maximum)}`;
  return issue.message === 'Invalid URL' ? 'is not an http(s) URL' : issue.message;
}

function typeWords({ expected, message }: Extract<Issue, { code: 'invalid_type' }>): string {
  if (expected === 'int') return 'must be a whole number';
  if (expected === 'number') return 'must be a number';
  // Every setting that has a value has a text.
  return expected === 'string' ? 'is required' : message;
}

const isNumber = ({ origin }: { readonly origin: string }): boolean => ['number', 'int'].includes(origin);

function choiceOf(values: readonly string[]): string {
  const last = values.at(-1) ?? '';
  return values.length < 2 ? last : `${values.slice(0, -1).join(', ')} or ${last}`;
}

/** A value of nothing but spaces is neither a value nor the lack of one: a number of it would be 0. */
export function isBlank(value: string): boolean {
  return value !== '' && value.trim() === '';
}

/** Why the folder that a setting names can never be one; undefined if it is a folder, or can be made. */
export function folderProblem(name: string, folder: string): string | undefined {
  try {
    const found = statSync(resolve(folder), { throwIfNoEntry: false });
    return found === undefined || found.isDirectory() ? undefined : `${name}: is a file; name a folder`;
  } catch {
    return undefined; // The attempt to use it says why it cannot be used.
  }
}
