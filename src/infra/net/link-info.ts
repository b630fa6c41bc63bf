/**
 * Finds out the type and length of a link without downloading all of it: from the headers of the host or from
 * the first bytes.
 */
import type { Dispatcher } from 'undici';

import { typeOfHead } from '../file-types/detect.js';
import type { Deadline } from '../process/deadline.js';
import { headerList, headerText, isWhole, refusalError } from './answer-status.js';
import { decode, parseContentCodings } from './decompression.js';

/** The known facts about a link; null if unknown. */
export interface LinkInfo {
  /** Lower case, without parameters. */
  readonly type: string | null;
  readonly bytes: number | null;
}

export interface ReceivedResponse {
  readonly url: URL;
  readonly response: Dispatcher.ResponseData;
}

const maxProbedBytes = 65_536;

/** The `Range` for enough bytes to detect most types. */
export const firstBytes = `bytes=0-${String(maxProbedBytes - 1)}`;

/** Types without information, which stores and download scripts use for every file. */
const vagueTypes: ReadonlySet<string> = new Set([
  '*/*',
  'application/octet-stream',
  'application/binary',
  'application/download',
  'application/force-download',
  'application/unknown',
  'application/x-binary',
  'application/x-download',
  'application/x-force-download',
  'application/x-unknown',
  'binary/octet-stream',
  'content/unknown',
  'unknown/unknown',
]);

/** Common alternative names of types. */
const aliases: ReadonlyMap<string, string> = new Map([
  ['application/ogg', 'audio/ogg'],
  ['application/x-pdf', 'application/pdf'],
  ['application/x-zip-compressed', 'application/zip'],
  ['audio/amr-nb', 'audio/amr'],
  ['audio/m4a', 'audio/x-m4a'],
  ['audio/mp3', 'audio/mpeg'],
  ['audio/mpeg3', 'audio/mpeg'],
  ['audio/opus', 'audio/ogg'],
  ['audio/x-aac', 'audio/aac'],
  ['audio/x-mp3', 'audio/mpeg'],
  ['audio/x-mpeg', 'audio/mpeg'],
  ['image/jpg', 'image/jpeg'],
  ['image/pjpeg', 'image/jpeg'],
  ['image/x-citrix-jpeg', 'image/jpeg'],
  ['image/x-citrix-png', 'image/png'],
  ['image/x-png', 'image/png'],
  ['video/3gp', 'video/3gpp'],
  ['video/x-mp4', 'video/mp4'],
]);

/** The type that a header names, by its usual name; null if it names none. */
export function claimedType(header: string | undefined): string | null {
  const [, name] = /^\s*([\w!#$&^.+*-]+\/[\w!#$&^.+*-]+)\s*(?:[;,]|$)/.exec(header ?? '') ?? [];
  const type = name?.toLowerCase();
  if (type === undefined || vagueTypes.has(type)) return null;
  return aliases.get(type) ?? type;
}

/** The facts in a response to HEAD; undefined if the host does not answer HEAD like GET. */
export function infoFromHead({ response }: ReceivedResponse): LinkInfo | undefined {
  const { headers, body } = response;
  discard(body);
  return isWhole(response)
    ? { type: claimedType(headerText(headers['content-type'])), bytes: lengthOf(headers) }
    : undefined;
}

/**
 * The facts from the first bytes. The headers count where the bytes do not tell; undefined if the host
 * refuses to send them. Throws `media.gone` if the file does not exist.
 */
export async function infoFromBytes(
  { url, response }: ReceivedResponse,
  deadline: Deadline,
): Promise<LinkInfo | undefined> {
  const { statusCode, headers, body } = response;
  if (statusCode === 404 || statusCode === 410) {
    discard(body);
    throw refusalError(response, url.host, new Date());
  }
  if (!isWhole(response) && statusCode !== 206) {
    discard(body);
    return undefined;
  }
  const head = await deadline.race(readHead(response));
  return {
    type: (await typeOfHead(head)) ?? claimedType(headerText(headers['content-type'])),
    bytes: statusCode === 206 ? totalOf(headerText(headers['content-range'])) : lengthOf(headers),
  };
}

/**
 * The decoded first bytes. If decoding breaks off, as for a range of compressed bytes, the bytes up to there
 * count.
 */
async function readHead({ headers, body }: ReceivedResponse['response']): Promise<Buffer> {
  const codings = parseContentCodings(headerList(headers['content-encoding']));
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    // Leaving the loop closes the connection if the host sends more than the range.
    for await (const chunk of decode(body, codings, maxProbedBytes) as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes >= maxProbedBytes) break;
    }
  } catch (error) {
    if (bytes === 0) throw error;
  }
  return Buffer.concat(chunks).subarray(0, maxProbedBytes);
}

/** The length of the file itself; null if it is not declared or the file is compressed. */
function lengthOf(headers: Dispatcher.ResponseData['headers']): number | null {
  const isPlain = parseContentCodings(headerList(headers['content-encoding'])).length === 0;
  return isPlain ? parseLength(headerText(headers['content-length'])) : null;
}

function totalOf(contentRange: string | undefined): number | null {
  return parseLength(/^bytes \d+-\d+\/(\d+)$/i.exec(contentRange ?? '')?.[1]);
}

/** The number in a `Content-Length`; null if it is not a number. */
export function parseLength(text: string | undefined): number | null {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : null;
}

/** To keep the connection, this much of an unneeded body is read within this time; the rest is cut off. */
const discardLimits = { maxBytes: 16 * 1024, timeoutMs: 1000 };

/** Not awaited, because an unneeded response must not use up the time of the download. */
export function discard(body: Dispatcher.ResponseData['body']): void {
  body
    .dump({ limit: discardLimits.maxBytes, signal: AbortSignal.timeout(discardLimits.timeoutMs) })
    .catch(ignore);
}

function ignore(): void {
  // The response was not needed, so an error in the rest of it does not matter.
}
