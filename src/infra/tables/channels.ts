/** The channels that were added at run time. Each change notifies all processes in its transaction. */
import { transaction, type Pool, type Together, type Transaction } from '../postgres/database.js';
import { notify } from '../postgres/notifications.js';

export interface ChannelRow {
  readonly id: string;
  readonly provider: string;
  readonly name: string | null;
  /** Encrypted (see sealed-box.ts). */
  readonly settings: Uint8Array;
  readonly enabled: boolean;
  /** For how many days media and raw webhooks are kept; null leaves it to the settings of the service. */
  readonly mediaDays: number | null;
  readonly deliveryDays: number | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** A channel as commands read it, perhaps from the tables of an earlier version. */
export type ChannelSettings = Omit<ChannelRow, 'mediaDays' | 'deliveryDays'>;

export interface ChannelTable {
  readonly all: () => Promise<ChannelRow[]>;
  /** Resolves to false if there is a channel with this id already. */
  readonly add: (row: ChannelRow, together: Together) => Promise<boolean>;
  /** The row is locked meanwhile. Resolves to false if there is none. */
  readonly change: (
    id: string,
    next: (row: ChannelRow) => ChannelRow,
    together: Together,
  ) => Promise<boolean>;
  /** Its media remain. Resolves to false if there is no such channel. */
  readonly remove: (id: string, together: Together) => Promise<boolean>;
}

export function createChannelTable(pool: Pool): ChannelTable {
  const writeAndNotify = (
    id: string,
    write: (transaction: Transaction) => Promise<boolean>,
    together: Together,
  ): Promise<boolean> =>
    transaction(pool, async (changing) => {
      const written = await write(changing);
      if (!written) return false;
      await notify(changing, 'channels', id);
      await together(changing);
      return true;
    });

  return {
    all: () => pool.prisma.channel.findMany({ orderBy: [{ createdAt: 'asc' }, { id: 'asc' }] }),

    add: (row, together) =>
      writeAndNotify(
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
      writeAndNotify(
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
      writeAndNotify(
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

/** No other transaction changes the row until this one ends. */
async function lock(changing: Transaction, id: string): Promise<void> {
  await changing.query('select from channel where id = $1 for update', [id]);
}

function dataOf({ settings, ...row }: ChannelRow) {
  return { ...row, settings: Uint8Array.from(settings) };
}
