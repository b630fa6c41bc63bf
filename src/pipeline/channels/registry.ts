/**
 * All channels that exist now, in memory, so that a webhook waits for nothing: those of the environment, and those that were
 * added at run time by this process or another one.
 */
import type { Channel, Channels, ChannelSource } from '../../domain/channel.js';
import { AppError } from '../../domain/errors.js';
import type { ProviderKind } from '../../domain/provider-kind.js';
import type { Logger } from '../../infra/logging/logger.js';
import type { Notifications } from '../../infra/postgres/notifications.js';
import { keepTrying } from '../../infra/process/keep-trying.js';
import type { ChannelRow, ChannelTable } from '../../infra/tables/channels.js';
import { buildAdapter, type SealedSettings } from './settings.js';

/** A channel as an administrator sees it. */
export interface ChannelEntry {
  readonly id: string;
  readonly provider: string;
  readonly name: string | null;
  /** Whether it takes webhooks. */
  readonly enabled: boolean;
  readonly source: ChannelSource;
  /** Null for those of the environment. */
  readonly createdAt: Date | null;
  readonly updatedAt: Date | null;
  /** Null where there is a problem. */
  readonly channel: Channel | null;
  /** Why it cannot work, without values. */
  readonly problem: string | null;
}

export interface ChannelRegistry extends Channels {
  readonly entries: () => readonly ChannelEntry[];
  readonly entry: (id: string) => ChannelEntry | undefined;
  /** Resolves when everything that was written before the call is here. */
  readonly reload: () => Promise<void>;
  readonly close: () => void;
}

interface RegistrySurroundings {
  /** Those of the environment. They win over others of the same name, and none of these can change them. */
  readonly fixed: readonly Channel[];
  readonly kinds: readonly ProviderKind[];
  readonly table: Pick<ChannelTable, 'all'>;
  readonly sealed: SealedSettings;
  readonly notifications: Pick<Notifications, 'on'>;
  readonly logger: Logger;
  readonly now: () => Date;
}

/** Knows the channels of the environment at once, those of the database after the first `reload`. */
export function createChannelRegistry(surroundings: RegistrySurroundings): ChannelRegistry {
  const { fixed, table, notifications, logger } = surroundings;
  const ofEnvironment = fixed.map(fixedEntry);
  const reserved = new Set(fixed.map(({ id }) => id));
  const closed = new AbortController();
  let built = new Map<string, Built>();
  let entries = new Map(ofEnvironment.map((entry) => [entry.id, entry]));
  let taking = new Map(fixed.map((channel) => [channel.id, channel]));

  const read = async (): Promise<void> => {
    const rows = await table.all();
    // A channel that has not changed stays the very same.
    built = new Map(
      rows.map((row) => [row.id, unchanged(built.get(row.id), row) ?? build(surroundings, row)]),
    );
    const added = [...built.values()].map(({ entry }) => entry).filter(({ id }) => !reserved.has(id));
    const all = [...ofEnvironment, ...added];
    entries = new Map(all.map((entry) => [entry.id, entry]));
    taking = new Map(
      all.flatMap(({ id, enabled, channel }) => (enabled && channel ? [[id, channel] as const] : [])),
    );
  };

  const reload = oneAtATime(read);
  const reloadSomehow = (): void => {
    const failed = (error: unknown): void => {
      logger.warn({ err: error }, 'the channels could not be loaded');
    };
    void keepTrying(reload, { signal: closed.signal, failed });
  };
  const leave = notifications.on('channels', { heard: reloadSomehow, resumed: reloadSomehow });

  return {
    find: (id) => taking.get(id),
    known: (id) => entries.get(id)?.channel ?? undefined,
    entries: () => [...entries.values()],
    entry: (id) => entries.get(id),
    reload,
    close: () => {
      closed.abort();
      leave();
    },
  };
}

function fixedEntry(channel: Channel): ChannelEntry {
  const { id, provider, source } = channel;
  return {
    id,
    provider,
    source,
    channel,
    enabled: true,
    name: null,
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

/** What is wrong with one channel disturbs no other. */
function build({ kinds, sealed, logger, now }: RegistrySurroundings, row: ChannelRow): Built {
  const { id, provider, name, enabled, createdAt, updatedAt } = row;
  const common = { id, provider, name, createdAt, updatedAt, source: 'database' as const };
  const broken = (problem: string): Built => {
    logger.error({ channel: id, problem }, 'a channel cannot be set up');
    return { row, entry: { ...common, enabled: false, channel: null, problem } };
  };
  const kind = kinds.find((candidate) => candidate.id === provider);
  if (!kind) return broken('its provider is not known');
  let values;
  try {
    values = sealed.open(row.settings, id);
  } catch {
    return broken('its settings cannot be opened: AUTH_SECRET is not the one that they were sealed with');
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
    return { row, entry: { ...common, enabled, channel, problem: null } };
  } catch (error) {
    return broken(error instanceof AppError ? error.message : 'its settings are refused');
  }
}

/** A run that is asked for while another is under way begins after it; several that are asked for meanwhile are one. */
function oneAtATime(work: () => Promise<void>): () => Promise<void> {
  let running = Promise.resolve();
  let next: Promise<void> | undefined;
  return () => {
    next ??= running
      .catch(() => undefined)
      .then(() => {
        next = undefined;
        return (running = work());
      });
    return next;
  };
}
