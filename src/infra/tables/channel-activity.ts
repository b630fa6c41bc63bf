/**
 * When each channel last received a webhook. It is recorded in memory while a webhook is answered, and
 * written every few seconds, because a statement for each webhook would cost more than the webhook.
 */
import type { Logger } from '../logging/logger.js';
import type { Pool } from '../postgres/database.js';

export interface Activity {
  readonly lastWebhookAt: Date | null;
  /** The last call whose sender could not be verified. */
  readonly lastRefusedAt: Date | null;
}

export interface ChannelActivity {
  readonly received: (channel: string, at: Date) => void;
  readonly refused: (channel: string, at: Date) => void;
  /** The activity that all processes have written, by channel. */
  readonly read: () => Promise<ReadonlyMap<string, Activity>>;
  /** Writes what is still in memory. */
  readonly close: () => Promise<void>;
}

const writeEveryMs = 2_000;

/** A batch that never replaces a later time that another process has written. */
const writeLatest = `
  insert into channel_activity (channel, last_webhook_at, last_refused_at)
  select * from unnest($1::text[], $2::timestamptz[], $3::timestamptz[])
  on conflict (channel) do update set
    last_webhook_at = greatest(channel_activity.last_webhook_at, excluded.last_webhook_at),
    last_refused_at = greatest(channel_activity.last_refused_at, excluded.last_refused_at)`;

export function createChannelActivity(pool: Pool, logger: Logger): ChannelActivity {
  const webhooks = new Map<string, Date>();
  const refusals = new Map<string, Date>();
  let writing = Promise.resolve();

  const write = async (): Promise<void> => {
    // The order is the same everywhere: processes that write the same rows in different orders could
    // deadlock.
    const channels = [...new Set([...webhooks.keys(), ...refusals.keys()])].sort();
    if (channels.length === 0) return;
    const received = take(webhooks, channels);
    const refused = take(refusals, channels);
    try {
      await pool.query(writeLatest, [channels, received, refused]);
    } catch (error) {
      logger.warn({ err: error }, 'the activity of channels could not be written');
      restore(webhooks, channels, received);
      restore(refusals, channels, refused);
    }
  };
  const timer = setInterval(() => {
    writing = writing.then(write);
  }, writeEveryMs).unref();

  return {
    received: (channel, at) => void webhooks.set(channel, at),
    refused: (channel, at) => void refusals.set(channel, at),
    read: async () => {
      const rows = await pool.prisma.channelActivity.findMany();
      return new Map(rows.map(({ channel, ...activity }) => [channel, activity]));
    },
    close: async () => {
      clearInterval(timer);
      await writing;
      await write();
    },
  };
}

function take(recorded: Map<string, Date>, channels: readonly string[]): (Date | null)[] {
  const taken = channels.map((channel) => recorded.get(channel) ?? null);
  recorded.clear();
  return taken;
}

/** Restores times that were not written, unless newer ones were recorded in the meantime. */
function restore(
  recorded: Map<string, Date>,
  channels: readonly string[],
  taken: readonly (Date | null)[],
): void {
  taken.forEach((at, place) => {
    const channel = channels[place];
    if (at && channel !== undefined && !recorded.has(channel)) recorded.set(channel, at);
  });
}
