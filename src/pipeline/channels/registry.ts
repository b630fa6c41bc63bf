/**
 * Holds all existing channels in memory, so that a webhook waits for no query: channels from the environment,
 * and channels that this or another process added at run time.
 */
import type { Channel, Channels, ChannelSource } from '../../domain/channel.js';
import { coalesced } from '../../domain/concurrent-calls.js';
import { AppError } from '../../domain/errors.js';
import type { ProviderKind } from '../../domain/provider-kind.js';
import { noOwnRetention, type OwnRetention } from '../../domain/retention.js';
import type { Logger } from '../../infra/logging/logger.js';
import type { Notifications } from '../../infra/postgres/notifications.js';
import { retryUntilDone } from '../../infra/process/retry-until-done.js';
import type { ChannelRow, ChannelTable } from '../../infra/tables/channels.js';
import { buildAdapter, type SealedSettings } from './settings.js';

/** A channel as an administrator sees it. */
export interface ChannelEntry {
  readonly id: string;
  readonly provider: string;
  readonly name: string | null;
  /** Whether the channel accepts webhooks. */
  readonly enabled: boolean;
  readonly source: ChannelSource;
  readonly retention: OwnRetention;
  /** Null for channels from the environment. */
  readonly createdAt: Date | null;
  readonly updatedAt: Date | null;
  /** Null if there is a problem. */
  readonly channel: Channel | null;
  /** Why the channel cannot work, without values. */
  readonly problem: string | null;
}

export interface ChannelRegistry extends Channels {
  readonly entries: () => readonly ChannelEntry[];
  readonly entry: (id: string) => ChannelEntry | undefined;
  /** Resolves when everything that was written before the call is loaded. */
  readonly reload: () => Promise<void>;
  readonly close: () => void;
}

interface RegistryDependencies {
  /**
   * Channels from the environment. They take precedence over others with the same id and cannot be changed at
   * run time.
   */
  readonly environmentChannels: readonly Channel[];
  readonly providers: readonly ProviderKind[];
  readonly table: Pick<ChannelTable, 'all'>;
  readonly sealed: SealedSettings;
  readonly notifications: Pick<Notifications, 'on'>;
  readonly logger: Logger;
  readonly now: () => Date;
}

/** Knows the channels from the environment at once, and those from the database after the first `reload`. */
export function createChannelRegistry(dependencies: RegistryDependencies): ChannelRegistry {
  const { environmentChannels, table, notifications, logger } = dependencies;
  const environmentEntries = environmentChannels.map(environmentEntry);
  const reserved = new Set(environmentChannels.map(({ id }) => id));
  const closed = new AbortController();
  let built = new Map<string, Built>();
  let entries = new Map(environmentEntries.map((entry) => [entry.id, entry]));
  let active = new Map(environmentChannels.map((channel) => [channel.id, channel]));

  const read = async (): Promise<void> => {
    const rows = await table.all();
    // An unchanged channel keeps its object.
    built = new Map(
      rows.map((row) => [row.id, unchanged(built.get(row.id), row) ?? build(dependencies, row)]),
    );
    const added = [...built.values()].map(({ entry }) => entry).filter(({ id }) => !reserved.has(id));
    const all = [...environmentEntries, ...added];
    entries = new Map(all.map((entry) => [entry.id, entry]));
    active = new Map(
      all.flatMap(({ id, enabled, channel }) => (enabled && channel ? [[id, channel] as const] : [])),
    );
  };

  const reload = coalesced(read);
  const reloadWithRetries = (): void => {
    const onFailure = (error: unknown): void => {
      logger.warn({ err: error }, 'the channels could not be loaded');
    };
    void retryUntilDone(reload, { signal: closed.signal, onFailure });
  };
  const unsubscribe = notifications.on('channels', {
    received: reloadWithRetries,
    resumed: reloadWithRetries,
  });

  return {
    active: (id) => active.get(id),
    any: (id) => entries.get(id)?.channel ?? undefined,
    ofProvider: (provider) =>
      [...entries.values()].flatMap(({ channel }) => (channel?.provider === provider ? [channel] : [])),
    entries: () => [...entries.values()],
    entry: (id) => entries.get(id),
    reload,
    close: () => {
      closed.abort();
      unsubscribe();
    },
  };
}

function environmentEntry(channel: Channel): ChannelEntry {
  const { id, provider, source } = channel;
  return {
    id,
    provider,
    source,
    channel,
    enabled: true,
    name: null,
    retention: noOwnRetention,
    createdAt: null,
    updatedAt: null,
    problem: null,
  };
}

interface Built {
  readonly row: ChannelRow;
  readonly entry: ChannelEntry;
}

function unchanged(before: Built | undefined, row: ChannelRow): Built | undefined {
  if (before?.row.updatedAt.getTime() !== row.updatedAt.getTime()) return undefined;
  const { provider, name, enabled, settings } = before.row;
  const same = provider === row.provider && name === row.name && enabled === row.enabled;
  return same && Buffer.compare(settings, row.settings) === 0 ? before : undefined;
}

/** A problem with one channel does not affect other channels. */
function build(dependencies: RegistryDependencies, row: ChannelRow): Built {
  const entry = entryOf(row, dependencies);
  const { id, problem } = entry;
  if (problem !== null) dependencies.logger.error({ channel: id, problem }, 'a channel cannot be set up');
  return { row, entry };
}

/** The channel of a row, or the problem that it has. */
export function entryOf(
  { id, provider, name, enabled, settings, mediaDays, deliveryDays, createdAt, updatedAt }: ChannelRow,
  { providers, sealed, now }: Pick<RegistryDependencies, 'providers' | 'sealed' | 'now'>,
): ChannelEntry {
  const retention = { mediaDays, deliveryDays };
  const common = { id, provider, name, retention, createdAt, updatedAt, source: 'database' as const };
  const broken = (problem: string): ChannelEntry => ({ ...common, enabled: false, channel: null, problem });
  const kind = providers.find((candidate) => candidate.id === provider);
  if (!kind) return broken('its provider is unknown');
  let values;
  try {
    values = sealed.open(settings, id);
  } catch {
    return broken('its settings cannot be decrypted: AUTH_SECRET has changed since they were stored');
  }
  try {
    const adapter = buildAdapter(kind, values, now);
    const channel = {
      id,
      provider,
      adapter,
      source: 'database',
      settings: Object.keys(values),
    } as const;
    return { ...common, enabled, channel, problem: null };
  } catch (error) {
    return broken(error instanceof AppError ? error.message : 'its settings are invalid');
  }
}
