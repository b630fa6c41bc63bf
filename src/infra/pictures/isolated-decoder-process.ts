/**
 * The program of the isolated process, which only makes previews of one picture and renders one page after
 * another (see isolated-decoder.ts).
 */
import { writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setPriority } from 'node:os';

import sharp from 'sharp';

import { AppError } from '../../domain/errors.js';
import type { MediaWarning } from '../../domain/media.js';
import { asMediaError } from '../../domain/retry.js';
import { backgroundNice } from '../process/thread-priority.js';
import { createImageDecoder, allowOnlyRasterDecoders } from './decoder.js';
import type { HdrColours } from './hdr.js';
import { createHeicDecoder } from './heic.js';
import type { IsolatedAnswer, IsolatedTask, PagesAnswer, PreviewResult } from './isolated-decoder.js';
import { listPages, renderPage } from './pdf.js';
import { translated, type UntranslatedPicture } from './translations.js';

const maxPixels = Number(process.argv[2]);
/** For pictures of 48 megapixels from phones: about 400 MB and a dozen seconds. */
const decodeHeic = createHeicDecoder({ maxPixels, maxMemoryBytes: 536_870_912, timeoutMs: 25_000 });
const images = createImageDecoder({ maxPixels, maxDecodedBytes: Number(process.argv[3]) });

/** If memory runs out, Linux should end this process instead of the service. */
function preferOomKill(): void {
  try {
    writeFileSync('/proc/self/oom_score_adj', '1000');
  } catch {
    // Other systems do not have this file.
  }
}

async function answerOf({ input, hdr, pages }: IsolatedTask): Promise<IsolatedAnswer> {
  try {
    if (pages !== undefined) return await pagesOf(await bytesOf(input), pages);
    const path = typeof input === 'string' ? input : undefined;
    return await decode({ bytes: await bytesOf(input), path }, hdr);
  } catch (error) {
    const { code, message } = asMediaError(error);
    return { code, message };
  }
}

async function bytesOf(input: string | Uint8Array): Promise<Buffer> {
  return typeof input === 'string' ? readFile(input) : Buffer.from(input);
}

/** Lists the pages of a document, or draws one of them as JPEG. */
async function pagesOf(document: Buffer, wanted: 'all' | number): Promise<PagesAnswer> {
  const answer = wanted === 'all' ? await listPages(document) : await renderPage(document, wanted);
  if (!('page' in answer)) return answer;
  const { pixels, width, height, channels } = answer.page;
  const picture = sharp(pixels, { raw: { width, height, channels } });
  return { jpeg: await picture.jpeg({ quality: 80 }).toBuffer() };
}

const damagedWarning: MediaWarning = {
  code: 'media.damaged',
  message: 'a part of the file is missing or damaged; the previews show the rest',
};

async function decode(file: UntranslatedPicture, hdr: HdrColours | undefined): Promise<PreviewResult> {
  const options = { images, decodeHeic, maxPixels };
  const translation = await translated(file, options);
  const picture = translation ?? { bytes: file.bytes, damaged: false };
  if ('warning' in picture) return { pictures: undefined, warnings: [picture.warning] };
  const isStoredFile = !translation && file.path !== undefined;
  try {
    const pictures = hdr
      ? await images.toneMap(picture.bytes, hdr)
      : await images.preview(picture.bytes, { isStoredFile });
    return { pictures: { ...pictures, ...picture.size }, warnings: picture.damaged ? [damagedWarning] : [] };
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'media.undecodable') throw error;
    return { pictures: await images.rescue(picture.bytes), warnings: [damagedWarning] };
  }
}

allowOnlyRasterDecoders();
setPriority(backgroundNice);
preferOomKill();
// An orderly exit would wait for a decoder that may never finish.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
process.on('message', (task: IsolatedTask) => {
  void answerOf(task).then((answer) => process.send?.(answer));
});
