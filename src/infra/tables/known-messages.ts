/**
 * What is known about messages that a provider lists: whether they arrived, and whether they may be stored.
 */
import type { Pseudonym } from '../../domain/pseudonym.js';
import type { Pool } from '../postgres/database.js';
import { findErased } from './inbox/statements.js';

export interface KnownMessages {
  /** The ids among these of messages that arrived, also of erased ones. */
  readonly arrived: (channel: string, messageIds: readonly string[]) => Promise<ReadonlySet<string>>;
  /** Whether one of these people was erased since the moment. */
  readonly isErased: (people: People, since: Date) => Promise<boolean>;
}

interface People {
  readonly channel: string;
  readonly contacts: readonly string[];
}

export function createKnownMessages(
  pool: Pick<Pool, 'query' | 'prisma'>,
  pseudonym: Pseudonym,
): KnownMessages {
  return {
    arrived: async (channel, messageIds) => {
      const where = { channel, messageId: { in: [...messageIds] } };
      const found = await pool.prisma.message.findMany({ where, select: { messageId: true } });
      return new Set(found.map(({ messageId }) => messageId));
    },
    isErased: async ({ channel, contacts }, since) => {
      const pseudonyms = contacts.map((contact) => pseudonym(channel, contact));
      return (await findErased(pool, { channel, pseudonyms, since })).length > 0;
    },
  };
}
