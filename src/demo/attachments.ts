/**
 * Attachments that are not pictures, as small as their formats allow: the service stores them unchanged, so
 * it is enough that their bytes reveal the type.
 */
import { seededRandom } from './random.js';

/** An MP4 (`ftyp`, `moov`, `mdat`) without tracks; `bytes` is the size of the data part. */
export function video({
  seed,
  bytes = 64 * 1024,
}: {
  readonly seed: number;
  readonly bytes?: number;
}): Buffer {
  const brands = Buffer.concat([Buffer.from('isom'), uint32(512), Buffer.from('isomiso2avc1mp41')]);
  return Buffer.concat([
    box('ftyp', brands),
    box('moov', box('mvhd', movieHeader())),
    box('mdat', noise(seed, bytes)),
  ]);
}

function box(type: string, content: Buffer): Buffer {
  return Buffer.concat([uint32(content.length + 8), Buffer.from(type, 'latin1'), content]);
}

/** Version 0: 1000 ticks a second, one second long, normal speed and volume, not rotated. */
function movieHeader(): Buffer {
  const identityMatrix = [0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000];
  return Buffer.concat([
    ...[0, 0, 0, 1000, 1000, 0x10000, 0x01000000, 0, 0].map(uint32),
    ...identityMatrix.map(uint32),
    ...[0, 0, 0, 0, 0, 0, 2].map(uint32),
  ]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function noise(seed: number, bytes: number): Buffer {
  const random = seededRandom(seed);
  return Buffer.from(Array.from({ length: bytes }, () => Math.floor(random() * 256)));
}

const framesPerSecond = 50;
/** Opus at 48 kHz: 960 samples are the 20 ms of one frame. */
const samplesPerFrame = 960;
/** A frame that decodes to silence. */
const silence = Buffer.from([0xf8, 0xff, 0xfe]);

/** A voice note: silent Opus in Ogg that players accept. */
export function voiceNote({
  seed,
  seconds = 2,
}: {
  readonly seed: number;
  readonly seconds?: number;
}): Buffer {
  const pages = [
    { packets: [opusHead()], granule: 0 },
    { packets: [opusTags()], granule: 0 },
  ];
  for (let second = 1; second <= seconds; second += 1) {
    const packets = Array<Buffer>(framesPerSecond).fill(silence);
    pages.push({ packets, granule: second * framesPerSecond * samplesPerFrame });
  }
  return Buffer.concat(
    pages.map((page, sequence) =>
      oggPage({ ...page, serial: seed, sequence, last: sequence === pages.length - 1 }),
    ),
  );
}

/** One channel, 312 samples to skip, recorded at 16 kHz. */
function opusHead(): Buffer {
  const head = Buffer.alloc(19);
  head.write('OpusHead', 'latin1');
  head.writeUInt8(1, 8);
  head.writeUInt8(1, 9);
  head.writeUInt16LE(312, 10);
  head.writeUInt32LE(16_000, 12);
  return head;
}

function opusTags(): Buffer {
  const vendor = Buffer.from('inlet');
  const head = Buffer.alloc(12);
  head.write('OpusTags', 'latin1');
  head.writeUInt32LE(vendor.length, 8);
  return Buffer.concat([head, vendor, Buffer.alloc(4)]);
}

interface OggPage {
  /** Each is shorter than 255 bytes, so one lacing value describes it. */
  readonly packets: readonly Buffer[];
  readonly granule: number;
  readonly serial: number;
  readonly sequence: number;
  readonly last: boolean;
}

function oggPage({ packets, granule, serial, sequence, last }: OggPage): Buffer {
  const header = Buffer.alloc(27);
  header.write('OggS', 'latin1');
  header.writeUInt8((sequence === 0 ? 2 : 0) | (last ? 4 : 0), 5);
  header.writeBigUInt64LE(BigInt(granule), 6);
  header.writeUInt32LE(serial >>> 0, 14);
  header.writeUInt32LE(sequence, 18);
  header.writeUInt8(packets.length, 26);
  const page = Buffer.concat([header, Buffer.from(packets.map((packet) => packet.length)), ...packets]);
  page.writeUInt32LE(oggChecksum(page), 22);
  return page;
}

/** CRC-32 with Ogg's conventions: not reflected, starts at zero. */
function oggChecksum(page: Buffer): number {
  let crc = 0;
  for (const byte of page) {
    crc ^= byte << 24;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc << 1) ^ (crc < 0 ? 0x04c11db7 : 0);
  }
  return crc >>> 0;
}

/** A one-page PDF with `text`. */
export function pdf(text: string): Buffer {
  const content = `BT /F1 24 Tf 72 720 Td (${text.replace(/[\\()]/g, '\\$&')}) Tj ET`;
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>',
    `<< /Length ${String(Buffer.byteLength(content))} >>\nstream\n${content}\nendstream`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
  ];
  let file = '%PDF-1.4\n';
  const offsets = objects.map((object, index) => {
    const offset = Buffer.byteLength(file);
    file += `${String(index + 1)} 0 obj\n${object}\nendobj\n`;
    return `${String(offset).padStart(10, '0')} 00000 n \n`;
  });
  const table = `xref\n0 ${String(objects.length + 1)}\n0000000000 65535 f \n${offsets.join('')}`;
  const trailer = `trailer\n<< /Size ${String(objects.length + 1)} /Root 1 0 R >>\nstartxref\n${String(Buffer.byteLength(file))}\n%%EOF\n`;
  return Buffer.from(file + table + trailer);
}
