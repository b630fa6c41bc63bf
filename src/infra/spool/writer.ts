/** Appends webhooks to the open segment of this process, in groups with one sync each. */
import { createSequence } from '../../domain/concurrent-calls.js';
import { makeSyncedFolder } from '../files/sync-folder.js';
import { groupSize } from '../scheduling/group-size.js';
import { createOpenSegment, type OpenSegment } from './open-segment.js';
import { encodeRecord, type SpooledWebhook } from './record.js';
import { listSegments } from './segment-files.js';

export interface SpoolWriter {
  /** Resolves when the webhook is durable. If it rejects, nothing of the webhook remains. */
  readonly append: (webhook: SpooledWebhook) => Promise<void>;
  /** Closes the open segment, if there is one; the next webhook begins another. */
  readonly closeSegment: () => Promise<void>;
}

export interface SpoolWriterOptions {
  readonly folder: string;
  /** The limit for all segments together; further webhooks are refused. */
  readonly maxBytes: number;
}

/** Segments and groups of writes are held in memory completely. */
const segmentBytes = 8_388_608;

interface PendingWebhook {
  readonly webhook: SpooledWebhook;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export function createSpoolWriter({ folder, maxBytes }: SpoolWriterOptions): SpoolWriter {
  const waiting: PendingWebhook[] = [];
  /** Runs operations on the open segment one after another. */
  const exclusively = createSequence();
  const room = createRoom(maxBytes);
  let current: OpenSegment | undefined;
  let lastSegmentTime = 0;

  const createSegment = async (receivedAt: string): Promise<OpenSegment> => {
    await makeSyncedFolder(folder, 0o700);
    room.setUsed((await listSegments(folder)).reduce((total, { bytes }) => total + bytes, 0));
    lastSegmentTime = Math.max(Date.parse(receivedAt), lastSegmentTime + 1); // Names sort by creation.
    return createOpenSegment(folder, lastSegmentTime);
  };

  const closeSegment = async (): Promise<void> => {
    const segment = current;
    current = undefined;
    await segment?.close();
  };

  const write = async (group: readonly PendingWebhook[]): Promise<void> => {
    const [first] = group;
    if (!first) return;
    const segment = (current ??= await createSegment(first.webhook.receivedAt));
    const { accepted, records } = room.admit(group, segment.mark);
    const isStored = await segment.append(records).catch((error: unknown) => {
      current = undefined;
      throw error;
    });
    if (!isStored) {
      current = undefined;
      await write(accepted);
      return;
    }
    room.use(records);
    for (const { resolve } of accepted) resolve();
    if (segment.bytes() >= segmentBytes) await closeSegment();
  };

  const writeNext = async (): Promise<void> => {
    const group = waiting.splice(0, groupSize(waiting, sizeOf, { bytes: segmentBytes }));
    // Webhooks beyond the size limit, and those that arrive during the sync, form the next group.
    if (waiting.length > 0) void exclusively(writeNext);
    try {
      await write(group);
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
  };

  return {
    append: (webhook) =>
      new Promise((resolve, reject) => {
        waiting.push({ webhook, resolve, reject });
        if (waiting.length === 1) void exclusively(writeNext);
      }),
    closeSegment: () => exclusively(closeSegment),
  };
}

function sizeOf({ webhook }: PendingWebhook): { readonly bytes: number } {
  return { bytes: webhook.body.length };
}

interface Admitted {
  readonly accepted: readonly PendingWebhook[];
  readonly records: readonly Buffer[];
}

/**
 * The bytes of all segments as far as this process knows; they are determined again with each new segment.
 */
interface Room {
  readonly setUsed: (bytes: number) => void;
  /** Encodes the webhooks for which there is room, and rejects the others. */
  readonly admit: (group: readonly PendingWebhook[], mark: Buffer) => Admitted;
  readonly use: (records: readonly Buffer[]) => void;
}

function createRoom(maxBytes: number): Room {
  let used = 0;
  return {
    setUsed: (bytes) => {
      used = bytes;
    },
    admit: (group, mark) => {
      const accepted: PendingWebhook[] = [];
      const records: Buffer[] = [];
      let bytes = 0;
      for (const pending of group) {
        const record = encodeRecord(pending.webhook, mark);
        if (used + bytes + record.length > maxBytes) {
          pending.reject(
            new Error(`the spool is full: ${String(used)} of ${String(maxBytes)} bytes are used`),
          );
          continue;
        }
        accepted.push(pending);
        records.push(record);
        bytes += record.length;
      }
      return { accepted, records };
    },
    use: (records) => {
      used += records.reduce((total, { length }) => total + length, 0);
    },
  };
}
