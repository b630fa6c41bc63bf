/**
 * Runs every minute, in one process of all: finds out what is wrong. An event tells of it when it begins and
 * when it ends.
 */
import type { AlertTable, Condition, ProcessReport } from '../../infra/tables/alerts.js';
import type { Activity, ChannelActivity } from '../../infra/tables/channel-activity.js';
import type { ChannelRegistry } from '../channels/registry.js';
import { reportEveryMs } from './process-reports.js';

/** 0 turns an alert off. */
export interface AlertThresholds {
  readonly channelSilentMinutes: number;
  readonly channelRefusedMinutes: number;
  readonly mediaLateMinutes: number;
}

export interface AlertOptions {
  readonly table: AlertTable;
  readonly channels: Pick<ChannelRegistry, 'entries'>;
  readonly activity: Pick<ChannelActivity, 'read'>;
  readonly thresholds: AlertThresholds;
  readonly now: () => Date;
}

const minuteMs = 60_000;
const dayMs = 86_400_000;
/** A process that misses so many reports has ended, or sees nothing wrong any more. */
const reportsMissed = 4;

export function createAlerts(options: AlertOptions): () => Promise<void> {
  const { table, now } = options;
  return async () => {
    const moment = now();
    const parts = await Promise.all([
      ofChannels(options, moment),
      ofMedia(options, moment),
      ofSubscriptions(options),
      ofProcesses(options, moment),
    ]);
    await table.tell(parts.flat(), moment);
  };
}

async function ofChannels(
  { channels, activity, thresholds }: AlertOptions,
  now: Date,
): Promise<readonly Condition[]> {
  const known = await activity.read();
  const enabled = channels.entries().filter((entry) => entry.enabled);
  return enabled.flatMap(({ id }) => {
    const seen = known.get(id);
    if (!seen) return [];
    const found = [silence(seen, thresholds, now), refusal(seen, thresholds, now)];
    return found.flatMap((one) => (one ? [{ ...one, subject: id, channel: id }] : []));
  });
}

type Found = Pick<Condition, 'type' | 'since' | 'message'> | undefined;

function silence(
  { lastWebhookAt }: Activity,
  { channelSilentMinutes: minutes }: AlertThresholds,
  now: Date,
): Found {
  if (minutes === 0 || !lastWebhookAt) return undefined;
  if (now.getTime() - lastWebhookAt.getTime() < minutes * minuteMs) return undefined;
  const message = `the channel has received nothing since ${lastWebhookAt.toISOString()}`;
  return { type: 'alert.channel_silent', since: lastWebhookAt, message };
}

/** One refused call between verified ones may be from anybody, and is no alert. */
function refusal(
  { lastWebhookAt, lastRefusedAt }: Activity,
  { channelRefusedMinutes: minutes }: AlertThresholds,
  now: Date,
): Found {
  if (minutes === 0 || !lastRefusedAt || now.getTime() - lastRefusedAt.getTime() > dayMs) return undefined;
  const verifiedAt = lastWebhookAt?.getTime() ?? 0;
  if (lastRefusedAt.getTime() - verifiedAt < minutes * minuteMs) return undefined;
  const message = 'calls to the channel are refused, and none is verified: the secret may be wrong';
  return { type: 'alert.channel_refused', since: lastRefusedAt, message };
}

async function ofMedia({ table, thresholds }: AlertOptions, now: Date): Promise<readonly Condition[]> {
  const { mediaLateMinutes: minutes } = thresholds;
  if (minutes === 0) return [];
  const late = await table.pendingBefore(new Date(now.getTime() - minutes * minuteMs));
  return late.map(({ channel, oldest, media }) => ({
    type: 'alert.media_late',
    subject: channel,
    channel,
    since: oldest,
    message: `${String(media)} media of the channel are pending for more than ${String(minutes)} minutes`,
  }));
}

async function ofSubscriptions({ table }: AlertOptions): Promise<readonly Condition[]> {
  const disabled = await table.disabledSubscriptions();
  return disabled.map(({ id, since }) => ({
    type: 'alert.subscription_disabled',
    subject: id,
    channel: null,
    since,
    message: 'the subscription was disabled, because its receiver does not accept events',
  }));
}

/** Processes on several machines may see the same; the alert names the one that saw it first. */
async function ofProcesses({ table }: AlertOptions, now: Date): Promise<readonly Condition[]> {
  const reports = await table.reportsAfter(new Date(now.getTime() - reportsMissed * reportEveryMs));
  const first = new Map<string, ProcessReport>();
  for (const report of reports) if (!first.has(report.type)) first.set(report.type, report);
  return [...first.values()].map(({ type, since, message }) => ({
    type,
    subject: type === 'alert.disk_filling' ? 'disk' : 'spool',
    channel: null,
    since,
    message,
  }));
}
