/** How fast passwords of one account may be tried, in all processes together. */
import { createHash } from 'node:crypto';

import type { Pool } from '../postgres/database.js';

export interface SignInAttempts {
  /**
   * Counts an attempt at a password, before it is judged, so that many at the same moment are no way around
   * the limit. Resolves to the time of the next attempt if this one comes too early.
   */
  readonly count: (email: string, now: Date) => Promise<Date | undefined>;
  /** The right password was given: the attempts before it no longer count. */
  readonly forget: (email: string) => Promise<void>;
}

/** So many attempts may come together; afterwards, one for each interval. */
const burst = 10;
const intervalMs = 60_000;

/** One statement counts, because attempts arrive at the same moment. It changes nothing if there are too many. */
const countOne = `
  insert into sign_in_attempt (account, booked_until)
  values ($1, $2::timestamptz + $3::int * interval '1 millisecond')
  on conflict (account) do update
    set booked_until = greatest(sign_in_attempt.booked_until, $2) + $3::int * interval '1 millisecond'
    where sign_in_attempt.booked_until <= $2::timestamptz + $4::int * interval '1 millisecond'`;

export function createSignInAttempts(pool: Pick<Pool, 'query' | 'prisma'>): SignInAttempts {
  return {
    count: async (email, now) => {
      const account = accountOf(email);
      const mostAheadMs = (burst - 1) * intervalMs;
      const counted = await pool.query(countOne, [account, now, intervalMs, mostAheadMs]);
      if (counted.rowCount === 1) return undefined;
      const row = await pool.prisma.signInAttempt.findUnique({ where: { account } });
      return new Date(Math.max((row?.bookedUntil ?? now).getTime() - mostAheadMs, now.getTime() + 1_000));
    },
    forget: async (email) => {
      await pool.prisma.signInAttempt.deleteMany({ where: { account: accountOf(email) } });
    },
  };
}

/** Also for an address without an account, which nothing but its length is known of. */
function accountOf(email: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHash('sha256').update(email).digest());
}
