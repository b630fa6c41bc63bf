/** What only a report about a media item asks for: its webhooks with their hashes, and copies of its file. */
import type { Pool } from '../../postgres/database.js';

interface EvidenceDelivery {
  readonly id: string;
  /** SHA-256 of the body as it was received, in hex. */
  readonly sha256: string;
  readonly outcome: string;
  readonly receivedAt: Date;
  readonly erasedAt: Date | null;
}

interface Copies {
  /** Ten thousand at most. */
  readonly count: number;
  /** The first that was received. */
  readonly first: { readonly id: string; readonly channel: string; readonly receivedAt: Date } | null;
}

export interface EvidenceSource {
  /** Those of these deliveries that are kept, in the order of their receipt. */
  readonly deliveries: (ids: readonly string[]) => Promise<readonly EvidenceDelivery[]>;
  /** Other media with the same bytes, in the channels that are visible. */
  readonly copies: (
    media: { readonly id: string; readonly sha256: string },
    channels: readonly string[] | undefined,
  ) => Promise<Copies>;
}

const mostCopies = 10_000;

export function createEvidenceSource(pool: Pick<Pool, 'query' | 'prisma'>): EvidenceSource {
  return {
    deliveries: async (ids) => {
      const rows = await pool.prisma.delivery.findMany({
        where: { id: { in: [...ids] } },
        select: { id: true, contentHash: true, outcome: true, receivedAt: true, erasedAt: true },
        orderBy: { id: 'asc' },
      });
      return rows.map(({ contentHash, ...row }) => ({
        ...row,
        sha256: Buffer.from(contentHash).toString('hex'),
      }));
    },
    // A file that is sent to everybody has very many copies, of which an index lists the first.
    copies: async ({ id, sha256 }, channels) => {
      const { rows } = await pool.query<{ id: string; channel: string; receivedAt: Date; count: number }>(
        `select id, channel, received_at as "receivedAt", count(*) over ()::int as count from (
           select id, channel, received_at from media where sha256 = $1 order by id limit ${String(mostCopies)}
         ) as copy
         where id <> $2 and ($3::text[] is null or channel = any($3)) order by id limit 1`,
        [sha256, id, channels ?? null],
      );
      const [first] = rows;
      if (!first) return { count: 0, first: null };
      const { count, ...found } = first;
      return { count, first: found };
    },
  };
}
