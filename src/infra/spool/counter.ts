import { countWebhooks } from './reader.js';
import { countAside, listSegments, receivedAtOf } from './segment-files.js';

export interface SpoolCount {
  readonly webhooks: number;
  readonly bytes: number;
  /** The time at which the oldest webhook was received. */
  readonly oldestAt: Date | null;
  /** Webhooks that were set aside; the other numbers do not include them. */
  readonly aside: number;
}

interface SegmentCount {
  readonly bytes: number;
  readonly webhooks: number;
}

/**
 * Counts the webhooks of all processes that share the folder. Only segments that have changed are read again.
 */
export function createSpoolCounter(folder: string): () => Promise<SpoolCount> {
  /** The result of the last count, by file name. */
  let cachedCounts: ReadonlyMap<string, SegmentCount> = new Map();

  const count = async (): Promise<SpoolCount> => {
    const found = await listSegments(folder);
    const counts = new Map<string, SegmentCount>();
    for (const segment of found) {
      const { name, bytes } = segment;
      const cached = cachedCounts.get(name);
      const webhooks = cached?.bytes === bytes ? cached.webhooks : await countWebhooks(segment);
      if (webhooks === undefined) return count(); // The segment was renamed or replayed.
      counts.set(name, { bytes, webhooks });
    }
    cachedCounts = counts;
    const [oldest] = found;
    const all = [...counts.values()];
    return {
      webhooks: all.reduce((total, { webhooks }) => total + webhooks, 0),
      bytes: all.reduce((total, { bytes }) => total + bytes, 0),
      oldestAt: oldest ? receivedAtOf(oldest) : null,
      aside: await countAside(folder),
    };
  };
  return count;
}
