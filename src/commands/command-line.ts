/** What the commands are asked for, and how they end. */
import { ConfigError } from '../config.js';

export const exits = { usage: 64, settings: 78, failure: 1 } as const;

/** What a command says about itself. */
export interface Usage {
  /** As it is typed, with its arguments. */
  readonly usage: string;
  /** One sentence. */
  readonly does: string;
  /** Each option with its meaning. */
  readonly options?: Readonly<Record<string, string>>;
}

/**
 * Reads the command line. With `--help` the command explains itself and ends; a caller that asks for something that does not exist is told
 * so, and the process ends before anything is started.
 */
export function orExplain<T>(about: Usage, read: () => T): T {
  if (process.argv.slice(2).some((word) => word === '--help' || word === '-h')) {
    process.stdout.write(helpOf(about));
    process.exit(0);
  }
  try {
    return read();
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\nusage: ${about.usage}\n`);
    process.exit(exits.usage);
  }
}

function helpOf({ usage, does, options = {} }: Usage): string {
  const names = Object.keys(options);
  const width = Math.max(0, ...names.map(({ length }) => length));
  const lines = Object.entries(options).map(([name, meaning]) => `  ${name.padEnd(width)}  ${meaning}`);
  return [`usage: ${usage}`, '', does, ...(lines.length > 0 ? ['', ...lines] : []), ''].join('\n');
}

/** These words, all of which must be among those names. */
export function known(words: readonly string[], names: readonly string[]): readonly string[] {
  const unknown = words.filter((word) => !names.includes(word));
  if (unknown.length > 0) throw new Error(`there is no ${unknown.join(', ')}; there are ${names.join(', ')}`);
  return words;
}

/** Says why a command cannot go on, and sets the status that the process ends with. */
export function fail(error: unknown): void {
  console.error(messageOf(error));
  process.exitCode = error instanceof ConfigError ? exits.settings : exits.failure;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
