/** The media that somebody has starred. Rows are erased with their media item and with their user. */
import type { Owner } from '../../../domain/access.js';
import type { Pool } from '../../postgres/database.js';

export interface FavouriteTable {
  /** False if nothing was added: it is one already, or the media item or the user is gone. */
  readonly add: (owner: Owner, mediaId: string) => Promise<boolean>;
  readonly remove: (owner: Owner, mediaId: string) => Promise<void>;
  /** Those of these media that are favourites, in any order. */
  readonly among: (owner: Owner, mediaIds: readonly string[]) => Promise<string[]>;
}

/**
 * The locks make an erasure and the deletion of the user wait for the row, which they then delete, or this
 * statement wait for them, after which nothing is added.
 */
const addStatement = `
  with item as (select id from media where id = $2 and state <> 'erased' for share),
  holder as (select id from user_account where id = $1::uuid for key share)
  insert into favourite (owner, media_id)
  select $1::uuid, item.id from item where not $3::boolean or exists (select from holder)
  on conflict (owner, media_id) do nothing`;

export function createFavouriteTable(pool: Pick<Pool, 'query' | 'prisma'>): FavouriteTable {
  return {
    add: async ({ id, isUser }, mediaId) => {
      const values = [id, mediaId, isUser];
      const { rowCount } = await pool.query({ name: 'add-favourite', text: addStatement, values });
      return rowCount === 1;
    },
    remove: async ({ id: owner }, mediaId) => {
      await pool.prisma.favourite.deleteMany({ where: { owner, mediaId } });
    },
    among: async ({ id: owner }, mediaIds) => {
      const where = { owner, mediaId: { in: [...mediaIds] } };
      const rows = await pool.prisma.favourite.findMany({ where, select: { mediaId: true } });
      return rows.map(({ mediaId }) => mediaId);
    },
  };
}
