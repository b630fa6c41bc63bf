/**
 * The examples, pasted into an interactive shell: history expansion, prompts and here-documents are those of
 * a terminal.
 */
import { mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { describeWith, systemProgram } from '../support/programs.js';
import { paste } from '../support/terminal.js';
import { startExampleService, type ExampleService } from './example-service.js';
import { blocksOf, readDocument, root } from './markdown.js';

/** Without the files that the user keeps for interactive shells. */
const commands = { bash: 'bash --noprofile --norc -i', zsh: 'zsh -f -i' } as const;
const shells = (['bash', 'zsh'] as const).filter((name) => systemProgram(name) !== undefined);
if (!shells.includes('zsh')) process.stdout.write('SKIPPED, zsh is not installed: pasted examples in zsh\n');

const pasted = [
  { document: 'README.md', given: ['BASE', 'PICTURE'], file: 'preview.jpg' },
  {
    document: 'docs/api.md',
    given: ['BASE', 'PICTURE', 'SECRET', 'STANDIN', 'TOKEN'],
    file: 'openapi.json',
  },
];

let example: ExampleService;

beforeAll(async () => {
  example = await startExampleService();
});

afterAll(async () => {
  await example.stop();
});

describeWith('script', 'examples that are pasted into a terminal', () => {
  describeWith('curl', 'with curl', () => {
    test.each(shells.flatMap((shell) => pasted.map((what) => ({ shell, ...what }))))(
      '$document works in an interactive $shell',
      async ({ shell, document, given, file }) => {
        const folder = await projectCopy();
        // The words are joined by the shell, so that the echo of the line itself is not taken for its effect.
        const text = `${shellOf(document, given)}\necho 'the examples'" have ended"`;
        const env = { ...example.environment, INLET_DIR: join(folder, '.inlet') };
        const output = await paste({ command: commands[shell], folder, env, text });
        expect(output).not.toMatch(
          /event not found|command not found|syntax error|parse error|no matches found/,
        );
        expect(output).not.toContain('urn:inlet:problem');
        expect(output).toContain('the examples have ended');
        const content = await readFile(join(folder, file), 'latin1');
        expect(content.length).toBeGreaterThan(100);
        expect(content.slice(0, 100)).not.toContain('urn:inlet:problem');
        await rm(folder, { recursive: true });
      },
      // Each of the hundred commands starts a program.
      360_000,
    );
  });
});

/** The shell blocks of a document, with the values that depend on the surroundings. */
function shellOf(document: string, given: readonly string[]): string {
  const shell = blocksOf(readDocument(document))
    .filter(({ language, text }) => language === 'sh' && !/^npm /m.test(text))
    .map(({ text }) => text)
    .join('');
  return given.reduce(
    (text, name) =>
      text.replace(new RegExp(`^${name}=.*$`, 'm'), `${name}='${example.variables[name] ?? ''}'`),
    shell,
  );
}

/** A folder that looks like the project, so that what the examples write stays out of it. */
async function projectCopy(): Promise<string> {
  const copy = await mkdtemp(join(tmpdir(), 'inlet-test-pasted-'));
  for (const name of await readdir(root))
    if (!/^(\.git|\.env|\.inlet|uploads)$/.test(name)) await symlink(join(root, name), join(copy, name));
  return copy;
}
