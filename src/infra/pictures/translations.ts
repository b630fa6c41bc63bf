/** Converts formats that libvips cannot read to others that it can. */
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
import { renderPage, type PdfProblem } from './pdf.js';
import { asTiff } from './tiff.js';

/** The converted picture, or the reason why there is none. */
export type TranslatedPicture =
  | {
      readonly bytes: Buffer;
      /** Whether pixels were missing. */
      readonly damaged: boolean;
      /** The original size, if it differs from the size of the converted picture. */
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
  /** Undefined for a picture that is only in memory. */
  readonly path: string | undefined;
}

/** A conversion needs up to four bytes per pixel, several times. */
const maxTranslatedPixels = 50_000_000;

/**
 * Returns the picture in another format; undefined if it needs no conversion. Rejects with
 * `media.undecodable` or `media.too_many_pixels`.
 */
export async function translated(
  picture: UntranslatedPicture,
  options: TranslationOptions,
): Promise<TranslatedPicture | undefined> {
  try {
    return await translate(picture, options);
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    // For example missing bytes, or compressed data that is invalid.
    throw undecodable(cause);
  }
}

async function translate(
  { bytes, path }: UntranslatedPicture,
  { images, decodeHeic, maxPixels }: TranslationOptions,
): Promise<TranslatedPicture | undefined> {
  if ((await sniffType(bytes.subarray(0, headBytes))) === 'application/pdf') return fromPdf(bytes);
  if (path !== undefined && isHeicFile(bytes)) return fromHeic(path, decodeHeic);
  const pixelLimit = Math.min(maxPixels, maxTranslatedPixels);
  if (isBmp(bytes)) return fromBmp(bytes, pixelLimit);
  if (isIco(bytes)) return fromIco(bytes, { images, pixelLimit });
  if (isCgbi(bytes)) return fromCgbi(bytes, { images, pixelLimit });
  if (isOddAvif(bytes)) return { bytes: asSinglePicture(bytes), damaged: false };
  return undefined;
}

/** How to decode pixels that need no conversion, and the largest number of pixels. */
interface TranslationBounds extends Pick<TranslationOptions, 'images'> {
  readonly pixelLimit: number;
}

function fromBmp(bytes: Buffer, pixelLimit: number): TranslatedBytes {
  const { tiff, damaged } = decodeBmp(bytes, pixelLimit);
  return { bytes: Buffer.from(tiff.buffer), damaged };
}

type TranslatedBytes = Extract<TranslatedPicture, { readonly bytes: Buffer }>;

/**
 * Returns the first complete picture, or else the first visible one: some tools leave entries that point
 * nowhere.
 */
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

/** Undefined if nothing is visible. */
async function fromIconPicture(
  picture: Buffer,
  { images, pixelLimit }: TranslationBounds,
): Promise<TranslatedBytes | undefined> {
  try {
    if (isBmp(picture)) return fromBmp(picture, pixelLimit);
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

async function fromCgbi(
  bytes: Buffer,
  { images, pixelLimit }: TranslationBounds,
): Promise<TranslatedPicture> {
  const png = plainPng(bytes, pixelLimit);
  if (!png) throw undecodable();
  const pixels = await images.pixels(png);
  const tiff = asTiff({ ...pixels, premultiplied: true, profile: new Uint8Array() });
  return { bytes: Buffer.from(tiff.buffer), damaged: false };
}

/** Why a document has no previews, or no such page. */
export const pdfProblems: Readonly<Record<PdfProblem['problem'], MediaWarning>> = {
  locked: { code: 'media.no_decoder', message: 'the document requires a password' },
  large: { code: 'media.no_decoder', message: 'rendering the page would take too much memory' },
  broken: { code: 'media.damaged', message: 'the document has no page that can be rendered' },
  missing: { code: 'media.damaged', message: 'the document has fewer pages' },
  unreadable: { code: 'media.damaged', message: 'the page cannot be rendered' },
};

async function fromPdf(bytes: Buffer): Promise<TranslatedPicture> {
  const answer = await renderPage(bytes, 0);
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

/**
 * AVIF whose first brand announces a sequence, or only a picture (`miaf` and others): libvips does not
 * recognise it.
 */
function isOddAvif(bytes: Buffer): boolean {
  return heifType(bytes) === 'image/avif' && bytes.toString('latin1', 8, 12) !== 'avif';
}

/**
 * Most animated AVIF files also contain their first frame as a separate picture, which libheif reads if the
 * file does not announce a sequence.
 */
function asSinglePicture(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  copy.write('avif', 8, 'latin1');
  return copy;
}
