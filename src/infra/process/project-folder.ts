import { join } from 'node:path';

/**
 * The folder of `package.json`, above both `src` and `dist`. Built programs that run in another thread or process, migrations and pages are
 * found from here.
 */
export const projectFolder = join(import.meta.dirname, '../../..');
