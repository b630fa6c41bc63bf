/** What a check has found out. */
export interface Finding {
  /** With a problem the service cannot start; a warning is worth a look. */
  readonly level: 'ok' | 'warning' | 'problem';
  /** What was looked at, in a word or two. */
  readonly subject: string;
  /** What is so and, unless it is well, what to do. */
  readonly says: string;
}

const levelWidth = 9;
const subjectWidth = 14;

/** One line for each finding. */
export function linesOf(findings: readonly Finding[]): string {
  return findings
    .map(({ level, subject, says }) => `${level.padEnd(levelWidth)}${subject.padEnd(subjectWidth)}${says}`)
    .join('\n');
}
