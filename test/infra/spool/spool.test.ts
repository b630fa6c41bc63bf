/**
 * Webhooks on disk are complete or absent, stored once and in order, whatever happens to the file or its
 * writer.
 */
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { newId } from '../../../src/domain/id.js';
import { createLogger } from '../../../src/infra/logging/logger.js';
import { decodeRecords, encodeRecord, type SpooledWebhook } from '../../../src/infra/spool/record.js';
import { createSpool, type Spool } from '../../../src/infra/spool/spool.js';
import { built, projectFolder } from '../../support/program.js';

const run = promisify(execFile);
const gibibyte = 1_073_741_824;
const mark = randomBytes(16);

let root: string;
let folder: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'inlet-spool-'));
  folder = join(root, 'inlet', 'spool');
});
afterEach(async () => {
  // Includes spools that a test has left as if their process had died: their files are still open here.
  await Promise.allSettled(opened.splice(0).map((spool) => spool.close()));
  await rm(root, { recursive: true, force: true });
});

const opened: Spool[] = [];
function open(maxBytes = gibibyte): Spool {
  const spool = createSpool({ folder, maxBytes, logger: createLogger('silent') });
  opened.push(spool);
  return spool;
}

function webhook(name: string, body: Buffer = Buffer.from(`{"name":"${name}"}`)): SpooledWebhook {
  return {
    id: newId(),
    channel: 'z-api',
    provider: 'z-api',
    media: [newId()],
    headers: { 'x-name': name },
    receivedAt: '2026-11-21T10:00:00.000Z',
    body,
  };
}

const named = (count: number): SpooledWebhook[] =>
  Array.from({ length: count }, (_, place) => webhook(String(place)));

const namesOf = (webhooks: readonly SpooledWebhook[]): (string | undefined)[] =>
  webhooks.map(({ headers }) => headers['x-name']);

/** Everything in the spool, which is empty afterwards. */
async function drain(spool: Spool): Promise<SpooledWebhook[]> {
  const all: SpooledWebhook[] = [];
  for (let segment = await spool.oldest(); segment; segment = await spool.oldest()) {
    all.push(...segment.webhooks);
    await segment.markDone();
  }
  return all;
}

/** Creates a file as a process leaves it. */
async function leave(content: Buffer, state: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `000001795255200-${mark.toString('hex')}.${state}`), content);
}

/** Makes all files look as if they had not changed for long, or only for so long. */
async function age(ms = 60_000): Promise<void> {
  const past = new Date(Date.now() - ms);
  for (const name of await readdir(folder).catch(() => []))
    await utimes(join(folder, name), past, past).catch(() => undefined);
}

describe('a record', () => {
  const records = ['first', 'second', 'third'].map((name) => encodeRecord(webhook(name), mark));
  const last = records.at(-1) ?? Buffer.alloc(0);

  test('survives a round trip, with any bytes as its body', () => {
    for (const body of [Buffer.alloc(0), randomBytes(70_000), Buffer.from('\u0000\ud83d\ude00'), mark]) {
      const given = webhook('any', body);
      expect(decodeRecords(encodeRecord(given, mark), mark)).toEqual({
        webhooks: [given],
        damagedBytes: 0,
        tornBytes: 0,
      });
    }
  });

  test('that is torn at any byte is dropped, and earlier ones are not', () => {
    const whole = Buffer.concat(records.slice(0, 2));
    for (let bytes = 0; bytes < last.length; bytes += 1) {
      const found = decodeRecords(Buffer.concat(records).subarray(0, whole.length + bytes), mark);
      expect([namesOf(found.webhooks), found.damagedBytes, found.tornBytes]).toEqual([
        ['first', 'second'],
        0,
        bytes,
      ]);
    }
  });

  test('whose last bytes were never written, as after a power failure, is dropped', () => {
    for (let bytes = 0; bytes < last.length; bytes += 1) {
      const zeroed = Buffer.concat([last.subarray(0, bytes), Buffer.alloc(last.length - bytes)]);
      // A record may end in zeros only if it is complete.
      const found = decodeRecords(Buffer.concat([...records.slice(0, 2), zeroed]), mark);
      expect([namesOf(found.webhooks), found.tornBytes]).toEqual([['first', 'second'], last.length]);
    }
  });

  test('with any byte changed is skipped, and its neighbours are not', () => {
    const before = records[0]?.length ?? 0;
    const changed = records[1]?.length ?? 0;
    for (let place = 0; place < changed; place += 1) {
      const bytes = Buffer.concat(records);
      bytes[before + place] = (bytes[before + place] ?? 0) ^ 0x41;
      const found = decodeRecords(bytes, mark);
      expect([namesOf(found.webhooks), found.damagedBytes]).toEqual([['first', 'third'], changed]);
    }
  });

  test('inside the body of another one, placed there by a sender, is never read as a record', () => {
    const forged = encodeRecord(webhook('forged'), randomBytes(16));
    const carrier = encodeRecord(webhook('carrier', forged), mark);
    for (let bytes = 0; bytes < carrier.length; bytes += 1)
      expect(decodeRecords(carrier.subarray(0, bytes), mark).webhooks).toEqual([]);
  });
});

