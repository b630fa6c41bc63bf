/** An interactive shell in a pseudo-terminal. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

interface Paste {
  /** The shell with its options. */
  readonly command: string;
  readonly folder: string;
  /** Beside PATH and HOME. */
  readonly env: Readonly<Record<string, string>>;
  readonly text: string;
}

/** Gives the text to a shell in a pseudo-terminal, as a paste does, and returns everything that it writes until it ends. */
export async function paste({ command, folder, env, text }: Paste): Promise<string> {
  const { HOME, PATH } = process.env;
  const terminal = spawn('script', ['-qec', command, '/dev/null'], {
    cwd: folder,
    env: { HOME, PATH, TERM: 'dumb', ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let output = '';
  terminal.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk;
  });
  terminal.stdin.write(`${text}\nexit\n`);
  await once(terminal, 'close');
  return output;
}

/** Whether documents that are generated from the code are to be written anew. */
export function updatesDocuments(): boolean {
  return process.env['UPDATE_DOCUMENTS'] === '1';
}
