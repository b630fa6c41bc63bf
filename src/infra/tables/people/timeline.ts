/**
 * Everything that was exchanged with a person or in a group, newest first. Each kind of item has an index in
 * this order, so a page costs the same however much there is. Keyset pages of several tables, in SQL.
 */
import { mediaKinds, type ContextKind, type Direction } from '../../../domain/provider.js';
import type { Pool } from '../../postgres/database.js';
import { conditionsOf, createParameters, type Page, type Parameters } from '../../postgres/pages.js';
import type { MediaRecord } from '../media/records.js';
import type { PersonRecord } from './people.js';

/** Each item is at an id that contains its time, which orders the timeline. */
export type TimelineItem =
  | { readonly place: string; readonly media: MediaRecord }
  | { readonly place: string; readonly context: ContextRecord };

/** A text, a location or a contact card. */
export interface ContextRecord {
  readonly id: string;
  readonly messageId: string;
  readonly kind: ContextKind;
  readonly direction: Direction;
  readonly sender: string | null;
  readonly name: string | null;
  readonly chat: string | null;
  readonly text: string | null;
  readonly latitude: number | null;
  readonly longitude: number | null;
  readonly sentAt: Date | null;
  readonly receivedAt: Date;
}

export interface TimelinePage {
  readonly items: readonly TimelineItem[];
  /** The place behind which the next page begins; undefined if this is the last one. */
  readonly next: string | undefined;
}

export type Timeline = (person: PersonRecord, page: Page) => Promise<TimelinePage>;

interface Row {
  readonly place: string;
  readonly media: string | null;
}

/** `mediaByIds` reads media in any order. */
export function createTimeline(
  pool: Pick<Pool, 'query' | 'prisma'>,
  mediaByIds: (ids: readonly string[]) => Promise<readonly MediaRecord[]>,
): Timeline {
  return async (person, { limit, after }) => {
    const parameters = createParameters();
    const { rows } = await pool.query<Row>(
      itemsOf(person, { limit: limit + 1, after }, parameters),
      parameters.values,
    );
    // All media of one message have its place, and stay together.
    const places = [...new Set(rows.map(({ place }) => place))].slice(0, limit);
    const shown = rows.filter(({ place }) => places.includes(place));
    const mediaIds = shown.flatMap((row) => row.media ?? []);
    const contextIds = shown.flatMap((row) => (row.media === null ? [row.place] : []));
    const [media, contexts] = await Promise.all([mediaByIds(mediaIds), contextsByIds(pool, contextIds)]);
    const mediaOf = new Map(media.map((one) => [one.id, one]));
    const contextOf = new Map(contexts.map((one) => [one.id, one]));
    return {
      items: shown.flatMap(({ place, media: id }): TimelineItem[] => {
        const item = id === null ? undefined : mediaOf.get(id);
        const context = id === null ? contextOf.get(place) : undefined;
        if (item) return [{ place, media: item }];
        return context ? [{ place, context }] : [];
      }),
      next: shown.length < rows.length ? places.at(-1) : undefined,
    };
  };
}

/** The newest of each part, merged. A part has at least as many places as the page. */
function itemsOf(person: PersonRecord, page: Page, parameters: Parameters): string {
  // An id that is a conversation here may be a person there.
  const isGroup = person.kind === 'group';
  const parts = [
    ofOwner('person', person, { page, parameters }),
    ...(isGroup ? [ofOwner('conversation', person, { page, parameters })] : []),
    sentTo(person, page, parameters),
    textsOf('person', person, { page, parameters }),
    ...(isGroup ? [textsOf('chat', person, { page, parameters })] : []),
  ];
  return `
    with item as (${parts.map((part) => `(${part})`).join(' union ')}),
    place as (select distinct place from item order by place desc limit ${String(page.limit)})
    select place, media from item where place in (select place from place) order by place desc, media`;
}

interface Context {
  readonly page: Page;
  readonly parameters: Parameters;
}

/** The files that the person sent, or that were exchanged in the conversation. */
function ofOwner(
  column: 'person' | 'conversation',
  { channel, ids }: PersonRecord,
  { page: { limit, after }, parameters }: Context,
): string {
  const directions = column === 'conversation' ? ['inbound', 'outbound'] : ['inbound'];
  const wanted = [
    `media.${column} = of_id.id`,
    `media.channel = ${parameters.add(channel)}`,
    'media.kind = of_kind.kind and media.direction = of_direction.direction and media.state = of_state.state',
    ...conditionsOf({ after: 'media.id < ?' }, { after }, parameters),
  ];
  const any = (values: readonly string[]): string => `unnest(${parameters.add(values)}::text[])`;
  return `
    select found.id as place, found.id as media from ${any(ids)} as of_id (id)
    cross join ${any(mediaKinds)} as of_kind (kind)
    cross join ${any(directions)} as of_direction (direction)
    cross join ${any(['pending', 'ready', 'rejected', 'failed'])} as of_state (state)
    cross join lateral (
      select media.id from media where ${wanted.join(' and ')} order by media.id desc limit ${String(limit)}
    ) as found
    order by place desc limit ${String(limit)}`;
}

/** Messages without files, in both directions. */
function textsOf(
  column: 'person' | 'chat',
  { channel, ids }: PersonRecord,
  { page: { limit, after }, parameters }: Context,
): string {
  const wanted = [
    `context.${column} = of_id.id and context.channel = ${parameters.add(channel)}`,
    ...conditionsOf({ after: 'context.id < ?' }, { after }, parameters),
  ];
  return `
    select found.id as place, null::uuid as media from unnest(${parameters.add(ids)}::text[]) as of_id (id)
    cross join lateral (
      select context.id from context where ${wanted.join(' and ')} order by context.id desc limit ${String(limit)}
    ) as found`;
}

async function contextsByIds(
  { prisma }: Pick<Pool, 'prisma'>,
  ids: readonly string[],
): Promise<readonly ContextRecord[]> {
  if (ids.length === 0) return [];
  const rows = await prisma.context.findMany({ where: { id: { in: [...ids] } } });
  // Only this service writes the words.
  return rows as unknown as readonly ContextRecord[];
}

/** What was sent to the person or to the group, by the time of its message. */
function sentTo({ channel, ids }: PersonRecord, { limit, after }: Page, parameters: Parameters): string {
  const wanted = [
    `message.recipient = of_id.id and message.channel = ${parameters.add(channel)} and message.direction = 'outbound'`,
    // What was sent in a group is found by its conversation.
    'message.chat is distinct from of_id.id',
    `exists (select from media where media.message_row_id = message.id and media.state <> 'erased')`,
    ...conditionsOf({ after: 'message.id < ?' }, { after }, parameters),
  ];
  return `
    select found.id as place, media.id as media from unnest(${parameters.add(ids)}::text[]) as of_id (id)
    cross join lateral (
      select message.id from message where ${wanted.join(' and ')} order by message.id desc limit ${String(limit)}
    ) as found
    join media on media.message_row_id = found.id and media.state <> 'erased'`;
}
