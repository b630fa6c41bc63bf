/** The channels that were added at run time. Whatever changes one tells all processes in the same transaction. */
import { transaction, type Pool, type Together, type Transaction } from '../postgres/database.js';
import { tell } from '../postgres/notifications.js';

export interface ChannelRow {
  readonly id: string;
  readonly provider: string;
  readonly name: string | null;
  /** Sealed. */
  readonly settings: Uint8Array;
  readonly enabled: boolean;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface ChannelTable {
  readonly all: () => Promise<ChannelRow[]>;
  /** False: there is one with this id already. */
  readonly add: (row: ChannelRow, together: Together) => Promise<boolean>;
  /** Nobody else changes the row meanwhile. False: there is none. */
  readonly change: (
    id: string,
    next: (row: ChannelRow) => ChannelRow,
    together: Together,
  ) => Promise<boolean>;
  /** Its media stay. False: there is none. */
  readonly remove: (id: string, together: Together) => Promise<boolean>;
}

export function createChannelTable(pool: Pool): ChannelTable {
  const writeIfThere = (
    id: string,
    write: (transaction: Transaction) => Promise<boolean>,
    together: Together,
  ): Promise<boolean> =>
    transaction(pool, async (changing) => {
      const written = await write(changing);
      if (!written) return false;
      await tell(changing, 'channels', id);
      await together(changing);
      return true;
    });

  return {
    all: () => pool.prisma.channel.findMany({ orderBy: [{ createdAt: 'asc' }, { id: 'asc' }] }),

    add: (row, together) =>
      writeIfThere(
        row.id,
        async ({ prisma }) => {
          const added = await prisma(({ channel }) =>
            channel.createMany({ data: [dataOf(row)], skipDuplicates: true }),
          );
          return added.count === 1;
        },
        together,
      ),

    change: (id, next, together) =>
      writeIfThere(
        id,
        async (changing) => {
          await lock(changing, id);
          return changing.prisma(async ({ channel }) => {
            const row = await channel.findUnique({ where: { id } });
            if (row) await channel.update({ where: { id }, data: dataOf(next(row)) });
            return row !== null;
          });
        },
        together,
      ),

    remove: (id, together) =>
      writeIfThere(
        id,
        ({ prisma }) =>
          prisma(async ({ channel, channelActivity }) => {
            const { count } = await channel.deleteMany({ where: { id } });
            await channelActivity.deleteMany({ where: { channel: id } });
            return count === 1;
          }),
        together,
      ),
  };
}

/** Nobody else changes the row until the transaction ends. */
async function lock(changing: Transaction, id: string): Promise<void> {
  await changing.query('select from channel where id = $1 for update', [id]);
}

function dataOf({ settings, ...row }: ChannelRow) {
  return { ...row, settings: Uint8Array.from(settings) };
}
