import { statfs } from 'node:fs/promises';

/** The free share of the disk with this folder, from 0 to 1. Some file systems do not know it, which is 1. */
export async function freeShareOf(folder: string): Promise<number> {
  const { bavail, blocks } = await statfs(folder);
  return blocks > 0 ? bavail / blocks : 1;
}
