/** Webhooks that concern several accounts of a provider: each part goes to the channel of its account. */
import type { Channel, Channels } from '../../domain/channel.js';

type Headers = Readonly<Record<string, string>>;

/** What one channel receives of a webhook. */
export interface ChannelPart {
  readonly channel: Channel;
  readonly payload: unknown;
  /**
   * What is stored: the bytes of the webhook, or the JSON of the part. A part contains nothing of other
   * channels, whose tokens cannot read it and whose erasures would not find it.
   */
  readonly rawBody: Buffer;
  /** Stored with the delivery. */
  readonly headers: Headers;
}

/**
 * Tells people who read a stored part that it was divided, and by which accounts. Made by the service and
 * never taken from a request.
 */
const divisionHeader = 'x-inlet-accounts';

/** The parts of these accounts, or all other parts. */
type Selection = { readonly only: string } | { readonly without: readonly string[] };

/**
 * Divides a verified webhook among the channels of the accounts that it names. Only channels that share a
 * secret with the receiving one take part, because others may belong to someone else. The receiving channel
 * comes first and keeps everything else; it receives nothing if nothing is left for it. A disabled channel
 * accepts no webhooks, so its part is stored nowhere. The same webhook has the same parts as long as the
 * channels are the same.
 */
export function channelPartsOf(
  whole: ChannelPart,
  channels: Pick<Channels, 'ofProvider' | 'active'>,
): readonly ChannelPart[] {
  const { channel, payload } = whole;
  const { accounts } = channel.adapter;
  if (!accounts) return [whole];
  const others = channels.ofProvider(channel.provider).filter((other) => sharesOwner(channel, other));
  if (others.length === 0) return [whole];
  const named = accounts.namedIn(payload);
  const foreign = new Map(
    others.flatMap((other) => {
      const account = other.adapter.accounts?.own ?? null;
      return account !== null && account !== accounts.own && named.has(account)
        ? [[account, other] as const]
        : [];
    }),
  );
  if (foreign.size === 0) return [whole];
  const parts = [...foreign]
    .filter(([, other]) => channels.active(other.id))
    .map(([only, other]) => partFor(whole, other, { only }));
  const isForOthers = [...named].every((account) => account !== null && foreign.has(account));
  // If all of it is for disabled channels, the receiving one stores that it received something.
  return isForOthers && parts.length > 0
    ? parts
    : [partFor(whole, channel, { without: [...foreign.keys()] }), ...parts];
}

function partFor({ payload, headers }: ChannelPart, channel: Channel, selection: Selection): ChannelPart {
  const part = channel.adapter.accounts?.select(payload, isWantedBy(selection));
  return {
    channel,
    payload: part,
    rawBody: Buffer.from(JSON.stringify(part)),
    headers: { ...headers, [divisionHeader]: JSON.stringify(selection) },
  };
}

function isWantedBy(selection: Selection): (account: string | null) => boolean {
  return (account) =>
    'only' in selection
      ? account === selection.only
      : account === null || !selection.without.includes(account);
}

function sharesOwner(one: Channel, other: Channel): boolean {
  if (one.id === other.id) return false;
  const secrets = new Set(one.adapter.accounts?.secrets);
  return other.adapter.accounts?.secrets.some((secret) => secrets.has(secret)) ?? false;
}
