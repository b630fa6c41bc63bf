/**
 * Converts channels and providers to answers of the API, with the names of settings but never their values.
 */
import { webhookUrlOf } from '../../domain/channel.js';
import type { ProviderKind } from '../../domain/provider-kind.js';
import type { Activity } from '../../infra/tables/channel-activity.js';
import { canConnect } from '../../pipeline/channels/connect.js';
import type { ChannelEntry } from '../../pipeline/channels/registry.js';
import type { ChannelView, ProviderView } from '../shapes/administration.js';

interface Known {
  readonly providers: readonly ProviderKind[];
  readonly publicUrl: string;
}

export function channelView(
  entry: ChannelEntry,
  activity: Activity | undefined,
  { providers, publicUrl }: Known,
): ChannelView {
  const { id, provider, name, enabled, source, problem, channel, retention } = entry;
  const webhookUrl = webhookUrlOf(publicUrl, id);
  const kind = providers.find((candidate) => candidate.id === provider);
  return {
    id,
    provider,
    name,
    enabled,
    source,
    webhookUrl,
    setup: kind ? [...kind.setup(webhookUrl)] : [],
    canConnect: canConnect(entry),
    settings: channel ? [...channel.settings] : [],
    retention,
    createdAt: iso(entry.createdAt),
    updatedAt: iso(entry.updatedAt),
    lastWebhookAt: iso(activity?.lastWebhookAt),
    lastRefusedAt: iso(activity?.lastRefusedAt),
    problem,
  };
}

export function providerView(
  { id, settings, setup, reports, examples }: ProviderKind,
  publicUrl: string,
): ProviderView {
  return {
    id,
    settings: [...settings],
    reports: [...reports],
    setup: [...setup(webhookUrlOf(publicUrl, '<channel>'))],
    examples: examples.map(({ notes, ...example }) => ({ ...example, notes: [...notes] })),
  };
}

function iso(moment: Date | null | undefined): string | null {
  return moment?.toISOString() ?? null;
}
