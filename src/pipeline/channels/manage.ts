/** Adds, changes and removes channels at run time. The actor is recorded in the same transaction. */
import { AppError } from '../../domain/errors.js';
import { ownValue } from '../../domain/own-value.js';
import type { ProviderKind } from '../../domain/provider-kind.js';
import { changedRetention, noOwnRetention, type RetentionChange } from '../../domain/retention.js';
import type { Audit } from '../../infra/tables/audit.js';
import type { ChannelRow, ChannelTable } from '../../infra/tables/channels.js';
import type { ChannelEntry, ChannelRegistry } from './registry.js';
import { buildAdapter, makeSecret, rotated, type SealedSettings, type SettingValues } from './settings.js';

export interface NewChannel {
  /** Derived from the provider's name by default. */
  readonly id?: string | undefined;
  readonly provider: string;
  readonly name?: string | null | undefined;
  readonly settings: SettingValues;
  readonly retention?: RetentionChange | undefined;
}

/** Omitted members stay unchanged. */
export interface ChannelChange {
  readonly name?: string | null | undefined;
  readonly enabled?: boolean | undefined;
  readonly retention?: RetentionChange | undefined;
  /** Given settings replace those of the same name; null removes a setting. */
  readonly settings?: Readonly<Record<string, string | null>> | undefined;
}

/** The secret that the service has generated. It is shown this one time only. */
export interface WithSecret {
  readonly entry: ChannelEntry;
  readonly webhookSecret: string | null;
}

/**
 * `actor` is the id of the token that is used. Each function resolves when this process has loaded the
 * change.
 */
export interface ManageChannels {
  readonly create: (channel: NewChannel, actor: string) => Promise<WithSecret>;
  readonly change: (id: string, change: ChannelChange, actor: string) => Promise<ChannelEntry>;
  readonly rotate: (id: string, actor: string) => Promise<WithSecret>;
  readonly remove: (id: string, actor: string) => Promise<void>;
}

interface ManageDependencies {
  readonly providers: readonly ProviderKind[];
  readonly registry: ChannelRegistry;
  readonly table: ChannelTable;
  readonly sealed: SealedSettings;
  readonly audit: Pick<Audit, 'record'>;
  readonly now: () => Date;
}

export function createManageChannels(dependencies: ManageDependencies): ManageChannels {
  return {
    create: (channel, actor) => createChannel(dependencies, channel, actor),
    change: (id, change, actor) =>
      changeRow(dependencies, id, {
        next: (row) => changedRow(dependencies, row, change),
        // Records the names of the changed settings, not their values.
        entry: { actor, action: 'channel.update', details: { changed: changedNames(change) } },
      }),
    rotate: async (id, actor) => {
      const webhookSecret = makeSecret();
      const entry = await changeRow(dependencies, id, {
        next: (row) => withNewSecret(dependencies, row, webhookSecret),
        entry: { actor, action: 'channel.rotate' },
      });
      return { entry, webhookSecret };
    },
    remove: (id, actor) => removeChannel(dependencies, id, actor),
  };
}

async function createChannel(
  dependencies: ManageDependencies,
  { id: requestedId, provider, name = null, settings, retention }: NewChannel,
  actor: string,
): Promise<WithSecret> {
  const { registry, table, audit, now } = dependencies;
  const { ownSecret } = providerOf(dependencies, provider);
  const newSecret = ownSecret === null || Object.hasOwn(settings, ownSecret) ? null : makeSecret();
  const values =
    newSecret === null || ownSecret === null ? settings : { ...settings, [ownSecret]: newSecret };
  for (const id of requestedId === undefined ? candidateIds(provider) : [requestedId]) {
    if (isFromEnvironment(registry, id)) continue;
    const at = now();
    const own = changedRetention(noOwnRetention, retention);
    const row = { id, provider, name, enabled: true, ...own, createdAt: at, updatedAt: at };
    const entry = { actor, action: 'channel.create', channel: id, target: id, details: { provider } };
    const added = await table.add(
      { ...row, settings: checkAndSeal(dependencies, row, values) },
      (connection) => audit.record(entry, connection),
    );
    if (added) return { entry: await reloadedEntry(registry, id), webhookSecret: newSecret };
  }
  throw new AppError('channel.exists', 'a channel with this id already exists');
}

async function removeChannel(
  { registry, table, audit }: ManageDependencies,
  id: string,
  actor: string,
): Promise<void> {
  refuseEnvironment(registry, id);
  const entry = { actor, action: 'channel.delete', channel: id, target: id };
  if (!(await table.remove(id, (connection) => audit.record(entry, connection)))) notFound();
  await registry.reload();
}

