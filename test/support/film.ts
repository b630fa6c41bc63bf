import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { newId } from '../../src/domain/id.js';

/** Creates a red film of one second with a tone, 320x180, in a new file of the folder; returns its path. */
export async function film(
  ffmpeg: string,
  folder: string,
  { format = 'mp4', codecs = ['-c:v', 'libx264', '-c:a', 'aac'] } = {},
): Promise<string> {
  const path = join(folder, `${newId()}.${format}`);
  await promisify(execFile)(ffmpeg, [
    '-v',
    'error',
    '-f',
    'lavfi',
    '-i',
    'color=red:size=320x180:rate=10:duration=1',
    '-f',
    'lavfi',
    '-i',
    'sine=duration=1',
    '-pix_fmt',
    'yuv420p',
    ...codecs,
    path,
  ]);
  return path;
}
