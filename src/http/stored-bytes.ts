/** Sends stored bytes: conditional requests, ranges and HEAD, with headers that let no file do harm in a browser. */
import { pipeline } from 'node:stream/promises';

import type { Request, Response } from 'express';
import parseRange from 'range-parser';

import { AppError } from '../domain/errors.js';
import { isInline } from '../domain/media.js';
import type { BlobStore } from '../infra/blob-store.js';

export interface StoredBytes {
  readonly key: string;
  readonly type: string;
  /** Identifies the bytes for ever: the same tag is always the same bytes. */
  readonly tag: string;
  readonly lastModified: Date;
  readonly filename: string | null;
}

export async function sendStored(
  blobs: BlobStore,
  stored: StoredBytes,
  exchange: { request: Request; response: Response },
): Promise<void> {
  const { request, response } = exchange;
  const size = await blobs.size(stored.key);
  if (size === undefined) throw new AppError('media.no_bytes', 'the bytes are not in the store');
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
  response.status(range ? 206 : 200).set('Content-Length', String(end - start + 1));
  if (range) response.set('Content-Range', `bytes ${String(start)}-${String(end)}/${String(size)}`);
  if (request.method === 'HEAD' || size === 0) {
    response.end();
    return;
  }
  // A client that goes away is no error, and the file is closed by the pipeline.
  await pipeline(blobs.read(stored.key, { start, end }), response).catch((error: unknown) => {
    if (!response.destroyed) throw error;
  });
}

function setHeaders(response: Response, { type, tag, lastModified, filename }: StoredBytes): void {
  const inline = isInline(type);
  response.set({
    'Content-Type': type,
    'Content-Disposition': disposition(inline ? 'inline' : 'attachment', filename),
    ETag: `"${tag}"`,
    'Last-Modified': lastModified.toUTCString(),
    'Accept-Ranges': 'bytes',
    // Private: it was opened for one token or one link, and a shared cache must not open it for others.
    'Cache-Control': 'private, max-age=31536000, immutable',
    'X-Content-Type-Options': 'nosniff',
    'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    'Cross-Origin-Resource-Policy': 'same-site',
  });
}

/**
 * The name as given by a stranger is only ever a label; RFC 6266 and 8187 keep it inside its quotes. Letters that turn the
 * direction of writing go too: with one of them, `gpj.exe` is read as `exe.jpg`.
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
 * The one range of a `Range` header, both ends included; undefined: all bytes, for a header that is not understood and for
 * several ranges at once, which RFC 9110 allows. `size` is at least 1.
 */
export function rangeOf(
  header: string | undefined,
  size: number,
): { start: number; end: number } | 'unsatisfiable' | undefined {
  if (!header?.startsWith('bytes=')) return undefined;
  // The last bytes, when there are fewer, are all of them; the parser does not know that.
  const lastBytes = Number(/^bytes=-(\d+)$/.exec(header)?.[1] ?? 0);
  const ranges = parseRange(size, lastBytes > size ? 'bytes=0-' : header, { combine: true });
  if (ranges === -1) return 'unsatisfiable';
  if (ranges === -2 || ranges.length !== 1) return undefined;
  return ranges[0];
}

/** Whether a download that was broken off may go on: `If-Range` holds the tag or the date it was begun with. */
function isStillSame(condition: string | undefined, { tag, lastModified }: StoredBytes): boolean {
  return condition === undefined || condition === `"${tag}"` || condition === lastModified.toUTCString();
}
