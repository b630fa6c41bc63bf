/**
 * What `q` finds: parts of captions, of the names of files, of tags, of the words of facts, and of the names and
 * numbers of people and groups, whatever their case and accents. Texts of media have indexes of their own;
 * people and groups are few, and their media are found by the indexes of their owners. In SQL, as all lists of
 * media.
 */
import type pg from 'pg';

import { mediaStates } from '../../../domain/media.js';
import { digitsOf } from '../../../domain/person.js';
import { directions, mediaKinds } from '../../../domain/provider.js';
import { conditionsOf, createParameters, type Page, type Parameters } from '../../postgres/pages.js';
import { hasTrigram, nameOrNumber, peopleWith } from '../search.js';
import { conditions, type MediaFilter } from './filter.js';

/** What texts are compared with, in SQL. */
function patternOf(text: string, parameters: Parameters): string {
  return `search_pattern(${parameters.add(text)})`;
}

/** A search among the media that a filter leaves. */
interface Searching {
  readonly filter: MediaFilter;
  readonly parameters: Parameters;
}

/** Whether the indexes can find the text. */
export function isIndexed(q: string): boolean {
  return hasTrigram(q) && hasTrigram(nameOrNumber(q));
}

/** How many people and groups are looked at: each has about fifty places in an index. */
const mostPeople = 100;

/** People and groups that a search finds, for a `with` clause: one more than are looked at, or all. */
function matchingPeople(q: string, { filter, parameters }: Searching, most: number): string {
  const wanted = [
    peopleWith(nameOrNumber(q), parameters),
    ...conditionsOf({ channels: 'channel = any(?)' }, { channels: filter.channels }, parameters),
  ];
  return `
      matching as materialized (
        select channel, ids from person where ${wanted.join(' and ')} limit ${String(most + 1)}
      )`;
}

/**
 * The part of a `with` clause that reads the candidates with everything that is searched. If the index finds
 * few people, these are compared; otherwise each person and group among the candidates is read, once.
 */
export function readWithTexts(wanted: string, q: string, searching: Searching): string {
  const ofText = patternOf(q, searching.parameters);
  const ofName = patternOf(nameOrNumber(q), searching.parameters);
  // Numbers take the index longer than it takes to read the people of the first candidates.
  const isFound = hasTrigram(q) && digitsOf(q) === undefined;
  const isMany = `(select count(*) from matching) > ${String(mostPeople)}`;
  const few = `select channel, unnest(ids) as person from matching where not ${isMany} union all`;
  return `
      looked as materialized (
        select media.id, media.channel, media.filename, media.tags, media.conversation, message.caption,
               case media.direction when 'outbound' then message.recipient else media.person end as person
        from candidate
        cross join lateral (select * from media where media.id = candidate.id offset 0) as media
        left join lateral (select caption, recipient from message where id = media.message_row_id offset 0) as message on true
        where ${wanted}
      ),
      ${isFound ? `${matchingPeople(q, searching, mostPeople)},` : ''}
      named as materialized (
        ${isFound ? few : ''}
        select owner.channel, owner.person from (
          select channel, person from looked where person is not null
          union select channel, conversation from looked where conversation is not null
        ) as owner
        cross join lateral (
          select key from person_id where channel = owner.channel and person = owner.person offset 0) as known
        cross join lateral (
          select search from person where channel = owner.channel and key = known.key offset 0) as person
        where person.search like ${ofName} ${isFound ? `and ${isMany}` : ''}
      ),
      fit as (
        select id from looked
        where search_text(caption) like ${ofText} or search_text(filename) like ${ofText}
          or exists (select from unnest(tags) as tag where search_text(tag) like ${ofText})
          -- Read by its key for each of them: the planner would search all facts instead without the offset.
          or exists (
            select from media_fact where media_fact.media_id = looked.id and media_fact.text like ${ofText} offset 0)
          or (channel, person) in (select channel, person from named)
          or (channel, conversation) in (select channel, person from named)
      )`;
}

interface Search {
  readonly q: string;
  /** How many captions, file names, tags, facts and sent messages are looked at. */
  readonly most: number;
}

/**
 * Everything that fits, by the indexes, and whether that is too much to be looked at. Media of people are in
 * the order of the list, but only for filters that their index has; for others it is too much.
 */
