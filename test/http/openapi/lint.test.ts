/** The document as a linter sees it, by the rules that its makers recommend. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, it } from '@jest/globals';

import { openApiDocument } from '../../../src/http/openapi/document.js';
import { providers } from '../../../src/providers/index.js';

interface Fault {
  readonly ruleId: string;
  readonly message: string;
  readonly location: readonly { readonly pointer?: string }[];
}

const require = createRequire(import.meta.url);
const linter = require.resolve('@redocly/cli/bin/cli.js');

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'openapi-'));
});
afterAll(() => rm(folder, { recursive: true }));

/**
 * The linter ends with a status of its own when it finds something; its words are on its standard output all
 * the same.
 */
function lint(file: string): Promise<readonly Fault[]> {
  // It asks nobody for anything, and writes nowhere else.
  const env = {
    HOME: folder,
    TMPDIR: folder,
    REDOCLY_TELEMETRY: 'off',
    REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true',
  };
  const args = [linter, 'lint', '--extends=recommended', '--format=json', file];
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, { cwd: folder, env, maxBuffer: 50_000_000 }, (error, stdout) => {
      if (stdout === '') reject(error ?? new Error('the linter said nothing'));
      else resolve((JSON.parse(stdout) as { readonly problems: readonly Fault[] }).problems);
    });
  });
}

it('finds no fault in the document, but that a health check blames nobody and sign-in only leads elsewhere', async () => {
  const file = join(folder, 'openapi.json');
  await writeFile(file, JSON.stringify(openApiDocument('https://inlet.example.org', providers)));
  const faults = (await lint(file)).map(({ ruleId, location }) => `${ruleId} ${location[0]?.pointer ?? ''}`);
  expect(faults).toEqual([
    'operation-2xx-response #/paths/~1v1~1sign-in~1oidc/get/responses',
    'operation-2xx-response #/paths/~1v1~1sign-in~1oidc~1callback/get/responses',
    'operation-4xx-response #/paths/~1health~1live/get/responses',
    'operation-4xx-response #/paths/~1health~1ready/get/responses',
  ]);
});
