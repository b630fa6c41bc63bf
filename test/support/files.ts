/** The collection of files in test/fixtures/files, and the expected result for each. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { MediaKind } from '../../src/domain/provider.js';

export interface ExpectedFile {
  readonly file: string;
  /** What the file is, in words. */
  readonly what: string;
  /** The kind that its webhook declares. */
  readonly kind: MediaKind;
  readonly state: string;
  /** The result for a file that is kept. */
  readonly type?: string;
  readonly width?: number | null;
  readonly height?: number | null;
  readonly previews?: boolean;
  readonly warnings?: readonly string[];
  /** The result for a file that is refused. */
  readonly error?: string;
  /** A system program that its previews require. */
  readonly needs?: string;
}

export const filesFolder = join(import.meta.dirname, '../fixtures/files');

export const expectedFiles = JSON.parse(
  readFileSync(join(filesFolder, 'expected.json'), 'utf8'),
) as readonly ExpectedFile[];
