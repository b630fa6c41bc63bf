/**
 * Verified webhooks on the disk, for while the database is away: appended to segments in one folder, synced before anybody is
 * answered, read back and removed when their rows are there. Several processes may share the folder.
 *
 * A segment's name is the time of its first webhook, then its mark (see spool-record.ts), then its state: `.open` while its
 * writer appends, `.whole` when the writer has ended it, `.left` when somebody else took it over and its end may be torn,
 * `.damaged` when its webhooks are back but some of its bytes could not be read, `.aside` for one webhook that the database does not
 * take while it takes others. Whoever takes over an open segment renames it before reading it; its writer looks for the name
 * after each sync, and writes again what may not have been read.
 */
import { randomBytes } from 'node:crypto';
import {
  lstat,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
  type FileHandle,
} from 'node:fs/promises';
import { basename, join } from 'node:path';

import { makeSyncedFolder, syncFolder } from '../files/sync-folder.js';
import type { Logger } from '../logging/logger.js';
import { decodeRecords, encodeRecord, markBytes, type Decoded, type SpooledWebhook } from './record.js';

export interface SpoolCount {
  readonly webhooks: number;
  readonly bytes: number;
  /** When the first of them was received. */
  readonly oldestAt: Date | null;
  /** Webhooks that were put aside; they are not among the others. */
  readonly aside: number;
}

/** What one file holds, to be committed in this order. */
export interface Segment {
  readonly webhooks: readonly SpooledWebhook[];
  /** Call it when their rows are committed. When it resolves, they do not come again. */
  readonly done: () => Promise<void>;
}

export interface Spool {
  /** Resolves when the webhook is durable. Rejects when the disk does not take it, or there is no room: then nothing of it stays. */
  readonly append: (webhook: SpooledWebhook) => Promise<void>;
  /** The oldest segment, of whichever process; undefined when there is none that nobody writes to. */
  readonly oldest: () => Promise<Segment | undefined>;
  readonly isEmpty: () => Promise<boolean>;
  /** Rejects when no file could be made here. */
  readonly tryOut: () => Promise<void>;
  /** Keeps a webhook out of the way, for somebody to look at. Resolves when that is durable. */
  readonly putAside: (webhook: SpooledWebhook) => Promise<void>;
  /** What is spooled now, by all processes that share the folder. */
  readonly count: () => Promise<SpoolCount>;
  readonly close: () => Promise<void>;
}

/** An open segment that was written to more lately has a writer, who ends it when the database is back. */
const leftAfterMs = 2_000;
const timeDigits = 15;
const segmentName = new RegExp(
  `^\\d{${String(timeDigits)}}-[0-9a-f]{${String(2 * markBytes)}}\\.(open|whole|left)$`,
);
const asideName = new RegExp(`^\\d{${String(timeDigits)}}-[0-9a-f]{${String(2 * markBytes)}}\\.aside$`);
/** A segment is read into memory as a whole, and so is what is written at once. */
const segmentBytes = 8_388_608;