describe('the spool', () => {
  test('returns all webhooks in order, and is empty then', async () => {
    const spool = open();
    const given = named(300);
    await Promise.all(given.map((one) => spool.append(one)));
    expect(await spool.isEmpty()).toBe(false);
    expect(await spool.count()).toEqual({
      webhooks: 300,
      bytes: expect.any(Number),
      oldestAt: new Date('2026-11-21T10:00:00.000Z'),
      aside: 0,
    });
    expect(await drain(spool)).toEqual(given);
    expect(await spool.isEmpty()).toBe(true);
    expect(await readdir(folder)).toEqual([]);
    expect(await spool.count()).toEqual({ webhooks: 0, bytes: 0, aside: 0, oldestAt: null });
  });

  test('is readable by its owner only', async () => {
    const spool = open();
    await spool.append(webhook('private'));
    const [file = ''] = await readdir(folder);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect((await stat(join(folder, file))).mode & 0o777).toBe(0o600);
    expect(file).toMatch(/^\d{15}-[0-9a-f]{32}\.open$/);
    await spool.close();
  });

  test('begins a new segment after 8 MB, and keeps the order', async () => {
    const spool = open();
    const given = Array.from({ length: 12 }, (_, place) =>
      // Webhooks that are read first were received first.
      Object.assign(webhook(String(place), randomBytes(2_000_000)), {
        receivedAt: new Date(1_795_255_200_000 + place).toISOString(),
      }),
    );
    for (const one of given) await spool.append(one);
    const sizes = await Promise.all(
      (await readdir(folder)).map(async (name) => (await stat(join(folder, name))).size),
    );
    expect(sizes.length).toBeGreaterThan(2);
    expect(Math.max(...sizes)).toBeLessThan(11_000_000);
    expect(namesOf(await drain(spool))).toEqual(namesOf(given));
  });

  test('returns a segment again until it is marked as done', async () => {
    const spool = open();
    await spool.append(webhook('one'));
    await spool.oldest();
    await spool.append(webhook('two'));
    expect(namesOf((await spool.oldest())?.webhooks ?? [])).toEqual(['one']);
    expect(namesOf(await drain(spool))).toEqual(['one', 'two']);
  });

  test('never appears empty while a segment is renamed', async () => {
    const spool = open();
    const looks: { webhooks: number; isEmpty: boolean }[] = [];
    for (let round = 1; round <= 100; round += 1) {
      await spool.append(webhook(String(round)));
      const ending = spool.oldest();
      while (looks.length < round * 10) {
        const [{ webhooks }, isEmpty] = await Promise.all([spool.count(), spool.isEmpty()]);
        looks.push({ webhooks: webhooks - round, isEmpty });
      }
      await ending;
    }
    expect(looks.filter(({ webhooks, isEmpty }) => webhooks !== 0 || isEmpty)).toEqual([]);
  });

  test('respects its limit, refuses webhooks that do not fit, and stores them once there is room', async () => {
    const spool = open(20_000);
    const given = Array.from({ length: 30 }, (_, place) => webhook(String(place), randomBytes(1_000)));
    const taken = await Promise.all(
      given.map((one) =>
        spool.append(one).then(
          () => one,
          (error: unknown) => {
            expect(String(error)).toContain('of 20000 bytes');
            return undefined;
          },
        ),
      ),
    );
    const kept = taken.filter((one) => one !== undefined);
    expect(kept.length).toBeGreaterThan(10);
    expect(kept.length).toBeLessThan(20);
    expect((await spool.count()).bytes).toBeLessThanOrEqual(20_000);
    // The limit applies to the folder: another process that shares it has no room either.
    await expect(open(20_000).append(webhook('other', randomBytes(2_000)))).rejects.toThrow('20000 bytes');
    expect(await drain(spool)).toEqual(kept);
    await spool.append(webhook('again', randomBytes(1_000)));
    expect(namesOf(await drain(spool))).toEqual(['again']);
  });

  test('drops the torn end of a killed process, and keeps what precedes it', async () => {
    const records = named(3).map((one) => encodeRecord(one, mark));
    await leave(Buffer.concat(records).subarray(0, -1), 'open');
    await age();
    const spool = open();
    expect(namesOf(await drain(spool))).toEqual(['0', '1']);
    expect(await readdir(folder)).toEqual([]);
  });

  test('sets a damaged segment aside after everything else in it was replayed', async () => {
    const records = named(3).map((one) => encodeRecord(one, mark));
    const bytes = Buffer.concat(records);
    bytes[(records[0]?.length ?? 0) + 60] = 0xff;
    await leave(bytes, 'whole');
    const spool = open();
    expect(await spool.count()).toMatchObject({ webhooks: 2 });
    expect(namesOf(await drain(spool))).toEqual(['0', '2']);
    expect(await spool.isEmpty()).toBe(true);
    const [aside = ''] = await readdir(folder);
    expect(aside).toMatch(/\.damaged$/);
    expect((await readFile(join(folder, aside))).equals(bytes)).toBe(true);
  });

  test('sets aside a segment that was closed properly but has a torn end', async () => {
    await leave(Buffer.concat(named(2).map((one) => encodeRecord(one, mark))).subarray(0, -1), 'whole');
    expect(namesOf(await drain(open()))).toEqual(['0']);
    expect(await readdir(folder)).toEqual([expect.stringMatching(/\.damaged$/)]);
  });

  test('ignores foreign files, and continues with readable ones', async () => {
    await leave(Buffer.alloc(0), 'open');
    await age();
    await mkdir(join(folder, `000000000000001-${mark.toString('hex')}.whole`));
    await writeFile(join(folder, 'notes.txt'), 'mine');
    const spool = open();
    await spool.append(webhook('one'));
    expect(namesOf(await drain(spool))).toEqual(['one']);
    expect((await readdir(folder)).sort()).toEqual([expect.stringMatching(/^0+1-.*\.damaged$/), 'notes.txt']);
  });

  test('leaves an open segment to its writer for a while', async () => {
    const writer = open();
    const reader = open();
    await writer.append(webhook('one'));
    // By a clock that is ahead, so that the file does not become old while this process is stopped.
    await age(-1_500);
    expect(await reader.oldest()).toBeUndefined();
    expect(await reader.isEmpty()).toBe(false);
    await age();
    expect(namesOf(await drain(reader))).toEqual(['one']);
    await writer.append(webhook('two'));
    expect(namesOf(await drain(writer))).toEqual(['two']);
  });

  test('loses nothing if another process takes over the segment that it is writing', async () => {
    const writer = open();
    const reader = open();
    const read: SpooledWebhook[] = [];
    const given = named(2_000);
    let takenOver = 0;
    for (let from = 0; from < given.length; from += 20) {
      const appending = Promise.all(given.slice(from, from + 20).map((one) => writer.append(one)));
      await age();
      const some = await drain(reader);
      if (some.length > 0) takenOver += 1;
      read.push(...some);
      await appending;
    }
    expect(takenOver).toBeGreaterThan(1);
    // Rather twice than never: rows are unique.
    read.push(...(await drain(writer)));
    expect(new Set(namesOf(read))).toEqual(new Set(namesOf(given)));
  }, 90_000);

  test('returns no partial webhook if other bytes follow its records', async () => {
    const spool = open();
    await spool.append(webhook('one'));
    const [file = ''] = await readdir(folder);
    await appendFile(join(folder, file), randomBytes(100));
    await spool.append(webhook('two'));
    expect(namesOf(await drain(spool))).toEqual(['one', 'two']);
  });
});

