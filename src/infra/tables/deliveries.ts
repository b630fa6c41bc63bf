/** Raw webhooks by their content, and those that have to be read again. */
import { notYetEvaluated } from '../../domain/receipt.js';
import type { Pool } from '../postgres/database.js';

/** A raw webhook that is not erased. */
export interface KeptDelivery {
  readonly body: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * `contentHash` is the SHA-256 of the body in hex. Resolves to null if there is no such webhook, or not any
 * more.
 */
export type FindDelivery = (of: {
  readonly channel: string;
  readonly contentHash: string;
}) => Promise<KeptDelivery | null>;

export function createFindDelivery({ prisma }: Pick<Pool, 'prisma'>): FindDelivery {
  return ({ channel, contentHash }) =>
    prisma.delivery.findUnique({
      where: {
        channel_contentHash: { channel, contentHash: Buffer.from(contentHash, 'hex') },
        erasedAt: null,
      },
      select: { body: true, headers: true },
    }) as Promise<KeptDelivery | null>;
}

/** Webhooks whose expression could not be evaluated when they arrived. */
export interface UnevaluatedDeliveries {
  /** Those that arrived since a time, oldest first, from behind the id `after`. */
  readonly list: (since: Date, after?: string) => Promise<readonly UnevaluatedDelivery[]>;
  /** Resolves to null if it was deleted, erased or understood meanwhile. */
  readonly read: (id: string) => Promise<WholeDelivery | null>;
}

export interface UnevaluatedDelivery {
  readonly id: string;
  readonly channel: string;
  readonly provider: string;
}

export interface WholeDelivery extends KeptDelivery, UnevaluatedDelivery {
  readonly receivedAt: Date;
  readonly erasedAt: Date | null;
}

const pageSize = 100;
const unevaluated = { outcome: 'malformed', reason: notYetEvaluated, erasedAt: null };

export function createUnevaluatedDeliveries({ prisma }: Pick<Pool, 'prisma'>): UnevaluatedDeliveries {
  return {
    list: (since, after) =>
      prisma.delivery.findMany({
        where: { ...unevaluated, receivedAt: { gte: since }, ...(after && { id: { gt: after } }) },
        orderBy: { id: 'asc' },
        take: pageSize,
        select: { id: true, channel: true, provider: true },
      }),
    read: (id) =>
      prisma.delivery.findUnique({ where: { ...unevaluated, id } }) as Promise<WholeDelivery | null>,
  };
}
