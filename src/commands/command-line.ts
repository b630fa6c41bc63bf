/** What the commands are asked for, and how they are called. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const exitUsage = 64;

/** Reads the command line. Who asks for what there is not is told what there is, and the process ends before anything is begun. */
export function orExplain<T>(usage: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\nusage: ${usage}\n`);
    process.exit(exitUsage);
  }
}

/** These words, all of which must be among those names. */
export function known(words: readonly string[], names: readonly string[]): readonly string[] {
  const unknown = words.filter((word) => !names.includes(word));
  if (unknown.length > 0) throw new Error(`there is no ${unknown.join(', ')}; there are ${names.join(', ')}`);
  return words;
}

/** How this command is run here: by npm in a clone, by `inlet` where a package was installed. */
export function commandLine(name: string): string {
  return existsSync(join(import.meta.dirname, '../../src')) ? `npm run ${name} --` : `inlet ${name}`;
}
