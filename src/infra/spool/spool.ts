/**
 * Stores verified webhooks on disk while the database is unavailable. They are appended to segments in one
 * folder, synced before the sender is answered, replayed, and deleted once their rows are written. Several
 * processes may share the folder.
 *
 * The name of a segment consists of the time of its first webhook, its mark (see record.ts) and its state:
 * `.open` while its writer appends, `.whole` when the writer has finished it, `.left` when another process
 * took it over and its end may be torn, `.damaged` when its webhooks are replayed but some of its bytes could
 * not be read, `.aside` for one webhook that the database refuses although it stores others. A process that
 * takes over an open segment renames it before reading it; the writer checks the name after each sync, and
 * writes again what may not have been read.
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
import {
  decodeRecords,
  encodeRecord,
  markBytes,
  type DecodedRecords,
  type SpooledWebhook,
} from './record.js';

export interface SpoolCount {
  readonly webhooks: number;
  readonly bytes: number;
  /** The time at which the oldest webhook was received. */
  readonly oldestAt: Date | null;
  /** Webhooks that were set aside; the other numbers do not include them. */
  readonly aside: number;
}

/** The content of one file, to be committed in this order. */
export interface Segment {
  readonly webhooks: readonly SpooledWebhook[];
  /** Called when the rows are committed. When it resolves, the webhooks are not replayed again. */
  readonly markDone: () => Promise<void>;
}

export interface Spool {
  /**
   * Resolves when the webhook is durable. Rejects if the disk fails or there is no room; nothing of the
   * webhook remains then.
   */
  readonly append: (webhook: SpooledWebhook) => Promise<void>;
  /** The oldest segment that no process is still writing to; undefined if there is none. */
  readonly oldest: () => Promise<Segment | undefined>;
  readonly isEmpty: () => Promise<boolean>;
  /** Rejects if no file can be created in the folder. */
  readonly probe: () => Promise<void>;
  /** Stores a webhook separately for examination. Resolves when it is durable. */
  readonly setAside: (webhook: SpooledWebhook) => Promise<void>;
  /** The number of spooled webhooks of all processes that share the folder. */
  readonly count: () => Promise<SpoolCount>;
  readonly close: () => Promise<void>;
}

/**
 * An open segment that changed more recently has a writer, which closes it when the database is available
 * again.
 */
const abandonedAfterMs = 2_000;
const timeDigits = 15;
const segmentName = new RegExp(
  `^\\d{${String(timeDigits)}}-[0-9a-f]{${String(2 * markBytes)}}\\.(open|whole|left)$`,
);
const asideName = new RegExp(`^\\d{${String(timeDigits)}}-[0-9a-f]{${String(2 * markBytes)}}\\.aside$`);
/** Segments and groups of writes are held in memory completely. */
const segmentBytes = 8_388_608;