/** Appends webhooks of 10 kB one by one and prints their outcomes, then the contents. */
const filling = `
  import { readdirSync, statSync } from 'node:fs';
  import { createSpool } from '${built('infra/spool/spool.js')}';
  import { createLogger } from '${built('infra/logging/logger.js')}';
  const [, folder, room] = process.argv;
  const spool = createSpool({ folder, maxBytes: 1e9, logger: createLogger('silent') });
  const told = [];
  const append = async (name, bytes) => spool.append({ id: name, channel: 'c', provider: 'p', media: [], headers: {},
    receivedAt: '2026-11-21T10:00:00.000Z', body: Buffer.alloc(bytes, 'x') }).then(() => told.push(name), (error) => told.push(error.code));
  for (let time = 0; time < 10; time += 1) await append(String(time), 10_000);
  const read = [];
  for (let segment = await spool.oldest(); segment; segment = await spool.oldest()) {
    read.push(...segment.webhooks.map(({ id }) => id));
    await segment.markDone();
  }
  await append('again', 10_000);
  await spool.close();
  console.log(JSON.stringify({ told, read, damaged: readdirSync(folder).filter((name) => name.endsWith('.damaged')) }));`;

interface Filled {
  readonly told: readonly string[];
  readonly read: readonly string[];
  readonly damaged: readonly string[];
}

