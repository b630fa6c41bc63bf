/** How the commands are called here. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { projectFolder } from './project-folder.js';

/** Commands that have an npm script of their own. */
const scripts: readonly string[] = ['restored', 'start', 'token'];

/** A command as it is typed here: by npm in a clone, as `inlet` where a package or an image was installed. */
export function commandLine(name: string): string {
  if (!existsSync(join(projectFolder, 'src'))) return `inlet ${name}`;
  if (name === 'start') return 'npm start';
  return scripts.includes(name) ? `npm run ${name} --` : `npm run inlet -- ${name}`;
}
