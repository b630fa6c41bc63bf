/** Arguments, help texts and exit statuses of the commands. */
import { ConfigError } from '../config.js';

export const exits = { usage: 64, settings: 78, failure: 1 } as const;

/** The help text of a command. */
export interface Usage {
  /** The command line with its arguments. */
  readonly usage: string;
  /** One sentence. */
  readonly does: string;
  /** The meaning of each option. */
  readonly options?: Readonly<Record<string, string>>;
}

/**
 * Reads the command line. With `--help`, prints the help text and ends the process. With invalid arguments,
 * prints the error and ends the process before anything was started.
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

/** Returns the words. Throws unless all of them are among the names. */
export function known(words: readonly string[], names: readonly string[]): readonly string[] {
  const unknown = words.filter((word) => !names.includes(word));
  if (unknown.length > 0) throw new Error(`there is no ${unknown.join(', ')}; there are ${names.join(', ')}`);
  return words;
}

/** The signals that end a program, with their numbers. */
const endings = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

/** Exits at a signal, so that what listens to `exit` can end what this process has started. */
export function exitAtSignals(): void {
  for (const [signal, number] of Object.entries(endings))
    process.once(signal, () => process.exit(128 + number));
}

/** Prints why a command failed, and sets the exit status of the process. */
export function fail(error: unknown): void {
  console.error(messageOf(error));
  process.exitCode = error instanceof ConfigError ? exits.settings : exits.failure;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
