/** Documents and types that are generated from the code are what the code says now. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from '@jest/globals';

import { updatesDocuments } from '../support/terminal.js';
import { answerTypes } from './answer-types.js';
import { decisionsDocument, exampleEnvironment, routesDocument, settingsDocument } from './generate.js';

const root = join(import.meta.dirname, '../..');

test.each<[name: string, generate: () => string | Promise<string>]>([
  ['docs/settings.md', settingsDocument],
  ['docs/routes.md', routesDocument],
  ['.env.example', exampleEnvironment],
  ['docs/decisions/README.md', decisionsDocument],
  ['src/client/answers.ts', answerTypes],
])('%s is what the code says', async (name, generate) => {
  const path = join(root, name);
  const text = await generate();
  if (updatesDocuments()) writeFileSync(path, text);
  expect(readFileSync(path, 'utf8')).toBe(text);
});
