/** Formats that libvips cannot read, as others that it can. */
import { AppError } from '../../domain/errors.js';
import { isHeic, type MediaWarning } from '../../domain/media.js';
import { sniffType } from '../file-types/detect.js';
import { heifType } from '../file-types/heif-brands.js';
import { isIco } from '../file-types/ico.js';
import { headBytes } from '../files/staging.js';
import { decodeBmp, isBmp } from './bmp.js';
import { isCgbi, plainPng } from './cgbi.js';
import type { ImageDecoder } from './decoder.js';
import type { HeicDecoder } from './heic.js';
import { picturesIn } from './ico.js';
import { renderFirstPage } from './pdf.js';
import { asTiff } from './tiff.js';

/** Or why there is none. */
export type TranslatedPicture =
  | {
      readonly bytes: Buffer;
      /** Whether pixels were missing. */
      readonly damaged: boolean;
      /** Where it is not that of what was made. */
      readonly size?: { readonly width: number; readonly height: number };
    }
  | { readonly warning: MediaWarning };

export interface TranslationOptions {
  readonly images: Pick<ImageDecoder, 'pixels'>;
  readonly decodeHeic: HeicDecoder;
  readonly maxPixels: number;
}

export interface UntranslatedPicture {
  readonly bytes: Buffer;
  /** Undefined for a picture that is in memory only. */
  readonly path: string | undefined;
}

/** What is made has up to four bytes for each pixel, more than once. */
const mostPixels = 50_000_000;

/** The same picture in another format; undefined for what needs none. Rejects with `media.undecodable` or `media.too_many_pixels`. */
export async function translated(
  picture: UntranslatedPicture,
  options: TranslationOptions,
): Promise<TranslatedPicture | undefined> {
  try {
    return await translate(picture, options);
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    // Such as bytes that are not there, and compressed ones that are none.
    throw undecodable(cause);
  }
}

async function translate(
  { bytes, path }: UntranslatedPicture,
  { images, decodeHeic, maxPixels }: TranslationOptions,
): Promise<TranslatedPicture | undefined> {
  if ((await sniffType(bytes.subarray(0, headBytes))) === 'application/pdf') return fromPdf(bytes);
  if (path !== undefined && isHeicFile(bytes)) return fromHeic(path, decodeHeic);
  const most = Math.min(maxPixels, mostPixels);
  if (isBmp(bytes)) return fromBmp(bytes, most);
  if (isIco(bytes)) return fromIco(bytes, { images, most });
  if (isCgbi(bytes)) return fromCgbi(bytes, { images, most });
  if (isOddAvif(bytes)) return { bytes: asSinglePicture(bytes), damaged: false };
  return undefined;
}

/** How pixels are decoded that need no translation, and how many there may be. */
interface TranslationBounds extends Pick<TranslationOptions, 'images'> {
  readonly most: number;
}

function fromBmp(bytes: Buffer, most: number): TranslatedBytes {
  const { tiff, damaged } = decodeBmp(bytes, most);
  return { bytes: Buffer.from(tiff.buffer), damaged };
}

type TranslatedBytes = Extract<TranslatedPicture, { readonly bytes: Buffer }>;

/** The first of its pictures that is whole, or the first that can be seen: some tools leave entries behind that point nowhere. */
async function fromIco(bytes: Buffer, within: TranslationBounds): Promise<TranslatedPicture> {
  let damaged: TranslatedBytes | undefined;
  for (const picture of picturesIn(bytes)) {
    const found = await fromIconPicture(picture, within);
    if (found?.damaged === false) return found;
    damaged ??= found;
  }
  if (!damaged) throw undecodable();
  return damaged;
}

/** Undefined where there is nothing to be seen. */
async function fromIconPicture(
  picture: Buffer,
  { images, most }: TranslationBounds,
): Promise<TranslatedBytes | undefined> {
  try {
    if (isBmp(picture)) return fromBmp(picture, most);
    const tiff = asTiff({
      ...(await images.pixels(picture)),
      premultiplied: false,
      profile: new Uint8Array(),
    });
    return { bytes: Buffer.from(tiff.buffer), damaged: false };
  } catch {
    return undefined;
  }
}

async function fromCgbi(bytes: Buffer, { images, most }: TranslationBounds): Promise<TranslatedPicture> {
  const png = plainPng(bytes, most);
  if (!png) throw undecodable();
  const pixels = await images.pixels(png);
  const tiff = asTiff({ ...pixels, premultiplied: true, profile: new Uint8Array() });
  return { bytes: Buffer.from(tiff.buffer), damaged: false };
}

const pdfProblems = {
  locked: { code: 'media.no_decoder', message: 'the document opens with a password only' },
  large: { code: 'media.no_decoder', message: 'drawing the first page would take too much memory' },
  broken: { code: 'media.damaged', message: 'the document has no page that can be drawn' },
} as const satisfies Record<string, MediaWarning>;

async function fromPdf(bytes: Buffer): Promise<TranslatedPicture> {
  const answer = await renderFirstPage(bytes);
  if ('problem' in answer) return { warning: pdfProblems[answer.problem] };
  const tiff = asTiff({ ...answer.page, premultiplied: false, profile: new Uint8Array() });
  return { bytes: Buffer.from(tiff.buffer), damaged: false };
}

function isHeicFile(bytes: Buffer): boolean {
  const type = heifType(bytes);
  return type !== undefined && isHeic(type);
}

async function fromHeic(path: string, decodeHeic: HeicDecoder): Promise<TranslatedPicture> {
  const { tiff, ...size } = await decodeHeic(path);
  return { bytes: Buffer.from(tiff.buffer), damaged: false, size };
}

function undecodable(cause?: unknown): AppError {
  return new AppError('media.undecodable', 'the picture cannot be decoded', { cause });
}

/** AVIF that says first that it moves, or only that it is a picture (`miaf` and others): libvips does not take it for one. */
function isOddAvif(bytes: Buffer): boolean {
  return heifType(bytes) === 'image/avif' && bytes.toString('latin1', 8, 12) !== 'avif';
}

/** Most animated AVIF files hold their first frame as a picture of its own, too, which libheif reads when the file does not say that it moves. */
function asSinglePicture(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  copy.write('avif', 8, 'latin1');
  return copy;
}
