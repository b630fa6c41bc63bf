/**
 * Types that the first bytes do not reveal: Office files whose list of contents comes last, and films without
 * pictures.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32, deflateRawSync } from 'node:zlib';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { typeOfFile, typeOfHead } from '../../../src/infra/file-types/detect.js';
import { threadCpuMs } from '../../support/cpu-time.js';

const headBytes = 65_536;
const ascii = (text: string): Buffer => Buffer.from(text, 'latin1');

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'inlet-types-'));
});
afterAll(() => rm(folder, { recursive: true }));

let files = 0;
async function typeOf(bytes: Buffer): Promise<string> {
  const path = join(folder, String(files++));
  await writeFile(path, bytes);
  return typeOfFile({ path, head: bytes.subarray(0, headBytes) });
}

interface Entry {
  readonly name: string;
  readonly content: Buffer;
  /** With its length behind it, as programs write files whose length they do not know in advance. */
  readonly streamed?: boolean;
  readonly stored?: boolean;
}

/** A file inside a ZIP, and its line in the list of contents. */
function pack(
  { name, content, streamed = false, stored = false }: Entry,
  at: number,
): { local: Buffer; listed: Buffer } {
  const data = stored ? content : deflateRawSync(content);
  const sums = Buffer.alloc(12);
  sums.writeUInt32LE(crc32(content), 0);
  sums.writeUInt32LE(data.length, 4);
  sums.writeUInt32LE(content.length, 8);
  const facts = Buffer.alloc(10);
  facts.writeUInt16LE(20, 0);
  facts.writeUInt16LE(streamed ? 8 : 0, 2);
  facts.writeUInt16LE(stored ? 0 : 8, 4);
  const lengths = Buffer.alloc(4);
  lengths.writeUInt16LE(name.length, 0);
  const rest = Buffer.alloc(14);
  rest.writeUInt32LE(at, 10);
  const header = [ascii('PK\x03\x04'), facts, streamed ? Buffer.alloc(12) : sums, lengths, ascii(name), data];
  return {
    local: Buffer.concat([...header, ...(streamed ? [ascii('PK\x07\x08'), sums] : [])]),
    listed: Buffer.concat([ascii('PK\x01\x02\x14\0'), facts, sums, lengths, rest, ascii(name)]),
  };
}

/** A ZIP with these files, in this order. */
function zip(entries: readonly Entry[], { comment = '' } = {}): Buffer {
  const parts: Buffer[] = [];
  const list: Buffer[] = [];
  let at = 0;
  for (const entry of entries) {
    const { local, listed } = pack(entry, at);
    parts.push(local);
    list.push(listed);
    at += local.length;
  }
  const directory = Buffer.concat(list);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(entries.length, 4);
  end.writeUInt16LE(entries.length, 6);
  end.writeUInt32LE(directory.length, 8);
  end.writeUInt32LE(at, 12);
  end.writeUInt16LE(comment.length, 16);
  return Buffer.concat([...parts, directory, ascii('PK\x05\x06'), end, ascii(comment)]);
}

const contentTypes = (main: string): Entry => ({
  name: '[Content_Types].xml',
  content: ascii(
    `<?xml version="1.0"?><Types><Default Extension="xml" ContentType="application/xml"/><Override PartName="/x" ContentType="${main}.main+xml"/></Types>`,
  ),
});
/** Larger than the first read of a file. */
const photo: Entry = { name: 'word/media/image1.jpg', content: Buffer.alloc(120_000, 7), stored: true };
const office = 'application/vnd.openxmlformats-officedocument';

