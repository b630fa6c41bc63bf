/** Adding, changing and removing channels at run time. Whoever did it is written down together with the deed. */
import { AppError } from '../../domain/errors.js';
import { ownValue } from '../../domain/own-value.js';
import type { ProviderKind } from '../../domain/provider-kind.js';
import type { Audit } from '../../infra/tables/audit.js';
import type { ChannelRow, ChannelTable } from '../../infra/tables/channels.js';
import type { ChannelEntry, ChannelRegistry } from './registry.js';
import { buildAdapter, makeSecret, rotated, type SealedSettings, type SettingValues } from './settings.js';

export interface NewChannel {
  /** Made of the provider's name when not given. */
  readonly id?: string | undefined;
  readonly provider: string;
  readonly name?: string | null | undefined;
  readonly settings: SettingValues;
}

/** What is not given stays as it is. */
export interface ChannelChange {
  readonly name?: string | null | undefined;
  readonly enabled?: boolean | undefined;
  /** Those that are given replace those of the same name; null removes. */
  readonly settings?: Readonly<Record<string, string | null>> | undefined;
}

/** The secret that the service has made itself: this is the only time that it is told. */
export interface WithSecret {
  readonly entry: ChannelEntry;
  readonly webhookSecret: string | null;
}

/** `actor` is the id of the token that asks. Each resolves when this process knows of the change. */
export interface ManageChannels {
  readonly create: (channel: NewChannel, actor: string) => Promise<WithSecret>;
  readonly change: (id: string, change: ChannelChange, actor: string) => Promise<ChannelEntry>;
  readonly rotate: (id: string, actor: string) => Promise<WithSecret>;
  readonly remove: (id: string, actor: string) => Promise<void>;
}

interface ManageSurroundings {
  readonly kinds: readonly ProviderKind[];
  readonly registry: ChannelRegistry;
  readonly table: ChannelTable;
  readonly sealed: SealedSettings;
  readonly audit: Pick<Audit, 'record'>;
  readonly now: () => Date;
}

export function createManageChannels(surroundings: ManageSurroundings): ManageChannels {
  const { registry, table, sealed, audit, now } = surroundings;

  const kindOf = (provider: string): ProviderKind => {
    const kind = surroundings.kinds.find(({ id }) => id === provider);
    if (kind) return kind;
    const message = `is none of ${surroundings.kinds.map(({ id }) => id).join(', ')}`;
    throw new AppError('request.invalid', `provider: ${message}`, {
      fields: [{ field: 'provider', message }],
    });
  };
  const isFixed = (id: string): boolean => registry.entry(id)?.source === 'environment';
  const refuseFixed = (id: string): void => {
    if (isFixed(id)) throw new AppError('channel.read_only', 'this channel is set up by the environment');
  };
  const known = async (id: string): Promise<ChannelEntry> => {
    await registry.reload();
    return registry.entry(id) ?? notFound();
  };
  const changeRow = async (
    id: string,
    next: (row: ChannelRow) => ChannelRow,
    deed: Omit<Parameters<Audit['record']>[0], 'channel' | 'target'>,
  ): Promise<ChannelEntry> => {
    refuseFixed(id);
    const changed = await table.change(
      id,
      (row) => ({ ...next(row), updatedAt: now() }),
      (connection) => audit.record({ ...deed, channel: id, target: id }, connection),
    );
    return changed ? known(id) : notFound();
  };
  const checkAndSeal = (row: Pick<ChannelRow, 'id' | 'provider'>, values: SettingValues): Buffer => {
    buildAdapter(kindOf(row.provider), values, now);
    return sealed.seal(values, row.id);
  };

  return {
    create: async ({ id: wanted, provider, name = null, settings }, actor) => {
      const { ownSecret } = kindOf(provider);
      const made = ownSecret === null || Object.hasOwn(settings, ownSecret) ? null : makeSecret();
      const values = made === null || ownSecret === null ? settings : { ...settings, [ownSecret]: made };
      for (const id of wanted === undefined ? namesLike(provider) : [wanted]) {
        if (isFixed(id)) continue;
        const at = now();
        const row = { id, provider, name, enabled: true, createdAt: at, updatedAt: at };
        const entry = { actor, action: 'channel.create', channel: id, target: id, details: { provider } };
        const added = await table.add({ ...row, settings: checkAndSeal(row, values) }, (connection) =>
          audit.record(entry, connection),
        );
        if (added) return { entry: await known(id), webhookSecret: made };
      }
      throw new AppError('channel.exists', 'there is a channel with this id already');
    },

    change: (id, { name, enabled, settings }, actor) =>
      changeRow(
        id,
        (row) => ({
          ...row,
          name: name === undefined ? row.name : name,
          enabled: enabled ?? row.enabled,
          settings: settings ? checkAndSeal(row, merged(openOrNothing(sealed, row), settings)) : row.settings,
        }),
        // Which ones, not what is in them.
        { actor, action: 'channel.update', details: { changed: namesOf({ name, enabled, settings }) } },
      ),

    rotate: async (id, actor) => {
      const made = makeSecret();
      const next = (row: ChannelRow): ChannelRow => {
        const { ownSecret } = kindOf(row.provider);
        if (ownSecret === null)
          throw new AppError('request.invalid', 'the secret of this provider is its own: change the setting');
        const values = open(sealed, row);
        const settings = { ...values, [ownSecret]: rotated(ownValue(values, ownSecret), made) };
        return { ...row, settings: checkAndSeal(row, settings) };
      };
      return {
        entry: await changeRow(id, next, { actor, action: 'channel.rotate' }),
        webhookSecret: made,
      };
    },

    remove: async (id, actor) => {
      refuseFixed(id);
      const entry = { actor, action: 'channel.delete', channel: id, target: id };
      if (!(await table.remove(id, (connection) => audit.record(entry, connection)))) notFound();
      await registry.reload();
    },
  };
}

function notFound(): never {
  throw new AppError('channel.not_found', 'there is no such channel');
}

/** `blip`, `blip-2`, `blip-3`, … */
function* namesLike(provider: string): Iterable<string> {
  yield provider;
  for (let number = 2; number < 1_000; number += 1) yield `${provider}-${String(number)}`;
}

function merged(before: SettingValues, given: NonNullable<ChannelChange['settings']>): SettingValues {
  const all = Object.entries({ ...before, ...given });
  return Object.fromEntries(all.filter((entry): entry is [string, string] => entry[1] !== null));
}

function open(sealed: SealedSettings, row: ChannelRow): SettingValues {
  try {
    return sealed.open(row.settings, row.id);
  } catch (cause) {
    const message = 'its settings cannot be opened; give them anew';
    throw new AppError('channel.unreadable', message, { cause });
  }
}

function namesOf({ settings = {}, ...others }: ChannelChange): string[] {
  const given = Object.entries(others).filter(([, value]) => value !== undefined);
  return [...given.map(([name]) => name), ...Object.keys(settings).map((name) => `settings.${name}`)];
}

/** Settings that cannot be opened any more can be given anew: then these are all that there are. */
function openOrNothing(sealed: SealedSettings, row: ChannelRow): SettingValues {
  try {
    return sealed.open(row.settings, row.id);
  } catch {
    return {};
  }
}
