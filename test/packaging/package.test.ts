/** The package holds what run time needs, and nothing else. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { beforeAll, expect, test } from '@jest/globals';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');

let files: string[];
beforeAll(async () => {
  const { stdout } = await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: root });
  files = packed(JSON.parse(stdout)).files.map(({ path }) => path);
});

interface Packed {
  readonly files: readonly { readonly path: string }[];
}

/** npm 11 answers with a list, npm 12 with an object by name. */
function packed(answer: unknown): Packed {
  const [first] = Object.values(answer as Record<string, Packed>);
  if (!first) throw new Error('npm pack lists nothing');
  return first;
}

test('contains the command, the launcher, their programs and the files that these read', () => {
  const { bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    bin: Record<string, string>;
  };
  const programs = [...readFileSync(join(root, 'bin/inlet.mjs'), 'utf8').matchAll(/file: '([^']+)'/g)];
  expect(files).toEqual(
    expect.arrayContaining([
      ...Object.values(bin),
      ...programs.map(([, file = '']) => `dist/${file}`),
      'run.mjs',
      'package.json',
      'LICENSE',
      'README.md',
      '.env.example',
      'dist/gallery/index.html',
    ]),
  );
  expect(
    files.filter((file) => /^prisma\/migrations\/.+\/migration\.sql$/.test(file)).length,
  ).toBeGreaterThan(0);
});

test('contains every imported file', () => {
  const modules = files.filter(
    (file) => /^(dist|bin)\/.*\.m?js$/.test(file) && !file.startsWith('dist/gallery/'),
  );
  expect(modules.length).toBeGreaterThan(100);
  const missing = modules.flatMap((file) =>
    [...readFileSync(join(root, file), 'utf8').matchAll(/(?:from|import|import\()\s*'(\.[^']+)'/g)]
      .map(([, path = '']) => join(file, '..', path))
      .filter((path) => !files.includes(path)),
  );
  expect(missing).toEqual([]);
});

test('imports only packages that are installed with it', () => {
  const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  const named = new Set(
    files
      .filter((file) => /^(dist|bin)\/.*\.m?js$/.test(file) && !file.startsWith('dist/gallery/'))
      .flatMap((file) =>
        [
          ...readFileSync(join(root, file), 'utf8').matchAll(
            /^(?:import|export)[^;]*? from '([^.'][^']*)'/gm,
          ),
        ].map(([, name = '']) =>
          name.startsWith('@') ? name.split('/').slice(0, 2).join('/') : (name.split('/')[0] ?? ''),
        ),
      )
      .filter((name) => !name.startsWith('node:')),
  );
  expect([...named].filter((name) => !(name in dependencies))).toEqual([]);
  expect(named.size).toBeGreaterThan(10);
});

test('contains nothing that only development needs', () => {
  const wanted =
    /^(bin\/|dist\/|prisma\/migrations\/|(run\.mjs|package\.json|LICENSE|README\.md|\.env\.example)$)/;
  expect(files.filter((file) => !wanted.test(file))).toEqual([]);
  expect(files.filter((file) => /^dist\/(bench|demo|prove)\/|\.map$|\.stamp$/.test(file))).toEqual([]);
  expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([]);
});
