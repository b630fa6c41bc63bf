/** Channels that were added at run time, for the service and for commands beside it. */
import type { Config } from '../config.js';
import { noOwnRetention } from '../domain/retention.js';
import { createSealedBox } from '../infra/secrets/sealed-box.js';
import type { ChannelSettings } from '../infra/tables/channels.js';
import { entryOf, type ChannelEntry } from '../pipeline/channels/registry.js';
import { sealedSettings, type SealedSettings } from '../pipeline/channels/settings.js';
import { providers } from '../providers/index.js';

/** Seals and opens the settings of channels. */
export function channelSettings({ authSecret }: Pick<Config, 'authSecret'>): SealedSettings {
  return sealedSettings(createSealedBox(authSecret, 'channel settings'));
}

/** The channels of these rows. One that cannot be set up has a problem instead of an adapter. */
export function storedChannels(
  rows: readonly ChannelSettings[],
  config: Pick<Config, 'authSecret'>,
): readonly ChannelEntry[] {
  const sealed = channelSettings(config);
  return rows.map((row) =>
    entryOf({ ...row, ...noOwnRetention }, { providers, sealed, now: () => new Date() }),
  );
}