export function textStatement(
  filter: MediaFilter,
  { limit, after }: Page,
  { q, most }: Search,
): pg.QueryConfig {
  const parameters = createParameters();
  const ofText = patternOf(q, parameters);
  const fits = [
    ...conditionsOf(conditions, filter, parameters),
    ...conditionsOf({ after: 'media.id < ?' }, { after }, parameters),
  ];
  const where = fits.length > 0 ? `where ${fits.join(' and ')}` : '';
  const people = isOwnedInOrder(filter) ? mostPeople : 0;
  const context: Context = { filter, size: limit + 1, fits, parameters };
  return {
    text: `
      with captioned as materialized (
        select id from message where caption is not null and search_text(caption) like ${ofText} limit ${String(most + 1)}
      ),
      filed as materialized (
        select id from media where filename is not null and search_text(filename) like ${ofText} limit ${String(most + 1)}
      ),
      tagged as materialized (
        select media_id as id from media_tag where key like ${ofText} limit ${String(most + 1)}
      ),
      told as materialized (
        select media_id as id from media_fact where text like ${ofText} limit ${String(most + 1)}
      ),${matchingPeople(q, { filter, parameters }, people)},
      owner as materialized (select channel, unnest(ids) as id from matching),
      sent as materialized (
        select message.id from owner join message
          on message.recipient = owner.id and message.channel = owner.channel and message.direction = 'outbound'
        limit ${String(most + 1)}
      ),
      found as (
        select media.id from (select id from captioned union select id from sent) as message
        cross join lateral (select * from media where message_row_id = message.id offset 0) as media ${where}
        union
        select media.id from (select id from filed union select id from tagged union select id from told) as named
        cross join lateral (select * from media where media.id = named.id offset 0) as media ${where}
        union (${ofOwners('person', context)})
        union (${ofOwners('conversation', context)})
      )
      select (select count(*) from captioned) > ${String(most)} or (select count(*) from filed) > ${String(most)}
             or (select count(*) from tagged) > ${String(most)} or (select count(*) from told) > ${String(most)}
             or (select count(*) from sent) > ${String(most)} or (select count(*) from matching) > ${String(people)} as "isTooMuch",
             array(select id from found order by id desc limit ${String(limit + 1)}) as ids`,
    values: parameters.values,
  };
}

/** Whether the index of people has the media that fit the rest of a filter in the order of the list. */
function isOwnedInOrder(filter: MediaFilter): boolean {
  const { from, chat, messageId, sha256, tag, favouriteOf, resolved, since, until } = filter;
  return [from, chat, messageId, sha256, tag, favouriteOf, resolved, since, until].every(
    (value) => value === undefined,
  );
}

interface Context {
  readonly filter: MediaFilter;
  readonly size: number;
  /** What else is demanded of media. */
  readonly fits: readonly string[];
  readonly parameters: Parameters;
}

/**
 * The newest media of each person and group that was found, for each combination of the columns before the id.
 * Both columns have media of both kinds: a provider may name the person as the conversation. That is rare, so
 * one look tells whether an owner has any, before sixty combinations are tried.
 */
function ofOwners(column: 'person' | 'conversation', { filter, size, fits, parameters }: Context): string {
  const any = (values: readonly string[]): string => `unnest(${parameters.add(values)}::text[])`;
  const of = (value: string | undefined, all: readonly string[]): string =>
    any(value === undefined ? all : [value]);
  // What was sent to a person is found by its message.
  const ways = column === 'person' ? directions.slice(0, 1) : directions;
  const open = filter.direction === undefined ? ways : ways.filter((way) => way === filter.direction);
  const wanted = [
    `media.${column} = owner.id and media.channel = owner.channel`,
    'media.kind = of_kind.kind and media.direction = of_direction.direction and media.state = of_state.state',
    ...fits,
  ];
  return `
    select owned.id from (
      select * from owner where exists (
        select from media where media.${column} = owner.id and media.channel = owner.channel offset 0)
      offset 0
    ) as owner
    cross join ${of(filter.kind, mediaKinds)} as of_kind (kind)
    cross join ${any(open)} as of_direction (direction)
    cross join ${of(filter.state, mediaStates)} as of_state (state)
    cross join lateral (
      select media.id from media where ${wanted.join(' and ')} order by media.id desc limit ${String(size)}
    ) as owned
    where (select count(*) from matching) <= ${String(mostPeople)}`;
}
