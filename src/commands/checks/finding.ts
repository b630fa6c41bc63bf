/** The result of a check. */
export interface Finding {
  /** The service cannot start with a `problem`. */
  readonly level: 'ok' | 'warning' | 'problem';
  /** The subject of the check, in a word or two. */
  readonly subject: string;
  /** The result and, unless the level is `ok`, what to do. */
  readonly says: string;
}

const levelWidth = 9;
const subjectWidth = 14;

/** The findings as text, one per line. */
export function linesOf(findings: readonly Finding[]): string {
  return findings
    .map(({ level, subject, says }) => `${level.padEnd(levelWidth)}${subject.padEnd(subjectWidth)}${says}`)
    .join('\n');
}
