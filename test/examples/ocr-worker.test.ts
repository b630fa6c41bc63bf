/** The example worker beside a real service: a picture arrives, and its text becomes a fact. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, it } from '@jest/globals';
import sharp from 'sharp';

import { bytes, startMediaHost } from '../../src/demo/media-host.js';
import { call, receive } from '../support/client.js';
import { zApiMedia } from '../support/payloads.js';
import { startTestService } from '../support/test-service.js';
import { until } from '../support/until.js';

const worker = join(import.meta.dirname, '../../examples/ocr-worker/worker.mjs');

/** Letters of five by seven squares, so that the test needs no font. */
const letters: Readonly<Record<string, readonly string[]>> = {
  H: ['#...#', '#...#', '#...#', '#####', '#...#', '#...#', '#...#'],
  E: ['#####', '#....', '#....', '####.', '#....', '#....', '#####'],
  T: ['#####', '..#..', '..#..', '..#..', '..#..', '..#..', '..#..'],
  F: ['#####', '#....', '#....', '####.', '#....', '#....', '#....'],
};

function pictureOf(word: string): Promise<Buffer> {
  const size = 12;
  const squares = Array.from(word).flatMap((letter, place) =>
    (letters[letter] ?? []).flatMap((row, y) =>
      Array.from(row).flatMap((square, x) =>
        square === '#'
          ? `<rect x="${String((place * 7 + x + 4) * size)}" y="${String((y + 4) * size)}" width="${String(size)}" height="${String(size)}"/>`
          : [],
      ),
    ),
  );
  const frame = `<svg xmlns="http://www.w3.org/2000/svg" width="${String((word.length * 7 + 8) * size)}" height="${String(15 * size)}">`;
  return sharp(
    Buffer.from(`${frame}<rect width="100%" height="100%" fill="white"/>${squares.join('')}</svg>`),
  )
    .jpeg()
    .toBuffer();
}

it('reads the text of a picture that arrives', async () => {
  const host = await startMediaHost();
  const service = await startTestService({ mediaHosts: [host.host] });
  const folder = await mkdtemp(join(tmpdir(), 'inlet-worker-'));
  const program = spawn(process.execPath, [worker], {
    cwd: folder,
    env: {
      INLET_URL: service.url,
      INLET_TOKEN: service.token('media:read facts:write'),
    },
  });
  let output = '';
  for (const stream of [program.stdout, program.stderr])
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const ended = once(program, 'close');
  try {
    await until(() => output.includes('connected to'), 90_000);
    const url = host.serve('/feet.jpg', bytes('image/jpeg', await pictureOf('THE FEET')));
    const { id } = await receive(service, 'z-api', zApiMedia({ url }));
    const facts = async () => {
      const token = service.token('media:read');
      return (await call<{ items: unknown[] }>(service.url, `/v1/media/${id}/facts`, { token })).body.items;
    };
    await until(async () => (await facts()).length > 0, 90_000);
    expect(await facts()).toMatchObject([
      { source: 'tesseract', type: 'text', value: 'THE FEET', language: 'en' },
    ]);
  } finally {
    program.kill();
    await ended;
    await service.stop();
    await host.close();
    await rm(folder, { recursive: true });
  }
}, 270_000);
