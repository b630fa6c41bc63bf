/** The process that makes the previews of one picture after another (see isolated-decoder.ts), and of nothing else. */
import { writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setPriority } from 'node:os';

import { AppError } from '../../domain/errors.js';
import type { MediaWarning } from '../../domain/media.js';
import { asMediaError } from '../../domain/retry.js';
import { behind } from '../process/thread-priority.js';
import { createImageDecoder, shutForeignDecoders } from './decoder.js';
import type { HdrColours } from './hdr.js';
import { createHeicDecoder } from './heic.js';
import type { IsolatedAnswer, IsolatedTask, Looked } from './isolated-decoder.js';
import { translated, type UntranslatedPicture } from './translations.js';

const maxPixels = Number(process.argv[2]);
/** For pictures of 48 megapixels, as telephones take them: some 400 MB, and a dozen seconds. */
const decodeHeic = createHeicDecoder({ maxPixels, maxMemoryBytes: 536_870_912, timeoutMs: 25_000 });
const images = createImageDecoder({ maxPixels, heldBytes: Number(process.argv[3]) });

/** Where memory runs out, Linux is to end this process instead of the service. */
function volunteer(): void {
  try {
    writeFileSync('/proc/self/oom_score_adj', '1000');
  } catch {
    // There is no such thing elsewhere.
  }
}

async function answerOf({ input, hdr }: IsolatedTask): Promise<IsolatedAnswer> {
  try {
    const path = typeof input === 'string' ? input : undefined;
    const bytes = typeof input === 'string' ? await readFile(input) : Buffer.from(input);
    return await decode({ bytes, path }, hdr);
  } catch (error) {
    const { code, message } = asMediaError(error);
    return { code, message };
  }
}

const partOfIt: MediaWarning = {
  code: 'media.damaged',
  message: 'a part of it is missing or broken; the previews show the rest',
};

async function decode(file: UntranslatedPicture, hdr: HdrColours | undefined): Promise<Looked> {
  const options = { images, decodeHeic, maxPixels };
  const picture = (await translated(file, options)) ?? { bytes: file.bytes, damaged: false };
  if ('warning' in picture) return { pictures: undefined, warnings: [picture.warning] };
  try {
    const pictures = hdr ? await images.toned(picture.bytes, hdr) : await images.preview(picture.bytes);
    return { pictures: { ...pictures, ...picture.size }, warnings: picture.damaged ? [partOfIt] : [] };
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'media.undecodable') throw error;
    return { pictures: await images.rescue(picture.bytes), warnings: [partOfIt] };
  }
}

shutForeignDecoders();
setPriority(behind);
volunteer();
// An orderly end would wait for a decoder that may never end.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
process.on('message', (task: IsolatedTask) => {
  void answerOf(task).then((answer) => process.send?.(answer));
});
