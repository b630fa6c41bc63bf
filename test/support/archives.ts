/** Reads ZIP archives with the programs that people use. */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { systemProgram } from './programs.js';

const run = promisify(execFile);

/** Programs that check a whole archive. They end with another status than 0 if anything in it is wrong. */
const checkers = [
  { name: 'unzip', args: (file: string) => ['-tqq', file] },
  { name: '7z', args: (file: string) => ['t', '-bd', file] },
  { name: 'python3', args: (file: string) => ['-m', 'zipfile', '-t', file] },
];

const environment = { PATH: process.env['PATH'] ?? '', LC_ALL: 'C.UTF-8', PYTHONUTF8: '1' };

/** Rejects if one of the installed programs finds a fault. Resolves to their names. */
export async function checkArchive(file: string): Promise<string[]> {
  const installed = checkers.filter(({ name }) => systemProgram(name) !== undefined);
  for (const { name, args } of installed) await run(name, args(file), { env: environment });
  return installed.map(({ name }) => name);
}

export interface Unpacked {
  /** The files by their paths. */
  readonly files: ReadonlyMap<string, Buffer>;
}

/** Checks the archive with every installed program, and unpacks it with `unzip`. */
export async function unpack(archive: Buffer): Promise<Unpacked> {
  const folder = await mkdtemp(join(tmpdir(), 'inlet-archive-'));
  try {
    const path = join(folder, 'archive.zip');
    await writeFile(path, archive);
    await checkArchive(path);
    await run('unzip', ['-qq', path, '-d', join(folder, 'out')], { env: environment });
    const entries = await readdir(join(folder, 'out'), { recursive: true, withFileTypes: true });
    const files = entries
      .filter((entry) => entry.isFile())
      .map(async ({ parentPath, name }): Promise<[string, Buffer]> => {
        const file = join(parentPath, name);
        return [file.slice(join(folder, 'out').length + 1), await readFile(file)];
      });
    return { files: new Map(await Promise.all(files)) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
