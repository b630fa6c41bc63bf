/**
 * Which media may fit a filter, newest first, each found by an index that has them in this order. Columns
 * with few values stand before the id in these indexes. A filter that leaves some of them open is answered by
 * looking for each combination of their values, and by merging what is found: a probe takes some
 * microseconds, and there are ten combinations for each channel if the kind is given.
 */
import { lowestIdAt } from '../../../domain/id.js';
import { mediaStates } from '../../../domain/media.js';
import { directions, mediaKinds } from '../../../domain/provider.js';
import { conditionsOf, type Parameters } from '../../postgres/pages.js';
import { conditions, type MediaFilter } from './filter.js';

interface Range {
  /** Only media behind this id. */
  readonly after: string | undefined;
  /** How many at most. */
  readonly size: number;
  /** The oldest are found in place of the newest. */
  readonly isOldestFirst?: true;
}

/** Whether all candidates fit, apart from `q`. */
export function isServed(filter: MediaFilter): boolean {
  const { from, chat, sha256, messageId, tag, favouriteOf, resolved, since, until } = filter;
  if (messageId !== undefined) return true;
  if (resolved !== undefined) return false;
  const rare = [sha256, tag, favouriteOf].filter((value) => value !== undefined);
  if (rare.length > 0)
    return rare.length === 1 && !isGrouped(filter) && since === undefined && until === undefined;
  return from === undefined || chat === undefined;
}

/** The statement that lists ids of media: all that fit what {@link isServed} covers, newest first. */
export function candidates(filter: MediaFilter, range: Range, parameters: Parameters): string {
  const { messageId, sha256, tag, favouriteOf } = filter;
  if (messageId !== undefined) return ofMessage(filter, messageId, { range, parameters });
  if (tag !== undefined) return ofTag(tag, range, parameters);
  if (favouriteOf !== undefined) return ofFavourites(favouriteOf, range, parameters);
  if (sha256 !== undefined) return ofBlob(sha256, range, parameters);
  const { since, until } = filter;
  const inOrder = isGrouped(filter) ? ofGroups(filter, range, parameters) : ofAll(filter, range, parameters);
  if (since === undefined && until === undefined) return inOrder;
  return `
    select id from ((${inOrder}) union (${displaced(filter, range, parameters)})) as found
    ${firstOf('id', range)}`;
}

function isGrouped({ channels, provider, direction, kind, state, from, chat }: MediaFilter): boolean {
  return [channels, provider, direction, kind, state, from, chat].some((value) => value !== undefined);
}

interface Context {
  readonly range: Range;
  readonly parameters: Parameters;
}

/** Each webhook has a bounded number of attachments, and so has each message. */
function ofMessage(filter: MediaFilter, messageId: string, { range, parameters }: Context): string {
  const wanted = [
    ...conditionsOf(conditions, { ...filter, messageId: undefined }, parameters),
    ...behind(range, parameters),
  ];
  return `
    with recursive ${allAccounts}
    select media.id from (select distinct channel from all_accounts) as account
    join message on message.channel = account.channel and message.message_id = ${parameters.add(messageId)}
    join media on media.message_row_id = message.id
    ${whereOf(wanted)} ${firstOf('media.id', range)}`;
}

function ofBlob(sha256: string, range: Range, parameters: Parameters): string {
  const wanted = [`media.sha256 = ${parameters.add(sha256)}`, ...behind(range, parameters)];
  return `select media.id from media ${whereOf(wanted)} ${firstOf('media.id', range)}`;
}

function ofTag(tag: string, { after, ...range }: Range, parameters: Parameters): string {
  const wanted = [
    `media_tag.key = search_text(${parameters.add(tag)})`,
    ...conditionsOf({ after: 'media_tag.media_id < ?' }, { after }, parameters),
  ];
  const first = firstOf('media_tag.media_id', { after, ...range });
  return `select media_tag.media_id as id from media_tag ${whereOf(wanted)} ${first}`;
}

function ofFavourites(owner: string, { after, ...range }: Range, parameters: Parameters): string {
  const wanted = [
    `favourite.owner = ${parameters.add(owner)}::uuid`,
    ...conditionsOf({ after: 'favourite.media_id < ?' }, { after }, parameters),
  ];
  const first = firstOf('favourite.media_id', { after, ...range });
  return `select favourite.media_id as id from favourite ${whereOf(wanted)} ${first}`;
}

function ofAll(filter: MediaFilter, range: Range, parameters: Parameters): string {
  const wanted = [...received(filter, parameters), ...behind(range, parameters)];
  return `select media.id from media ${whereOf(wanted)} ${firstOf('media.id', range)}`;
}

