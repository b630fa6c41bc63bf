/** Which message of a channel is sent next, and when the rate of the channel allows it. */
import type { Pool } from '../../postgres/database.js';
import { selectWaiting, type Waiting } from './waiting.js';

export interface Pace {
  readonly intervalMs: number;
  readonly aheadMs: number;
}

export interface SendClaims {
  /**
   * The next message of the channel: the oldest one whose time has come, unless an earlier one to the same
   * recipient is not sent yet.
   */
  readonly next: (channel: string) => Promise<Waiting | undefined>;
  /**
   * `queued` → `sending`, if the channel's rate allows it now. Resolves to false if it does not, or if the
   * message is no longer queued. All processes book in the same row, so that they keep to one rate together.
   */
  readonly claim: (message: Pick<Waiting, 'id' | 'channel'>, pace: Pace) => Promise<boolean>;
  /** The milliseconds until the channel may send again; 0 if it may send now. */
  readonly waitForPace: (channel: string, pace: Pace) => Promise<number>;
  /**
   * The milliseconds until `intervalMs` have passed since the last message to the same recipient; 0 if they
   * have.
   */
  readonly waitForRecipient: (
    message: Pick<Waiting, 'channel' | 'recipient'>,
    intervalMs: number,
  ) => Promise<number>;
  /** Leaves a queued message for later, without an attempt. */
  readonly defer: (message: Pick<Waiting, 'id'>, afterMs: number) => Promise<void>;
  /** The milliseconds until the next postponed message is due; undefined if there is none. */
  readonly waitForNext: (channel: string) => Promise<number | undefined>;
}

const isNextOfRecipient = `o.channel = $1 and o.state = 'queued' and not exists (
  select from outbound as earlier where earlier.channel = o.channel and earlier.recipient = o.recipient
    and earlier.state in ('queued', 'sending') and earlier.place < o.place)`;

const selectNext = `${selectWaiting} where ${isNextOfRecipient} and o.not_before <= now() order by o.place limit 1`;

const claim = `with pace as (
   insert into send_pace as p (channel, booked_until)
   values ($2, clock_timestamp() + $3 * interval '1 ms')
   on conflict (channel) do update
   set booked_until = greatest(p.booked_until, clock_timestamp()) + $3 * interval '1 ms'
   where p.booked_until <= clock_timestamp() + $4 * interval '1 ms'
     and coalesce(p.blocked_until, '-infinity') <= clock_timestamp()
   returning channel
 )
 update outbound set state = 'sending', attempts = attempts + 1
 where id = $1 and state = 'queued' and exists (select from pace)`;

const selectPace = `select extract(epoch from greatest(booked_until - $2 * interval '1 ms', blocked_until, clock_timestamp())
                           - clock_timestamp())::float8 * 1000 as ms
 from send_pace where channel = $1`;

const selectRecipientWait = `
  select extract(epoch from sent_at + $3 * interval '1 ms' - clock_timestamp())::float8 * 1000 as ms
  from outbound where channel = $1 and recipient = $2 and state = 'sent' order by place desc limit 1`;

const defer = `
  update outbound set not_before = clock_timestamp() + $2 * interval '1 ms' where id = $1 and state = 'queued'`;

const selectWaitForNext = `
  select extract(epoch from min(not_before) - clock_timestamp())::float8 * 1000 as ms
  from outbound as o where ${isNextOfRecipient}`;

export function createSendClaims(pool: Pool): SendClaims {
  return {
    next: async (channel) => {
      const statement = { name: 'send-next', text: selectNext, values: [channel] };
      return (await pool.query<Waiting>(statement)).rows[0];
    },
    claim: async ({ id, channel }, { intervalMs, aheadMs }) => {
      const values = [id, channel, intervalMs, aheadMs];
      const { rowCount } = await pool.query({ name: 'send-claim', text: claim, values });
      return rowCount === 1;
    },
    waitForPace: async (channel, { aheadMs }) => {
      const statement = { name: 'send-wait', text: selectPace, values: [channel, aheadMs] };
      const { rows } = await pool.query<{ ms: number }>(statement);
      return Math.max(0, Math.ceil(rows[0]?.ms ?? 0));
    },
    waitForRecipient: async ({ channel, recipient }, intervalMs) => {
      const values = [channel, recipient, intervalMs];
      const statement = { name: 'send-wait-recipient', text: selectRecipientWait, values };
      const { rows } = await pool.query<{ ms: number }>(statement);
      return Math.max(0, Math.ceil(rows[0]?.ms ?? 0));
    },
    defer: async ({ id }, afterMs) => {
      await pool.query(defer, [id, afterMs]);
    },
    waitForNext: async (channel) => {
      const { rows } = await pool.query<{ ms: number | null }>(selectWaitForNext, [channel]);
      const ms = rows[0]?.ms;
      return ms == null ? undefined : Math.max(0, Math.ceil(ms));
    },
  };
}
