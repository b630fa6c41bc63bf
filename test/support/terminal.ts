/** An interactive shell in a pseudo-terminal. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

interface Paste {
  /** The shell with its options. */
  readonly command: string;
  readonly folder: string;
  /** The environment in addition to PATH and HOME. */
  readonly env: Readonly<Record<string, string>>;
  readonly text: string;
}

/** Pastes the text into a shell in a pseudo-terminal, and returns its output until it ends. */
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

/** Whether the run updates the documents that are generated from the code. */
export function updatesDocuments(): boolean {
  return process.env['UPDATE_DOCUMENTS'] === '1';
}
