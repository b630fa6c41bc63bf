/** What is known of a link without fetching all of it: by the host's word, or by the first bytes. */
import type { Dispatcher } from 'undici';

import { typeOfHead } from '../file-types/detect.js';
import type { Deadline } from '../process/deadline.js';
import { headerList, headerText, isWhole, refusalError } from './answer-status.js';
import { decode, parseContentCodings } from './decompression.js';

/** What is known of a link; null: nobody knows. */
export interface Look {
  /** Lower case, without parameters. */
  readonly type: string | null;
  readonly bytes: number | null;
}

export interface Answered {
  readonly url: URL;
  readonly response: Dispatcher.ResponseData;
}

const mostSeenBytes = 65_536;

/** The `Range` that asks for as many bytes as tell most types. */
export const firstBytes = `bytes=0-${String(mostSeenBytes - 1)}`;

/** Types that say nothing: what stores and download scripts answer for every file. */
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

/** Other names of types that are seen a lot. */
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

/** The type that a header names, by its usual name; null when it names none. */
export function claimedType(header: string | undefined): string | null {
  const [, name] = /^\s*([\w!#$&^.+*-]+\/[\w!#$&^.+*-]+)\s*(?:[;,]|$)/.exec(header ?? '') ?? [];
  const type = name?.toLowerCase();
  if (type === undefined || vagueTypes.has(type)) return null;
  return aliases.get(type) ?? type;
}

/** What an answer to HEAD says; undefined when the host does not answer HEAD as it would answer GET. */
export function toldBy({ response }: Answered): Look | undefined {
  const { headers, body } = response;
  discard(body);
  return isWhole(response)
    ? { type: claimedType(headerText(headers['content-type'])), bytes: lengthOf(headers) }
    : undefined;
}

/**
 * What the first bytes say. The host's word counts where they do not tell; undefined when it refuses to send them. Throws
 * `media.gone` when nothing is there.
 */
export async function seenIn({ url, response }: Answered, deadline: Deadline): Promise<Look | undefined> {
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

/** The first bytes, with their coding undone. What breaks off, as a range of compressed bytes does, is read as far as it goes. */
async function readHead({ headers, body }: Answered['response']): Promise<Buffer> {
  const codings = parseContentCodings(headerList(headers['content-encoding']));
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    // Leaving the loop closes what a host sends beyond the range.
    for await (const chunk of decode(body, codings, mostSeenBytes) as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes >= mostSeenBytes) break;
    }
  } catch (error) {
    if (bytes === 0) throw error;
  }
  return Buffer.concat(chunks).subarray(0, mostSeenBytes);
}

/** The length of the file itself; null when it is not declared or comes compressed. */
function lengthOf(headers: Dispatcher.ResponseData['headers']): number | null {
  const isPlain = parseContentCodings(headerList(headers['content-encoding'])).length === 0;
  return isPlain ? parseLength(headerText(headers['content-length'])) : null;
}

function totalOf(contentRange: string | undefined): number | null {
  return parseLength(/^bytes \d+-\d+\/(\d+)$/i.exec(contentRange ?? '')?.[1]);
}

/** The number of a `Content-Length`; null when it is none. */
export function parseLength(text: string | undefined): number | null {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : null;
}

/** To keep the connection, this much of an unwanted body is read, within this time; more is cut off. */
const unwanted = { mostBytes: 16 * 1024, withinMs: 1000 };

/** Not waited for: an answer that we do not want must not cost the download its time. */
export function discard(body: Dispatcher.ResponseData['body']): void {
  body.dump({ limit: unwanted.mostBytes, signal: AbortSignal.timeout(unwanted.withinMs) }).catch(ignore);
}

function ignore(): void {
  // The answer was not wanted, so neither is the reason why the rest of it did not come.
}
