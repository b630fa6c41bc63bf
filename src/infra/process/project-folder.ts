import { join } from 'node:path';

/**
 * The folder of `package.json`, above both `src` and `dist`. It is the base for finding migrations, pages and
 * the programs that run in other threads or processes.
 */
export const projectFolder = join(import.meta.dirname, '../../..');
