import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { projectFolder } from '../infra/process/project-folder.js';

/** The version of the service, as its package says. */
export function readVersion(): string {
  const manifest = JSON.parse(readFileSync(join(projectFolder, 'package.json'), 'utf8')) as {
    readonly version: string;
  };
  return manifest.version;
}