async function fill(spoolFolder: string, before: string): Promise<Filled> {
  const command = `${before}; exec "$0" --input-type=module --eval "$1" -- "$2"`;
  const args = ['-c', command, process.execPath, filling, spoolFolder];
  return JSON.parse((await run('bash', args, { cwd: projectFolder })).stdout) as Filled;
}

describe('a full disk', () => {
  const describeAsRoot = process.getuid?.() === 0 ? describe : describe.skip;
  describeAsRoot('because it is full', () => {
    test('refuses webhooks, keeps nothing of them, and accepts more once there is room', async () => {
      await run('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', root]);
      try {
        const { told, read, damaged } = await fill(join(root, 'spool'), 'true');
        const taken = told.filter((one) => one !== 'ENOSPC');
        expect(told.length - taken.length).toBeGreaterThan(1);
        // The contents must match the answers; a partial webhook would have damaged its file.
        expect(taken).toEqual([...read, 'again']);
        expect(damaged).toEqual([]);
      } finally {
        await run('umount', [root]);
      }
    });
  });

  test('in the middle of a write: the partial record is removed, and a new file begins', async () => {
    // No file may have more than 35 blocks of 1 024 bytes: the fourth webhook is cut off, and the next ones
    // go to another file.
    const { told, read, damaged } = await fill(folder, 'ulimit -f 35');
    expect(told).toEqual(['0', '1', '2', 'EFBIG', '4', '5', '6', 'EFBIG', '8', '9', 'again']);
    expect(read).toEqual(['0', '1', '2', '4', '5', '6', '8', '9']);
    expect(damaged).toEqual([]);
  });

  test('whose folder cannot be created refuses', async () => {
    await writeFile(join(root, 'inlet'), '');
    await expect(open().append(webhook('one'))).rejects.toMatchObject({ code: 'ENOTDIR' });
  });
});

test('the digest covers every byte', () => {
  const record = encodeRecord(webhook('digest'), mark);
  const payload = record.subarray(52);
  expect(record.subarray(20, 52).equals(createHash('sha256').update(payload).digest())).toBe(true);
});
