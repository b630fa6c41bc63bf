import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import sharp from 'sharp';

import { newId } from '../../../src/domain/id.js';
import {
  createFrameGrabber,
  findProgram,
  type GrabbedFrame,
} from '../../../src/infra/pictures/video-frames.js';
import { film } from '../../support/film.js';
import { describeWith } from '../../support/programs.js';
import { until } from '../../support/until.js';

const run = promisify(execFile);
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'inlet-frames-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** Fails if there is no frame. */
function frameOf(grabbed: GrabbedFrame | string | undefined): GrabbedFrame {
  if (typeof grabbed !== 'object') throw new Error(`no frame: ${String(grabbed)}`);
  return grabbed;
}

async function file(content: Buffer | string, mode = 0o644): Promise<string> {
  const path = join(folder, newId());
  await writeFile(path, content, { mode });
  return path;
}

const playlistOf = (url: string): string =>
  `#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n${url}\n#EXT-X-ENDLIST\n`;
const listOf = (url: string): string => `ffconcat version 1.0\nfile '${url}'\n`;

const imitation = (script: string): Promise<string> => file(`#!/bin/sh\n${script}\n`, 0o755);

describeWith('ffmpeg', 'The first frame of a video', (ffmpeg) => {
  const grab = createFrameGrabber({ ffmpeg, timeoutMs: 120_000 });
  let visits: string[];
  let host: Server;
  let address: string;

  beforeAll(async () => {
    visits = [];
    host = createServer((request, response) => {
      visits.push(request.url ?? '');
      response.end();
    });
    await new Promise<void>((listening) => host.listen(0, '127.0.0.1', listening));
    address = `http://127.0.0.1:${String((host.address() as AddressInfo).port)}`;
  });
  afterAll(() => {
    host.close();
    host.closeAllConnections();
  });

  test.each([
    ['video/mp4', 'mp4', ['-c:v', 'libx264', '-c:a', 'aac']],
    ['video/quicktime', 'mov', ['-c:v', 'mpeg4', '-c:a', 'aac']],
    ['video/3gpp', '3gp', ['-c:v', 'mpeg4', '-an']],
    ['video/webm', 'webm', ['-c:v', 'libvpx', '-c:a', 'libopus']],
  ])('%s', async (type, format, codecs) => {
    const { picture: frame, hdr } = frameOf(await grab(await film(ffmpeg, folder, { format, codecs }), type));
    expect(hdr).toBeUndefined();
    expect(await sharp(frame).metadata()).toMatchObject({ format: 'png', width: 320, height: 180 });
    const { dominant } = await sharp(frame).stats();
    expect(dominant.r).toBeGreaterThan(200); // The film is red.
    expect(dominant.b).toBeLessThan(60);
  });

  test('is upright for any orientation of the camera', async () => {
    const lying = await film(ffmpeg, folder);
    const path = join(folder, `${newId()}.mp4`);
    await run(ffmpeg, ['-v', 'error', '-display_rotation', '90', '-i', lying, '-c', 'copy', path]).catch(() =>
      // Before ffmpeg 6 it is a tag.
      run(ffmpeg, ['-v', 'error', '-i', lying, '-c', 'copy', '-metadata:s:v:0', 'rotate=90', path]),
    );
    const frame = frameOf(await grab(path, 'video/mp4'));
    expect(await sharp(frame.picture).metadata()).toMatchObject({ width: 180, height: 320 });
  });

  test.each([
    ['video/webm', 'webm', ['-c:v', 'libvpx-vp9', '-profile:v', '2', '-cpu-used', '8'], 'smpte2084', 'pq'],
    ['video/matroska', 'mkv', ['-c:v', 'libx265', '-preset', 'ultrafast'], 'arib-std-b67', 'hlg'],
    ['video/quicktime', 'mov', ['-c:v', 'libx265', '-preset', 'ultrafast'], 'smpte2084', 'pq'],
  ])(
    'of %s with a high dynamic range is distinguished from ordinary ones',
    async (type, format, codecs, name, transfer) => {
      const colours = ['-color_primaries', 'bt2020', '-color_trc', name, '-colorspace', 'bt2020nc'];
      const own =
        format === 'webm' ? [] : ['-x265-params', `colorprim=bt2020:transfer=${name}:colormatrix=bt2020nc`];
      const path = await film(ffmpeg, folder, {
        format,
        codecs: [...codecs, '-an', '-pix_fmt', 'yuv420p10le', ...colours, ...own],
      });
      expect(frameOf(await grab(path, type)).hdr).toEqual({ transfer, isWide: true });
    },
  );

  test('is missing in a video that is truncated, empty or another format', async () => {
    const whole = await readFile(await film(ffmpeg, folder));
    for (const content of [whole.subarray(0, whole.length / 2), Buffer.alloc(0), Buffer.from('no film')])
      expect(await grab(await file(content), 'video/mp4')).toBeUndefined();
    expect(await grab(await file(whole), 'video/x-msvideo')).toBeUndefined();
  });

  test.each([
    ['a playlist', ['-f', 'hls'], () => playlistOf(`${address}/1.ts`)],
    ['a list of files', ['-f', 'concat', '-safe', '0'], () => listOf(`${address}/1.ts`)],
  ])('%s that looks like a video leads nowhere', async (_, open, list) => {
    const path = await file(list());
    // ffmpeg as it comes follows it: so it is how we call it that keeps it in.
    const careless = [
      '-v',
      'quiet',
      '-protocol_whitelist',
      'file,http,tcp',
      ...open,
      '-i',
      path,
      '-f',
      'null',
      '-',
    ];
    await run(ffmpeg, careless).catch(() => undefined);
    expect(visits.splice(0)).not.toEqual([]);
    for (const type of ['video/mp4', 'video/webm']) expect(await grab(path, type)).toBeUndefined();
    expect(visits).toEqual([]);
  });

  test('a list of local files does not reveal them', async () => {
    const secret = await film(ffmpeg, folder);
    for (const path of [await file(listOf(secret)), await file(playlistOf(secret))]) {
      expect(await grab(path, 'video/mp4')).toBeUndefined();
      expect(await grab(path, 'video/webm')).toBeUndefined();
    }
    expect(await grab(secret, 'video/mp4')).toBeDefined();
  });
});

