/** The collection of files in test/fixtures/files, and what becomes of each. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { MediaKind } from '../../src/domain/provider.js';

export interface ExpectedFile {
  readonly file: string;
  /** What it is, in words. */
  readonly what: string;
  /** As what it is announced. */
  readonly kind: MediaKind;
  readonly state: string;
  /** Of files that are kept. */
  readonly type?: string;
  readonly width?: number | null;
  readonly height?: number | null;
  readonly previews?: boolean;
  readonly warnings?: readonly string[];
  /** Of files that are not. */
  readonly error?: string;
  /** A program of the system without which it has no previews. */
  readonly needs?: string;
}

export const filesFolder = join(import.meta.dirname, '../fixtures/files');

export const expectedFiles = JSON.parse(
  readFileSync(join(filesFolder, 'expected.json'), 'utf8'),
) as readonly ExpectedFile[];