interface PendingWebhook {
  readonly webhook: SpooledWebhook;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

interface OpenSegment {
  readonly path: string;
  readonly mark: Buffer;
  readonly file: FileHandle;
  /** The number of synced bytes. */
  bytes: number;
}

interface SpoolOptions {
  readonly folder: string;
  /** The limit for all segments together; further webhooks are refused. */
  readonly maxBytes: number;
  readonly logger: Logger;
}

export function createSpool({ folder, maxBytes, logger }: SpoolOptions): Spool {
  const waiting: PendingWebhook[] = [];
  /** Cached result of the last `count()`, by file name. */
  let cachedCounts: ReadonlyMap<string, { readonly bytes: number; readonly webhooks: number }> = new Map();
  let current: OpenSegment | undefined;
  /** The size of all segments as far as this process knows; it is determined again with each new segment. */
  let total = 0;
  let lastSegmentTime = 0;
  let lastTask = Promise.resolve();

  /** Runs operations on the open segment one after another. */
  const exclusively = <T>(work: () => Promise<T>): Promise<T> => {
    const result = lastTask.then(work);
    lastTask = result.then(
      () => undefined,
      () => undefined,
    );
    return result;
  };

  const createSegment = async (receivedAt: string): Promise<OpenSegment> => {
    await makeSyncedFolder(folder, 0o700);
    total = sum((await list(folder)).map(({ bytes }) => bytes));
    const mark = randomBytes(markBytes);
    lastSegmentTime = Math.max(Date.parse(receivedAt), lastSegmentTime + 1); // Names sort by creation.
    const path = join(folder, nameOf(lastSegmentTime, mark, 'open'));
    const file = await open(path, 'ax', 0o600);
    try {
      await syncFolder(folder);
    } catch (error) {
      await file.close();
      throw error;
    }
    return { path, mark, file, bytes: 0 };
  };

  /** Closes the open segment. The state `whole` is used only if it contains nothing but complete records. */
  const closeSegment = async (segment: OpenSegment, state: 'whole' | 'left' = 'whole'): Promise<void> => {
    if (current === segment) current = undefined;
    await segment.file.close();
    if (segment.bytes === 0) await rm(segment.path, { force: true });
    else await rename(segment.path, withState(segment.path, state)).catch(ignoreMissing);
  };

  /** Removes records that were not acknowledged, and stops using this file. */
  const rollBack = async (segment: OpenSegment): Promise<void> => {
    const isWhole = await segment.file.truncate(segment.bytes).then(
      () => true,
      () => false,
    );
    await closeSegment(segment, isWhole ? 'whole' : 'left').catch(() => undefined);
  };

  const write = async (group: readonly PendingWebhook[]): Promise<void> => {
    const [first] = group;
    if (!first) return;
    const segment = (current ??= await createSegment(first.webhook.receivedAt));
    const accepted: PendingWebhook[] = [];
    const records: Buffer[] = [];
    let bytes = 0;
    for (const one of group) {
      const record = encodeRecord(one.webhook, segment.mark);
      if (total + bytes + record.length > maxBytes) {
        one.reject(new Error(`the spool is full: ${String(total)} of ${String(maxBytes)} bytes are used`));
        continue;
      }
      accepted.push(one);
      records.push(record);
      bytes += record.length;
    }
    if (!(await appendAndSync(segment, records))) {
      // Another process took over the segment and may have read it before this write.
      await segment.file.close();
      current = undefined;
      await write(accepted);
      return;
    }
    segment.bytes += bytes;
    total += bytes;
    for (const { resolve } of accepted) resolve();
    if (segment.bytes >= segmentBytes) await closeSegment(segment);
  };

  /** Returns false if the file is no longer in its place. */
  const appendAndSync = async (segment: OpenSegment, records: readonly Buffer[]): Promise<boolean> => {
    try {
      if (records.length > 0) {
        await segment.file.appendFile(Buffer.concat(records));
        await segment.file.datasync();
      }
    } catch (error) {
      await rollBack(segment);
      throw error;
    }
    const [mine, there] = await Promise.all([segment.file.stat(), stat(segment.path).catch(() => undefined)]);
    return mine.ino === there?.ino;
  };

  const writeNext = async (): Promise<void> => {
    const group = waiting.splice(0, groupSize(waiting));
    // Webhooks beyond the size limit, and those that arrive during the sync, form the next group.
    if (waiting.length > 0) void exclusively(writeNext);
    try {
      await write(group);
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
  };

  /**
   * Returns undefined if the segment is gone, another process writes to it, or it cannot be read and was
   * renamed.
   */
  const takeOver = async ({ name, path: found, modifiedMs }: SegmentFile): Promise<Segment | undefined> => {
    const isOpen = name.endsWith('.open');
    if (isOpen && Math.abs(Date.now() - modifiedMs) < abandonedAfterMs) return undefined;
    const path = isOpen ? withState(found, 'left') : found;
    try {
      if (path !== found) await rename(found, path);
      return toSegment(path, decodeRecords(await readFile(path), markOf(name)));
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      logger.error({ err: error, segment: name }, 'a spool segment cannot be read');
      await rename(path, withState(path, 'damaged')).catch(ignoreMissing);
      return undefined;
    }
  };

  const toSegment = (path: string, { webhooks, damagedBytes, tornBytes }: DecodedRecords): Segment => {
    // Only a writer that died leaves a torn end, and its sender received no answer.
    const isDamaged = damagedBytes > 0 || (tornBytes > 0 && !path.endsWith('.left'));
    const context = { segment: basename(path), webhooks: webhooks.length, damagedBytes, tornBytes };
    if (isDamaged) logger.error(context, 'a spool segment is damaged');
    else if (tornBytes > 0) logger.warn(context, 'a spool segment ends in the middle of a webhook');
    return {
      webhooks,
      markDone: async () => {
        if (isDamaged) await rename(path, withState(path, 'damaged')).catch(ignoreMissing);
        else await rm(path, { force: true });
        await syncFolder(folder);
      },
    };
  };

  const count = async (): Promise<SpoolCount> => {
    const found = await list(folder);
    const counts = new Map<string, { readonly bytes: number; readonly webhooks: number }>();
    for (const { name, path, bytes } of found) {
      const cached = cachedCounts.get(name);
      const webhooks = cached?.bytes === bytes ? cached.webhooks : await countWebhooks(path, name);
      if (webhooks === undefined) return count(); // The segment was renamed or replayed.
      counts.set(name, { bytes, webhooks });
    }
    cachedCounts = counts;
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
        if (waiting.length === 1) void exclusively(writeNext);
      }),
    oldest: async () => {
      await exclusively(async () => current && closeSegment(current));
      for (const found of await list(folder)) {
        const segment = await takeOver(found);
        if (segment !== undefined) return segment;
      }
      return undefined;
    },
    isEmpty: async () => (await list(folder)).length === 0,
    probe: async () => {
      if (maxBytes === 0) return; // The spool is disabled.
      await makeSyncedFolder(folder, 0o700);
      const path = join(folder, 'trial');
      try {
        await writeFile(path, '', { mode: 0o600 });
      } finally {
        await rm(path, { force: true });
      }
    },
    setAside: async (webhook) => {
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
    close: () => exclusively(async () => current && closeSegment(current)),
  };
}

/** Returns how many pending webhooks are written together, at least one. */
function groupSize(waiting: readonly PendingWebhook[]): number {
  let bytes = 0;
  const tooMany = waiting.findIndex(({ webhook }, place) => {
    bytes += webhook.body.length;
    return place > 0 && bytes > segmentBytes;
  });
  return tooMany < 0 ? waiting.length : tooMany;
}

interface SegmentFile {
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
  readonly modifiedMs: number;
}

/** The segments that are still to be committed, oldest first. */
async function list(folder: string): Promise<SegmentFile[]> {
  const found: SegmentFile[] = [];
  for (const name of (await namesIn(folder)).filter((fileName) => segmentName.test(fileName)).sort()) {
    const path = join(folder, name);
    const facts = await lstat(path).catch(ignoreMissing);
    // The file may have been renamed and would be missed.
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

/** Returns undefined if the file does not exist. */
async function countWebhooks(path: string, name: string): Promise<number | undefined> {
  const bytes = await readFile(path).catch(ignoreMissing);
  return bytes && decodeRecords(bytes, markOf(name)).webhooks.length;
}

function markOf(name: string): Buffer {
  return Buffer.from(name.slice(timeDigits + 1).split('.')[0] ?? '', 'hex');
}

function withState(path: string, state: 'whole' | 'left' | 'damaged'): string {
  return path.replace(/\.[a-z]+$/, `.${state}`);
}

function ignoreMissing(error: unknown): undefined {
  if (codeOf(error) !== 'ENOENT') throw error;
}

function codeOf(error: unknown): unknown {
  return (error as NodeJS.ErrnoException).code;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
