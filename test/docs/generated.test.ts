/** Documents that are generated from the code are what the code says now. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from '@jest/globals';

import { updatesDocuments } from '../support/terminal.js';
import { decisionsDocument, exampleEnvironment, routesDocument, settingsDocument } from './generate.js';

const root = join(import.meta.dirname, '../..');

test.each([
  ['docs/settings.md', settingsDocument],
  ['docs/routes.md', routesDocument],
  ['.env.example', exampleEnvironment],
  ['docs/decisions/README.md', decisionsDocument],
])('%s is what the code says', (name, generate) => {
  const path = join(root, name);
  if (updatesDocuments()) writeFileSync(path, generate());
  expect(readFileSync(path, 'utf8')).toBe(generate());
});
