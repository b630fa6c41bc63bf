/** Rows about access that has ended by itself, which nobody needs any more. */
import type { Pool } from '../postgres/database.js';

export interface EndedAccess {
  /** Deletes sessions that have expired, links that have expired, and counts of attempts at passwords. */
  readonly remove: () => Promise<void>;
}

/** Clocks of processes may differ, and a session must not be deleted and then recorded again as used. */
const graceMs = 3_600_000;

export function createEndedAccess({ prisma }: Pick<Pool, 'prisma'>, now: () => Date): EndedAccess {
  return {
    remove: async () => {
      const before = new Date(now().getTime() - graceMs);
      await prisma.apiToken.deleteMany({ where: { isSession: true, expiresAt: { lt: before } } });
      await prisma.signInAttempt.deleteMany({ where: { bookedUntil: { lt: before } } });
      await prisma.user.updateMany({
        where: { invitationExpiresAt: { lt: before } },
        data: { invitationDigest: null, invitationExpiresAt: null },
      });
    },
  };
}
