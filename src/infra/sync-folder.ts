import { open } from 'node:fs/promises';

/** When it resolves, the names in this folder are as they are now, also after a crash. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