/** For each combination of the columns that stand before the id in an index, its newest media. */
function ofGroups(filter: MediaFilter, range: Range, parameters: Parameters): string {
  const { kind, state, direction } = filter;
  const account = accountsOf(filter, parameters);
  const wanted = [
    ...account.conditions,
    'media.kind = of_kind.kind and media.direction = of_direction.direction and media.state = of_state.state',
    ...received(filter, parameters),
    ...behind(range, parameters),
  ];
  const any = (values: readonly string[]): string => `unnest(${parameters.add(values)}::text[])`;
  return `
    with recursive ${account.tables}
    select found.id from (${account.select}) as account
    cross join ${any(kind === undefined ? mediaKinds : [kind])} as of_kind (kind)
    cross join ${any(direction === undefined ? directions : [direction])} as of_direction (direction)
    cross join ${any(state === undefined ? mediaStates : [state])} as of_state (state)
    cross join lateral (
      select media.id from media ${whereOf(wanted)} ${firstOf('media.id', range)}
    ) as found
    ${firstOf('found.id', range)}`;
}

/** The channels that a filter leaves open, with what demands that a media item belongs to one of them. */
interface Accounts {
  /** The recursive part of a `with` clause. */
  readonly tables: string;
  readonly select: string;
  readonly conditions: readonly string[];
}

function accountsOf(filter: MediaFilter, parameters: Parameters): Accounts {
  const { channels, provider, from, chat } = filter;
  const ofChannels = conditionsOf({ channels: 'channel = any(?)' }, { channels }, parameters);
  const ofProvider = conditionsOf({ provider: 'provider = ?' }, { provider }, parameters);
  // If both are given, what the index of one of them finds is looked through for the other.
  const owner = from === undefined ? { chat } : { from };
  const ofOwner = conditionsOf({ from: conditions.from, chat: conditions.chat }, owner, parameters);
  if (ofOwner.length === 0) {
    return {
      tables: allAccounts,
      select: `select provider, channel from all_accounts ${whereOf([...ofChannels, ...ofProvider])}`,
      conditions: ['media.provider = account.provider and media.channel = account.channel'],
    };
  }
  const ofOwnChannels = [
    ...ofChannels,
    ...ofProvider.map((condition) => `channel in (select channel from all_accounts where ${condition})`),
  ];
  return {
    tables: `${allAccounts}, ${channelsOf(ofOwner)}`,
    select: `select channel from own_channels ${whereOf(ofOwnChannels)}`,
    conditions: [...ofOwner, 'media.channel = account.channel', ...ofProvider.map((one) => `media.${one}`)],
  };
}

/** Each provider and channel that has media: the index is entered once for each of them. */
const allAccounts = `
  all_accounts (provider, channel) as (
    (select provider, channel from media order by provider, channel limit 1)
    union all
    select next.provider, next.channel from all_accounts cross join lateral (
      select provider, channel from media where (provider, channel) > (all_accounts.provider, all_accounts.channel)
      order by provider, channel limit 1
    ) as next
  )`;

/** The channels in which a person or a conversation has media, found in the same way. */
const channelsOf = (owner: readonly string[]): string => `
  own_channels (channel) as (
    (select channel from media ${whereOf(owner)} order by channel limit 1)
    union all
    select next.channel from own_channels cross join lateral (
      select channel from media ${whereOf([...owner, 'media.channel > own_channels.channel'])} order by channel limit 1
    ) as next
  )`;

/** How far the moment in an id may be from that of the receipt; as in the index `media_displaced`. */
const displacementMs = 5_000;

/** Ids of the period, a little more than that, and the exact times. */
function received({ since, until }: MediaFilter, parameters: Parameters): string[] {
  const moved = (moment: Date | undefined, byMs: number): string | undefined =>
    moment && lowestIdAt(new Date(moment.getTime() + byMs));
  return [
    ...conditionsOf({ since: conditions.since, until: conditions.until }, { since, until }, parameters),
    ...conditionsOf(
      { since: 'media.id >= ?', until: 'media.id < ?' },
      { since: moved(since, -displacementMs), until: moved(until, displacementMs + 1) },
      parameters,
    ),
  ];
}

/** The few media whose ids are not those of the time at which they were received. */
function displaced(filter: MediaFilter, range: Range, parameters: Parameters): string {
  const wanted = [...conditionsOf(conditions, filter, parameters), ...behind(range, parameters)];
  return `
    with displaced as materialized (
      select media.id from media
      where (media.received_at - moment_of_id(media.id)) not between interval '-5 seconds' and interval '5 seconds'
        and ${wanted.join(' and ')}
    )
    select id from displaced ${firstOf('id', range)}`;
}

function firstOf(id: string, { isOldestFirst, size }: Range): string {
  return `order by ${id} ${isOldestFirst ? 'asc' : 'desc'} limit ${String(size)}`;
}

function behind({ after }: Range, parameters: Parameters): string[] {
  return conditionsOf({ after: 'media.id < ?' }, { after }, parameters);
}

function whereOf(wanted: readonly string[]): string {
  return wanted.length === 0 ? '' : `where ${wanted.join(' and ')}`;
}
