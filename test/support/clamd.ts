/** A real clamd on a free loopback port, with two signatures made for the tests. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { freePort } from '../../src/infra/net/free-port.js';
import { until } from './until.js';

/** The text that the first signature finds anywhere in a file. */
export const maliciousText = 'inlet-test-pattern-of-no-other-use-0815';
/** EICAR's test file, assembled at run time so that no scanner reports this source file. */
export const eicar = ['X5O!P%@AP[4\\PZX54(P^)7CC)7}$', 'EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*'].join('');

const hex = (text: string): string => Buffer.from(text).toString('hex');

export interface Clamd {
  /** Its address in the form of `CLAMD_HOST`. */
  readonly address: string;
  readonly stop: () => Promise<void>;
}

export async function startClamd(
  program: string,
  { port = 0, streamMaxLength = '25M' } = {},
): Promise<Clamd> {
  const folder = await mkdtemp(join(tmpdir(), 'inlet-clamd-'));
  const chosen = port === 0 ? await freePort() : port;
  await writeFile(
    join(folder, 'own.ndb'),
    `Inlet.Test.Pattern:0:*:${hex(maliciousText)}\nInlet.Test.Eicar:0:0:${hex(eicar)}\n`,
  );
  await writeFile(
    join(folder, 'clamd.conf'),
    [
      'Foreground yes',
      `TCPSocket ${String(chosen)}`,
      'TCPAddr 127.0.0.1',
      `DatabaseDirectory ${folder}`,
      `StreamMaxLength ${streamMaxLength}`,
      `TemporaryDirectory ${folder}`,
      '',
    ].join('\n'),
  );
  const child = spawn(program, ['--config-file', join(folder, 'clamd.conf')], { stdio: 'ignore' });
  const ended = new Promise<void>((resolve) =>
    child.once('close', () => {
      resolve();
    }),
  );
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await until(() => answers(chosen), 75_000);
  } catch (error) {
    await stop();
    throw error;
  }
  return { address: `127.0.0.1:${String(chosen)}`, stop };
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.on('error', () => undefined); // The socket closes then, as it does without an answer.
    socket.once('close', () => {
      resolve(false);
    });
    socket.once('data', (data) => {
      resolve(data.toString() === 'PONG\0');
      socket.destroy();
    });
    socket.write('zPING\0');
  });
}
