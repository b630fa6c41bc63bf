/**
 * Sends stored bytes: conditional requests, ranges and HEAD, with headers that let no file do harm in a
 * browser.
 */
import { finished, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import type { Request, Response } from 'express';
import parseRange from 'range-parser';

import { AppError } from '../../domain/errors.js';
import { isInline, type ByteRange } from '../../domain/media.js';
import type { BlobStore } from '../../infra/files/blob-store.js';
import { isMissing } from '../../infra/files/missing-file.js';
import { bytesIn, rangesWithin, readRanges } from '../../infra/files/ranges.js';
import type { RecentBytes } from '../../infra/files/recent-bytes.js';

export interface StoredBytes {
  readonly key: string;
  /** The number of bytes that must be under the key; null if it is not known. */
  readonly bytes: number | null;
  /**
   * The parts to send, in ascending order; all bytes if undefined. What is between them and behind them, for
   * example where a photo was taken, must not be sent: the client never gets an address of the file itself.
   */
  readonly ranges?: readonly ByteRange[];
  readonly type: string;
  /** The same tag always means the same bytes. */
  readonly tag: string;
  readonly lastModified: Date;
  readonly filename: string | null;
  /** Whether pages of other sites may show it: it was opened by a link that was made to be handed out. */
  readonly isShared: boolean;
  /** False if the browser must not keep it, because access to it may end. */
  readonly mayBeKept?: false;
  /** Whether the reader may be sent to an address of the store, if it has any. */
  readonly mayRedirect: boolean;
}

/** Where bytes come from. */
export interface BytesServices {
  readonly blobs: BlobStore;
  readonly recentBytes: RecentBytes;
}

/**
 * Answers with the bytes. Throws while nothing of the answer has left: `media.no_bytes` when they are gone or
 * cut short, `service.unavailable` when they cannot be read now.
 */
export async function sendStored(
  services: BytesServices,
  stored: StoredBytes,
  exchange: { request: Request; response: Response },
): Promise<void> {
  const { request, response } = exchange;
  const fileSize = await sizeOf(services.recentBytes, stored);
  const address = await addressFor(services.blobs, stored, request);
  if (address !== undefined) {
    redirect(response, address);
    return;
  }
  const ranges = stored.ranges ?? [{ start: 0, end: fileSize - 1 }];
  const size = bytesIn(ranges);
  setHeaders(response, stored);
  if (request.fresh) {
    response.status(304).end();
    return;
  }
  // RFC 9110 knows ranges of GET only.
  const range = request.method === 'GET' ? wantedRange(request, stored, size) : undefined;
  if (range === 'unsatisfiable') {
    response
      .status(416)
      .set({ 'Content-Range': `bytes */${String(size)}`, 'Cache-Control': 'no-store' })
      .end();
    return;
  }
  const { start, end } = range ?? { start: 0, end: size - 1 };
  response.status(range ? 206 : 200).setHeader('Content-Length', end - start + 1);
  if (range) response.setHeader('Content-Range', `bytes ${String(start)}-${String(end)}/${String(size)}`);
  if (request.method === 'HEAD') {
    response.end();
    return;
  }
  const parts = rangesWithin(ranges, { start, end });
  await sendParts(services, { key: stored.key, fileSize, parts }, response);
}

/** An address of the store at which the reader gets the bytes; undefined if they are sent from here. */
function addressFor(
  { link }: BlobStore,
  stored: StoredBytes,
  { method }: Request,
): Promise<string> | undefined {
  // The signature of such an address covers the method.
  if (!link || !stored.mayRedirect || stored.ranges || method !== 'GET') return undefined;
  const kind = isInline(stored.type) ? 'inline' : 'attachment';
  return link(stored.key, {
    type: stored.type,
    disposition: disposition(kind, stored.filename),
    cacheControl,
  });
}

/** Shorter than the address is valid. */
const redirectSeconds = 240;

function redirect(response: Response, address: string): void {
  response
    .status(302)
    .set({ Location: address, 'Cache-Control': `private, max-age=${String(redirectSeconds)}` })
    .end();
}

/**
 * How many bytes there are. A caller would keep for a year what is answered under the tag of the whole, so
 * none of it may be missing.
 */
async function sizeOf(recentBytes: RecentBytes, { key, bytes }: StoredBytes): Promise<number> {
  const size = await Promise.resolve(recentBytes.size(key)).catch(throwAsAnswer);
  if (size === undefined || size === 0 || (bytes !== null && size !== bytes)) throw noBytes();
  return size;
}

/** Parts of a file of `fileSize` bytes. */
interface FileParts {
  readonly key: string;
  readonly fileSize: number;
  readonly parts: readonly ByteRange[];
}

async function sendParts(
  { blobs, recentBytes }: BytesServices,
  { key, fileSize, parts }: FileParts,
  response: Response,
): Promise<void> {
  const loan = recentBytes.borrow(key, fileSize);
  if (!loan) {
    await sendStream(readRanges(blobs, key, parts), response);
    return;
  }
  finished(response, loan.giveBack);
  try {
    const all = await loan.bytes;
    for (const { start, end } of parts) response.write(all.subarray(start, end + 1));
    response.end();
  } catch (error) {
    withdraw(response, error);
  }
}

/** The longest time in which a client reads nothing before it is cut off: its place is for others then. */
const stalledMs = 60_000;

async function sendStream(bytes: Readable, response: Response): Promise<void> {
  try {
    // Until the first bytes are here, the answer can still say what is wrong.
    await firstBytes(bytes, response);
  } catch (error) {
    if (response.destroyed) return;
    withdraw(response, error);
  }
  if (response.destroyed) return;
  response.setTimeout(stalledMs);
  // A client that goes away is no error, and the file is closed by the pipeline.
  await pipeline(bytes, response).catch((error: unknown) => {
    if (!response.destroyed) throw error;
  });
}

/**
 * Resolves when there are bytes to send, or when the client has gone away. Rejects if they cannot be read.
 */
function firstBytes(bytes: Readable, response: Response): Promise<void> {
  return new Promise((resolve, reject) => {
    bytes.once('readable', resolve).once('error', reject);
    response.once('close', () => {
      bytes.destroy();
      resolve();
    });
  });
}

/** The answer is about something else than the bytes. */
function withdraw(response: Response, error: unknown): never {
  for (const name of headerNames) response.removeHeader(name);
  throwAsAnswer(error);
}

function noBytes(): AppError {
  return new AppError('media.no_bytes', 'the bytes are not in the store, or not all of them');
}

/** Throws `media.no_bytes` if the file is gone, and `service.unavailable` if it cannot be read now. */
export function throwAsAnswer(error: unknown): never {
  if (error instanceof AppError) throw error;
  if (isMissing(error)) throw noBytes();
  throw new AppError('service.unavailable', 'the bytes cannot be read now', { cause: error });
}

/** Headers that are about the bytes, and about no other answer. */
const headerNames = [
  'Content-Type',
  'Content-Disposition',
  'Content-Length',
  'Content-Range',
  'ETag',
  'Last-Modified',
  'Accept-Ranges',
  'Cache-Control',
];

function setHeaders(response: Response, stored: StoredBytes): void {
  const { type, tag, lastModified, filename, isShared } = stored;
  response.set('Content-Type', type);
  response.setHeader('Content-Disposition', disposition(isInline(type) ? 'inline' : 'attachment', filename));
  response.setHeader('ETag', `"${tag}"`);
  response.setHeader('Last-Modified', lastModified.toUTCString());
  for (const [name, value] of isShared ? sharedHeaders : ownHeaders) response.setHeader(name, value);
  if (stored.mayBeKept === false) response.setHeader('Cache-Control', 'no-store');
}

/** Private: it was opened for one token or one link, and a shared cache must not open it for others. */
const cacheControl = 'private, max-age=31536000, immutable';

const ownHeaders = Object.entries({
  'Accept-Ranges': 'bytes',
  'Cache-Control': cacheControl,
  'X-Content-Type-Options': 'nosniff',
  // Opened as a page, sound and video load themselves once more into a page that the browser makes for them.
  'Content-Security-Policy': "default-src 'none'; media-src 'self'; style-src 'unsafe-inline'; sandbox",
  'Cross-Origin-Resource-Policy': 'same-site',
});

const sharedHeaders = Object.entries({
  ...Object.fromEntries(ownHeaders),
  'Cross-Origin-Resource-Policy': 'cross-origin',
  // A caller with the link may read the bytes anyway. Without this header the sandbox, which has no origin,
  // could not play the sound.
  'Access-Control-Allow-Origin': '*',
});

/**
 * The name as given by a stranger is only ever a label; RFC 6266 and 8187 keep it inside its quotes. Letters
 * that turn the direction of writing go too: with one of them, `gpj.exe` is read as `exe.jpg`.
 */
export function disposition(kind: 'inline' | 'attachment', filename: string | null): string {
  if (filename === null) return kind;
  const plain = filename.replace(/[\p{Cc}\p{Bidi_Control}/\\]/gu, '_');
  const ascii = plain.replace(/[^\x20-\x7e]|["%]/g, '_');
  return `${kind}; filename="${ascii}"; filename*=UTF-8''${encodeURIComponent(plain).replace(/['()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)}`;
}

/** The range that a GET asks for, unless what was begun is no longer the same. */
function wantedRange(request: Request, stored: StoredBytes, size: number): ReturnType<typeof rangeOf> {
  return isStillSame(request.get('If-Range'), stored) ? rangeOf(request.headers.range, size) : undefined;
}

/**
 * The one range of a `Range` header, both ends included; undefined: all bytes, for a header that is not
 * understood and for several ranges at once, which RFC 9110 allows. `size` is at least 1.
 */
export function rangeOf(
  header: string | undefined,
  size: number,
): { start: number; end: number } | 'unsatisfiable' | undefined {
  if (header === undefined || !isValidRange(header)) return undefined;
  // The last bytes, when there are fewer, are all of them; the parser does not know that.
  const lastBytes = Number(/^bytes=-(\d+)$/i.exec(header)?.[1] ?? 0);
  const ranges = parseRange(size, lastBytes > size ? 'bytes=0-' : header, { combine: true });
  if (ranges === -1) return 'unsatisfiable';
  if (ranges === -2 || ranges.length !== 1) return undefined;
  return ranges[0];
}

/** More ranges than a client needs: they would only make work. */
const mostRanges = 50;

/**
 * Whether the header is one of bytes that follows RFC 9110, 14.1.2. Any other is to be ignored, which the
 * parser does not tell apart.
 */
function isValidRange(header: string): boolean {
  const [, list] = /^bytes=(.*)$/i.exec(header) ?? [];
  const ranges = list?.split(',', mostRanges + 1) ?? [];
  return ranges.length > 0 && ranges.length <= mostRanges && ranges.every(isValidSpec);
}

function isValidSpec(spec: string): boolean {
  const [, first = '', last = ''] = /^[ \t]*(\d*)-(\d*)[ \t]*$/.exec(spec) ?? [];
  if (first === '') return last !== '';
  return last === '' || Number(first) <= Number(last);
}

/**
 * Whether a download that was broken off may go on: `If-Range` holds the tag or the date it was begun with.
 */
function isStillSame(condition: string | undefined, { tag, lastModified }: StoredBytes): boolean {
  return condition === undefined || condition === `"${tag}"` || condition === lastModified.toUTCString();
}