describe('the contents of a ZIP decide its type', () => {
  const word = contentTypes(`${office}.wordprocessingml.document`);

  test.each([
    ['list first', zip([word, photo])],
    ['list last', zip([photo, word])],
    [
      'list last, streamed',
      zip([
        { ...photo, streamed: true },
        { ...word, streamed: true },
      ]),
    ],
    ['list last, stored', zip([photo, { ...word, stored: true }])],
    ['list last, with a comment', zip([photo, word], { comment: 'made by a test' })],
  ])('Word, %s', async (_, bytes) => {
    expect(await typeOf(bytes)).toBe(`${office}.wordprocessingml.document`);
  });

  test.each([
    [`${office}.spreadsheetml.sheet`, `${office}.spreadsheetml.sheet`],
    [`${office}.presentationml.presentation`, `${office}.presentationml.presentation`],
    ['application/vnd.ms-word.document.macroEnabled', 'application/vnd.ms-word.document.macroenabled.12'],
    ['application/vnd.ms-excel.sheet.macroEnabled', 'application/vnd.ms-excel.sheet.macroenabled.12'],
  ])('%s', async (main, type) => {
    expect(await typeOf(zip([photo, contentTypes(main)]))).toBe(type);
  });

  test('OpenDocument whose type comes last', async () => {
    const mimetype = { name: 'mimetype', content: ascii('application/vnd.oasis.opendocument.text') };
    expect(await typeOf(zip([photo, mimetype]))).toBe('application/vnd.oasis.opendocument.text');
  });

  test.each([
    ['other files', zip([photo, { name: 'readme.txt', content: ascii('hello') }])],
    ['another type by its own word', zip([photo, { name: 'mimetype', content: ascii('text/html') }])],
    ['a type that is no office file', zip([photo, contentTypes('text/html')])],
    [
      'a list that unfolds to more than is read',
      zip([photo, { ...word, content: Buffer.alloc(2_000_000, 32) }]),
    ],
    ['nothing at its end', zip([photo, word]).subarray(0, -100)],
    [
      'a list that lies beyond the file',
      Buffer.concat([zip([photo]), ascii('PK\x05\x06'), Buffer.alloc(18, 0xff)]),
    ],
  ])('with %s, it remains a ZIP', async (_, bytes) => {
    expect(await typeOf(bytes)).toBe('application/zip');
  });

  test('the beginning alone does not reveal it', async () => {
    expect(await typeOfHead(zip([photo, word]).subarray(0, headBytes))).toBeUndefined();
    expect(await typeOfHead(zip([word, photo]).subarray(0, headBytes))).toBe(
      `${office}.wordprocessingml.document`,
    );
  });
});

function box(type: string, ...content: Buffer[]): Buffer {
  const body = Buffer.concat(content);
  const size = Buffer.alloc(4);
  size.writeUInt32BE(body.length + 8);
  return Buffer.concat([size, ascii(type), body]);
}

/** A box whose size has 64 bits. */
function largeBox(type: string, content: Buffer): Buffer {
  const size = Buffer.alloc(8);
  size.writeBigUInt64BE(BigInt(content.length + 16));
  return Buffer.concat([Buffer.from([0, 0, 0, 1]), ascii(type), size, content]);
}

const brand = (name: string): Buffer => box('ftyp', ascii(`${name}\0\0\0\0${name}`));
const track = (kind: string): Buffer =>
  box(
    'trak',
    box('tkhd', Buffer.alloc(84)),
    box('mdia', box('hdlr', Buffer.alloc(8), ascii(kind), Buffer.alloc(12))),
  );
const movie = (...kinds: string[]): Buffer =>
  box('moov', box('mvhd', Buffer.alloc(100)), ...kinds.map(track));
const samples = box('mdat', Buffer.alloc(200_000, 1));

