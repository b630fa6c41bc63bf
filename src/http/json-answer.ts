/** Answers in JSON. Long ones are compressed for callers that understand it. */
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

import type { ServerResponse } from 'node:http';

import type { Request, Response } from 'express';

/**
 * Less than this fits into a few packets, and the time to compress it would be longer than what its transfer
 * saves.
 */
const leastBytes = 4_096;

/**
 * Both work in threads of the pool, not in the main thread. At this level brotli takes as long as gzip and
 * its result is a little smaller: 102 KB of a list become 15 KB in 1.3 ms.
 */
const compressors = {
  br: (bytes: Buffer) =>
    promisify(brotliCompress)(bytes, {
      params: {
        [constants.BROTLI_PARAM_QUALITY]: 4,
        [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
        [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
      },
    }),
  gzip: (bytes: Buffer) => promisify(gzip)(bytes),
} as const;

/** Sends JSON as it is. */
export function sendJson(response: ServerResponse, text: string): void {
  response.setHeader('Content-Type', contentType);
  response.setHeader('Content-Length', Buffer.byteLength(text));
  response.end(text);
}

const contentType = 'application/json; charset=utf-8';

/**
 * Sends JSON, compressed if that is worth the time. Not for an answer with a secret in it: beside text that
 * an attacker has chosen, the length of a compressed answer tells something about the secret (BREACH).
 */
export async function sendCompressedJson(request: Request, response: Response, text: string): Promise<void> {
  if (!isWorthCompressing(text)) {
    sendJson(response, text);
    return;
  }
  response.vary('Accept-Encoding');
  const encoding = encodingFor(request);
  if (encoding === undefined) {
    sendJson(response, text);
    return;
  }
  const bytes = await compressors[encoding](Buffer.from(text));
  response.setHeader('Content-Type', contentType);
  response.setHeader('Content-Encoding', encoding);
  response.setHeader('Content-Length', bytes.length);
  response.end(bytes);
}

/** Whether compressing takes less time than what its transfer saves. */
export function isWorthCompressing(text: string): boolean {
  return text.length >= leastBytes;
}

/** Undefined: the caller understands neither. */
function encodingFor(request: Request): 'br' | 'gzip' | undefined {
  if (request.acceptsEncodings('br')) return 'br';
  return request.acceptsEncodings('gzip') ? 'gzip' : undefined;
}