interface RowChange {
  readonly next: (row: ChannelRow) => ChannelRow;
  /** The entry of the audit trail, which belongs to the channel. */
  readonly entry: Omit<Parameters<Audit['record']>[0], 'channel' | 'target'>;
}

async function changeRow(
  { registry, table, audit, now }: ManageDependencies,
  id: string,
  { next, entry }: RowChange,
): Promise<ChannelEntry> {
  refuseEnvironment(registry, id);
  const changed = await table.change(
    id,
    (row) => ({ ...next(row), updatedAt: now() }),
    (connection) => audit.record({ ...entry, channel: id, target: id }, connection),
  );
  return changed ? reloadedEntry(registry, id) : notFound();
}

function changedRow(
  dependencies: ManageDependencies,
  row: ChannelRow,
  { name, enabled, settings, retention }: ChannelChange,
): ChannelRow {
  const values = settings && merged(openOrEmpty(dependencies.sealed, row), settings);
  return {
    ...row,
    ...changedRetention(row, retention),
    name: name === undefined ? row.name : name,
    enabled: enabled ?? row.enabled,
    settings: values ? checkAndSeal(dependencies, row, values) : row.settings,
  };
}

function withNewSecret(dependencies: ManageDependencies, row: ChannelRow, newSecret: string): ChannelRow {
  const { ownSecret } = providerOf(dependencies, row.provider);
  if (ownSecret === null)
    throw new AppError(
      'request.invalid',
      'this provider issues its secret itself: change the setting instead',
    );
  const values = openSettings(dependencies.sealed, row);
  const settings = { ...values, [ownSecret]: rotated(ownValue(values, ownSecret), newSecret) };
  return { ...row, settings: checkAndSeal(dependencies, row, settings) };
}

function checkAndSeal(
  dependencies: ManageDependencies,
  row: Pick<ChannelRow, 'id' | 'provider'>,
  values: SettingValues,
): Buffer {
  buildAdapter(providerOf(dependencies, row.provider), values, dependencies.now);
  return dependencies.sealed.seal(values, row.id);
}

function providerOf({ providers }: ManageDependencies, provider: string): ProviderKind {
  const found = providers.find(({ id }) => id === provider);
  if (found) return found;
  const message = `must be one of ${providers.map(({ id }) => id).join(', ')}`;
  throw AppError.ofFields('request.invalid', [{ field: 'provider', message }]);
}

function isFromEnvironment(registry: ChannelRegistry, id: string): boolean {
  return registry.entry(id)?.source === 'environment';
}

function refuseEnvironment(registry: ChannelRegistry, id: string): void {
  if (isFromEnvironment(registry, id))
    throw new AppError(
      'channel.read_only',
      'this channel is configured by environment variables; change it there',
    );
}

async function reloadedEntry(registry: ChannelRegistry, id: string): Promise<ChannelEntry> {
  await registry.reload();
  return registry.entry(id) ?? notFound();
}

function notFound(): never {
  throw new AppError('channel.not_found', 'there is no such channel');
}

/** `blip`, `blip-2`, `blip-3`, … */
function* candidateIds(provider: string): Iterable<string> {
  yield provider;
  for (let number = 2; number < 1_000; number += 1) yield `${provider}-${String(number)}`;
}

function merged(before: SettingValues, changes: NonNullable<ChannelChange['settings']>): SettingValues {
  const all = Object.entries({ ...before, ...changes });
  return Object.fromEntries(all.filter((entry): entry is [string, string] => entry[1] !== null));
}

function openSettings(sealed: SealedSettings, row: ChannelRow): SettingValues {
  try {
    return sealed.open(row.settings, row.id);
  } catch (cause) {
    const message = 'the settings of this channel cannot be decrypted; enter them again';
    throw new AppError('channel.unreadable', message, { cause });
  }
}

function changedNames({ settings = {}, ...others }: ChannelChange): string[] {
  const changes = Object.entries(others).filter(([, value]) => value !== undefined);
  return [...changes.map(([name]) => name), ...Object.keys(settings).map((name) => `settings.${name}`)];
}

/** Settings that can no longer be decrypted can be replaced: the new ones are then the only ones. */
function openOrEmpty(sealed: SealedSettings, row: ChannelRow): SettingValues {
  try {
    return sealed.open(row.settings, row.id);
  } catch {
    return {};
  }
}