describe('the tracks of an MP4 decide its type', () => {
  test.each([
    ['sound only', [brand('mp42'), movie('soun'), samples], 'audio/mp4'],
    ['sound only, listed last', [brand('isom'), samples, movie('soun')], 'audio/mp4'],
    ['sound and text', [brand('isom'), samples, movie('soun', 'text')], 'audio/mp4'],
    [
      'sound only, behind a box of 64 bits',
      [brand('isom'), largeBox('mdat', Buffer.alloc(99)), movie('soun')],
      'audio/mp4',
    ],
    ['sound of 3GP', [brand('3gp5'), samples, movie('soun')], 'audio/3gpp'],
    ['sound and pictures', [brand('mp42'), movie('soun', 'vide'), samples], 'video/mp4'],
    ['pictures only', [brand('isom'), samples, movie('vide')], 'video/mp4'],
    ['neither', [brand('isom'), samples, movie('text')], 'video/mp4'],
    ['no list', [brand('isom'), samples], 'video/mp4'],
    ['a list that is cut off', [brand('isom'), samples, movie('soun').subarray(0, 60)], 'video/mp4'],
    [
      'a box of no size',
      [brand('isom'), Buffer.from([0, 0, 0, 2]), ascii('free'), movie('soun')],
      'video/mp4',
    ],
  ])('%s', async (_, parts, type) => {
    expect(await typeOf(Buffer.concat(parts))).toBe(type);
  });

  test('the detection soon stops at endless boxes', async () => {
    const empty = box('free');
    const bytes = Buffer.concat([
      brand('isom'),
      ...Array.from({ length: 500_000 }, () => empty),
      movie('soun'),
    ]);
    const { result, ms } = await threadCpuMs(() => typeOf(bytes));
    expect(result).toBe('video/mp4');
    expect(ms).toBeLessThan(2_000);
  });

  test('the beginning alone reveals it if it contains the list', async () => {
    expect(await typeOfHead(Buffer.concat([brand('mp42'), movie('soun')]))).toBe('audio/mp4');
    expect(await typeOfHead(Buffer.concat([brand('mp42'), movie('soun', 'vide')]))).toBe('video/mp4');
    expect(await typeOfHead(Buffer.concat([brand('mp42'), samples]).subarray(0, headBytes))).toBeUndefined();
  });
});

/** An element of Matroska; without a length it extends to the end, as recorders write it. */
function element(id: string, content: Buffer, { isOpen = false } = {}): Buffer {
  const size = Buffer.alloc(8);
  size.writeBigUInt64BE(BigInt(content.length));
  size[0] = 0x01;
  return Buffer.concat([Buffer.from(id, 'hex'), isOpen ? Buffer.from([0xff]) : size, content]);
}

const webmHead = (docType: string): Buffer => element('1a45dfa3', element('4282', ascii(docType)));
const webmTrack = (type: number): Buffer =>
  element('ae', Buffer.concat([element('d7', Buffer.from([1])), element('83', Buffer.from([type]))]));
const cluster = element('1f43b675', Buffer.alloc(100_000));
const info = element('1549a966', Buffer.alloc(50));

function webm(tracks: readonly number[], { docType = 'webm', isOpen = false, before = info } = {}): Buffer {
  const list = element('1654ae6b', Buffer.concat(tracks.map(webmTrack)));
  return Buffer.concat([
    webmHead(docType),
    element('18538067', Buffer.concat([before, list, cluster]), { isOpen }),
  ]);
}

describe('the tracks of a WebM decide its type', () => {
  test.each([
    ['sound only', webm([2]), 'audio/webm'],
    ['sound only, as a browser records it', webm([2], { isOpen: true }), 'audio/webm'],
    ['sound only, in Matroska', webm([2], { docType: 'matroska' }), 'audio/matroska'],
    ['sound and pictures', webm([2, 1]), 'video/webm'],
    ['pictures only', webm([1], { isOpen: true }), 'video/webm'],
    ['no tracks', webm([]), 'video/webm'],
    ['tracks behind the pictures', webm([2], { before: cluster }), 'video/webm'],
    ['a list that is cut off', webm([2]).subarray(0, 130), 'video/webm'],
  ])('%s', async (_, bytes, type) => {
    expect(await typeOf(bytes)).toBe(type);
  });

  test('the detection soon stops at endless elements', async () => {
    const empty = element('ec', Buffer.alloc(0));
    const before = Buffer.concat(Array.from({ length: 500_000 }, () => empty));
    const { result, ms } = await threadCpuMs(() => typeOf(webm([2], { before })));
    expect(result).toBe('video/webm');
    expect(ms).toBeLessThan(2_000);
  });
});