describe('whatever is called ffmpeg', () => {
  const grabWith = async (script: string, timeoutMs = 10_000): Promise<string | undefined> => {
    const grab = createFrameGrabber({ ffmpeg: await imitation(script), timeoutMs });
    const frame = await grab('/dev/null', 'video/mp4');
    return typeof frame === 'object' ? frame.picture.toString() : frame;
  };

  test('has little memory, time, files, and no environment of ours', async () => {
    const told = await grabWith('ulimit -v; ulimit -t; ulimit -n; ulimit -f; ulimit -c; nice; pwd; env');
    const lines = told?.trim().split('\n') ?? [];
    expect(lines.slice(0, 7)).toEqual(['1048576', '10', '32', '0', '0', '19', '/']);
    // The shell's own.
    expect(lines.slice(7).filter((line) => !/^(PWD|OLDPWD|SHLVL|_)=/.test(line))).toEqual([]);
  });

  test('receives the file and its only allowed format', async () => {
    const told = await grabWith('echo "$@"');
    expect(told).toContain('-protocol_whitelist file ');
    expect(told).toContain('-f mov -i file:/dev/null ');
  });

  test('is killed at the timeout, with everything that it has started', async () => {
    const mark = `98765${String(Date.now())}`;
    expect(await grabWith(`sleep ${mark} & sleep ${mark}`, 200)).toBe('out of time');
    await until(async () => (await running(mark)) === 0);
  });

  test('is killed when its output is too large', async () => {
    expect(await grabWith('exec cat /dev/zero')).toBeUndefined();
  });

  test('may fail or be missing', async () => {
    expect(await grabWith('echo half a picture; exit 1')).toBeUndefined();
    expect(await grabWith('exit 0')).toBeUndefined();
    const missing = createFrameGrabber({ ffmpeg: join(folder, 'missing') });
    expect(await missing('/dev/null', 'video/mp4')).toBeUndefined();
  });

  test('is searched in the PATH', async () => {
    await imitation('');
    const path = await imitation('');
    const name = path.slice(folder.length + 1);
    expect(findProgram(name, `/nowhere:${folder}`)).toBe(path);
    expect(findProgram(name, '/nowhere')).toBeUndefined();
    expect(findProgram((await file('not a program')).slice(folder.length + 1), folder)).toBeUndefined();
  });
});

/** The number of processes with the mark in their command line. */
async function running(mark: string): Promise<number> {
  const processes = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const commands = await Promise.all(
    processes.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
  );
  return commands.filter((command) => command.startsWith('sleep') && command.includes(mark)).length;
}