interface Waiting {
  readonly webhook: SpooledWebhook;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

interface OpenSegment {
  readonly path: string;
  readonly mark: Buffer;
  readonly file: FileHandle;
  /** Bytes that are synced. */
  bytes: number;
}

interface SpoolOptions {
  readonly folder: string;
  /** Of all segments together; what does not fit is refused. */
  readonly maxBytes: number;
  readonly logger: Logger;
}

export function createSpool({ folder, maxBytes, logger }: SpoolOptions): Spool {
  const waiting: Waiting[] = [];
  /** As of the last count. */
  let counted: ReadonlyMap<string, { readonly bytes: number; readonly webhooks: number }> = new Map();
  let current: OpenSegment | undefined;
  /** Bytes of all segments, as far as this process knows; looked at anew with each segment that it begins. */
  let total = 0;
  let lastBegun = 0;
  let working = Promise.resolve();

  /** One after another: what touches the open segment. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const result = working.then(work);
    working = result.then(
      () => undefined,
      () => undefined,
    );
    return result;
  };

  const begin = async (receivedAt: string): Promise<OpenSegment> => {
    await makeSyncedFolder(folder, 0o700);
    total = sum((await list(folder)).map(({ bytes }) => bytes));
    const mark = randomBytes(markBytes);
    lastBegun = Math.max(Date.parse(receivedAt), lastBegun + 1); // Names sort in the order of being begun.
    const path = join(folder, nameOf(lastBegun, mark, 'open'));
    const file = await open(path, 'ax', 0o600);
    try {
      await syncFolder(folder);
    } catch (error) {
      await file.close();
      throw error;
    }
    return { path, mark, file, bytes: 0 };
  };

  /** Ends the open segment. Nothing but whole records is in it, or it does not say so. */
  const seal = async (segment: OpenSegment, state: 'whole' | 'left' = 'whole'): Promise<void> => {
    if (current === segment) current = undefined;
    await segment.file.close();
    if (segment.bytes === 0) await rm(segment.path, { force: true });
    else await rename(segment.path, named(segment.path, state)).catch(unlessMissing);
  };

  /** Takes back what was not answered, and trusts this file no further. */
  const takeBack = async (segment: OpenSegment): Promise<void> => {
    const isWhole = await segment.file.truncate(segment.bytes).then(
      () => true,
      () => false,
    );
    await seal(segment, isWhole ? 'whole' : 'left').catch(() => undefined);
  };

  const write = async (group: readonly Waiting[]): Promise<void> => {
    const [first] = group;
    if (!first) return;
    const segment = (current ??= await begin(first.webhook.receivedAt));
    const fitting: Waiting[] = [];
    const records: Buffer[] = [];
    let bytes = 0;
    for (const one of group) {
      const record = encodeRecord(one.webhook, segment.mark);
      if (total + bytes + record.length > maxBytes) {
        one.reject(new Error(`the spool has ${String(total)} of ${String(maxBytes)} bytes`));
        continue;
      }
      fitting.push(one);
      records.push(record);
      bytes += record.length;
    }
    if (!(await appendDurably(segment, records))) {
      // Somebody took the segment over, and may have read it before this was in it.
      await segment.file.close();
      current = undefined;
      await write(fitting);
      return;
    }
    segment.bytes += bytes;
    total += bytes;
    for (const { resolve } of fitting) resolve();
    if (segment.bytes >= segmentBytes) await seal(segment);
  };

  /** False: the file is no longer where it was. */
  const appendDurably = async (segment: OpenSegment, records: readonly Buffer[]): Promise<boolean> => {
    try {
      if (records.length > 0) {
        await segment.file.appendFile(Buffer.concat(records));
        await segment.file.datasync();
      }
    } catch (error) {
      await takeBack(segment);
      throw error;
    }
    const [mine, there] = await Promise.all([segment.file.stat(), stat(segment.path).catch(() => undefined)]);
    return mine.ino === there?.ino;
  };

  const writeSome = async (): Promise<void> => {
    const group = waiting.splice(0, groupSize(waiting));
    // Those that do not fit, and those that come while this group is synced, are the next one.
    if (waiting.length > 0) void inTurn(writeSome);
    try {
      await write(group);
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
  };

  /** Undefined: it is gone, another process writes to it, or it cannot be read and was put aside. */
  const takeOver = async ({ name, path: found, modifiedMs }: Found): Promise<Segment | undefined> => {
    const isOpen = name.endsWith('.open');
    if (isOpen && Math.abs(Date.now() - modifiedMs) < leftAfterMs) return undefined;
    const path = isOpen ? named(found, 'left') : found;
    try {
      if (path !== found) await rename(found, path);
      return toSegment(path, decodeRecords(await readFile(path), markOf(name)));
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      logger.error({ err: error, segment: name }, 'a spool segment cannot be read');
      await rename(path, named(path, 'damaged')).catch(unlessMissing);
      return undefined;
    }
  };

  const toSegment = (path: string, { webhooks, damagedBytes, tornBytes }: Decoded): Segment => {
    // Only a writer that was stopped in the middle leaves a torn end, and nobody was answered for it.
    const isDamaged = damagedBytes > 0 || (tornBytes > 0 && !path.endsWith('.left'));
    const facts = { segment: basename(path), webhooks: webhooks.length, damagedBytes, tornBytes };
    if (isDamaged) logger.error(facts, 'a spool segment is damaged');
    else if (tornBytes > 0) logger.warn(facts, 'a spool segment ends in the middle of a webhook');
    return {
      webhooks,
      done: async () => {
        if (isDamaged) await rename(path, named(path, 'damaged')).catch(unlessMissing);
        else await rm(path, { force: true });
        await syncFolder(folder);
      },
    };
  };

  const count = async (): Promise<SpoolCount> => {
    const found = await list(folder);
    const counts = new Map<string, { readonly bytes: number; readonly webhooks: number }>();
    for (const { name, path, bytes } of found) {
      const known = counted.get(name);
      const webhooks = known?.bytes === bytes ? known.webhooks : await countWebhooks(path, name);
      if (webhooks === undefined) return count(); // It has another name by now, or is done.
      counts.set(name, { bytes, webhooks });
    }
    counted = counts;
    const [oldest] = found;
    return {
      webhooks: sum([...counts.values()].map(({ webhooks }) => webhooks)),
      bytes: sum(found.map(({ bytes }) => bytes)),
      oldestAt: oldest ? new Date(Number(oldest.name.slice(0, timeDigits))) : null,
      aside: (await namesIn(folder)).filter((name) => asideName.test(name)).length,
    };
  };

  return {
    append: (webhook) =>
      new Promise((resolve, reject) => {
        waiting.push({ webhook, resolve, reject });
        if (waiting.length === 1) void inTurn(writeSome);
      }),
    oldest: async () => {
      await inTurn(async () => current && seal(current));
      for (const found of await list(folder)) {
        const taken = await takeOver(found);
        if (taken !== undefined) return taken;
      }
      return undefined;
    },
    isEmpty: async () => (await list(folder)).length === 0,
    tryOut: async () => {
      if (maxBytes === 0) return; // Nothing is to be kept.
      await makeSyncedFolder(folder, 0o700);
      const path = join(folder, 'trial');
      try {
        await writeFile(path, '', { mode: 0o600 });
      } finally {
        await rm(path, { force: true });
      }
    },
    putAside: async (webhook) => {
      const mark = randomBytes(markBytes);
      const path = join(folder, nameOf(Date.parse(webhook.receivedAt), mark, 'aside'));
      const file = await open(path, 'ax', 0o600);
      try {
        await file.appendFile(encodeRecord(webhook, mark));
        await file.datasync();
      } finally {
        await file.close();
      }
      await syncFolder(folder);
    },
    count,
    close: () => inTurn(async () => current && seal(current)),
  };
}

/** How many of those that wait are written together: at least one. */
function groupSize(waiting: readonly Waiting[]): number {
  let bytes = 0;
  const tooMany = waiting.findIndex(({ webhook }, place) => {
    bytes += webhook.body.length;
    return place > 0 && bytes > segmentBytes;
  });
  return tooMany < 0 ? waiting.length : tooMany;
}

interface Found {
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
  readonly modifiedMs: number;
}

/** The segments that are still to be committed, the oldest first. */
async function list(folder: string): Promise<Found[]> {
  const found: Found[] = [];
  for (const name of (await namesIn(folder)).filter((each) => segmentName.test(each)).sort()) {
    const path = join(folder, name);
    const facts = await lstat(path).catch(unlessMissing);
    // It may have another name by now, and would be overlooked.
    if (!facts) return list(folder);
    found.push({ name, path, bytes: facts.size, modifiedMs: facts.mtimeMs });
  }
  return found;
}

function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  });
}

function nameOf(time: number, mark: Buffer, state: 'open' | 'aside'): string {
  return `${String(time).padStart(timeDigits, '0')}-${mark.toString('hex')}.${state}`;
}

/** Undefined: it is not there. */
async function countWebhooks(path: string, name: string): Promise<number | undefined> {
  const bytes = await readFile(path).catch(unlessMissing);
  return bytes && decodeRecords(bytes, markOf(name)).webhooks.length;
}

function markOf(name: string): Buffer {
  return Buffer.from(name.slice(timeDigits + 1).split('.')[0] ?? '', 'hex');
}

function named(path: string, state: 'whole' | 'left' | 'damaged'): string {
  return path.replace(/\.[a-z]+$/, `.${state}`);
}

function unlessMissing(error: unknown): undefined {
  if (codeOf(error) !== 'ENOENT') throw error;
}

function codeOf(error: unknown): unknown {
  return (error as NodeJS.ErrnoException).code;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
