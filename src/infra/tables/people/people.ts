/**
 * People and groups as the API reads them. Each page costs the same, however many there are: lists follow an
 * index in their order, or look through a bounded number of people. Keyset pages, in SQL.
 */
import { spellingsOf } from '../../../domain/person.js';
import type { Pool } from '../../postgres/database.js';
import { columnsOf, conditionsOf, createParameters, type Parameters } from '../../postgres/pages.js';
import { hasTrigram, nameOrNumber, peopleWith } from '../search.js';
import type { PeopleSums } from './sums.js';

export interface PersonRecord {
  readonly channel: string;
  readonly key: string;
  readonly kind: 'person' | 'group';
  /** The id that was used last. */
  readonly person: string;
  readonly ids: readonly string[];
  /** The latest first. */
  readonly names: readonly string[];
  readonly firstId: string;
  readonly lastId: string;
  readonly received: number;
  readonly sent: number;
  readonly texts: number;
  /** Media that wait to be downloaded, a thousand at most. */
  readonly pending: number;
  /** Media that could not be downloaded, a thousand at most. */
  readonly failed: number;
}

export interface PeopleFilter {
  readonly channels?: readonly string[] | undefined;
  readonly kind?: 'person' | 'group' | undefined;
  /** A part of a name or a number, as people write it. */
  readonly q?: string | undefined;
}

/** The end of a page. */
export interface PeoplePlace {
  readonly lastId: string;
  readonly kind: string;
  /** A media item may be the last one of several groups, if a person was taken for a group. */
  readonly key: string;
}

export interface PeoplePage {
  readonly limit: number;
  readonly after?: PeoplePlace | undefined;
}

export interface FoundPeople {
  /** Seen last first. There may be fewer than the limit although more follow: see `next`. */
  readonly items: readonly PersonRecord[];
  readonly next: PeoplePlace | undefined;
}

export interface People {
  readonly list: (filter: PeopleFilter, page: PeoplePage) => Promise<FoundPeople>;
  /** The person or the group with this id, or with the same number in another spelling. */
  readonly find: (channel: string, id: string) => Promise<PersonRecord | undefined>;
  /** All ids of the person, this one first. */
  readonly idsOf: (channel: string, id: string) => Promise<readonly string[]>;
  /** The other channels in which this key is known, of those that are visible. */
  readonly elsewhere: (
    person: PersonRecord,
    channels: readonly string[] | undefined,
  ) => Promise<PersonRecord[]>;
}

interface PeopleOptions {
  /** How many people one request looks through if no index answers its filter. */
  readonly mostScanned?: number;
}

const defaultScanned = 2_000;
/** A person with more of them is told to have so many. */
const mostCounted = 1_000;
/** The same number in more channels than this is cut. */
const mostElsewhere = 50;

export function createPeople(
  pool: Pick<Pool, 'query'>,
  sums: Pick<PeopleSums, 'refresh'>,
  { mostScanned = defaultScanned }: PeopleOptions = {},
): People {
  const find = async (channel: string, id: string): Promise<PersonRecord | undefined> => {
    await sums.refresh();
    const { rows } = await pool.query<PersonRecord>({
      name: 'person',
      text: `${selectPeople} where person.channel = $1 and person.key = (${keyOfAny('$1', '$2')})`,
      values: [channel, spellingsOf(id)],
    });
    return rows[0];
  };
  return {
    list: async (filter, page) => {
      await sums.refresh();
      return listPeople(pool, { filter, page, mostScanned });
    },
    find,
    idsOf: async (channel, id) => [...new Set([id, ...((await find(channel, id))?.ids ?? [])])],
    elsewhere: async ({ channel, key }, channels) => {
      const parameters = createParameters();
      const wanted = [
        `person.key = ${parameters.add(key)}`,
        `person.channel <> ${parameters.add(channel)}`,
        ...conditionsOf({ channels: 'person.channel = any(?)' }, { channels }, parameters),
      ];
      const { rows } = await pool.query<PersonRecord>(
        `${selectPeople} where ${wanted.join(' and ')} order by last_id desc limit ${String(mostElsewhere)}`,
        parameters.values,
      );
      return rows;
    },
  };
}

/** The key of the first of these spellings that is known. */
function keyOfAny(channel: string, spellings: string): string {
  return `select known.key from unnest(${spellings}::text[]) with ordinality as spelling (id, place)
          join person_id as known on known.channel = ${channel} and known.person = spelling.id order by spelling.place limit 1`;
}

/**
 * Media of a person or in a group in these states, found by the index of their owner for each combination of
 * the columns that stand before the state.
 */
const countOf = (states: string): string => {
  const owned = (column: string, directions: string): string => `
    select from unnest(person.ids) as of_id (id)
    cross join unnest('{image,video,audio,document,sticker}'::text[]) as of_kind (kind)
    cross join unnest('{${directions}}'::text[]) as of_direction (direction)
    cross join unnest('{${states}}'::text[]) as of_state (state)
    cross join lateral (
      select from media where media.${column} = of_id.id and media.channel = person.channel and media.kind = of_kind.kind
        and media.direction = of_direction.direction and media.state = of_state.state
      limit ${String(mostCounted)}
    ) as one`;
  return `(
    select count(*)::int from (
      (${owned('person', 'inbound')} limit ${String(mostCounted)})
      union all (${owned('conversation', 'inbound,outbound')} where person.kind = 'group' limit ${String(mostCounted)})
    ) as counted)`;
};

const peopleColumns = columnsOf<PersonRecord>({
  channel: 'person.channel',
  key: 'person.key',
  kind: 'person.kind',
  person: 'person.person',
  ids: 'person.ids',
  names: 'person.names',
  firstId: 'person.first_id',
  lastId: 'person.last_id',
  received: 'person.received',
  sent: 'person.sent',
  texts: 'person.texts',
  pending: countOf('pending'),
  failed: countOf('rejected,failed'),
});

const selectPeople = `select ${peopleColumns} from person`;

interface PeopleQuery {
  readonly filter: PeopleFilter;
  readonly page: PeoplePage;
  readonly mostScanned: number;
}

async function listPeople(pool: Pick<Pool, 'query'>, query: PeopleQuery): Promise<FoundPeople> {
  const { filter, page } = query;
  if (filter.q === undefined) {
    const parameters = createParameters();
    const places = inOrder(filter, { ...page, limit: page.limit + 1 }, parameters);
    return pageOf(await read(pool, places, parameters), page);
  }
  const part = nameOrNumber(filter.q);
  const scanned = await scan(pool, query, part);
  if (scanned.isComplete || !hasTrigram(part)) return scanned;
  return (await findPart(pool, query, part)) ?? scanned;
}

interface Scanned extends FoundPeople {
  /** Nothing that fits is left out before `next`. */
  readonly isComplete: boolean;
}

/** Looks through the people who were seen last. */
async function scan(
  pool: Pick<Pool, 'query'>,
  { filter, page, mostScanned }: PeopleQuery,
  part: string,
): Promise<Scanned> {
  const parameters = createParameters();
  const candidates = inOrder(filter, { ...page, limit: mostScanned }, parameters);
  const pattern = `search_pattern(${parameters.add(part)})`;
  const { rows } = await pool.query<{ places: Place[]; end: PeoplePlace | null }>(
    `with candidate as materialized (${candidates}),
     fitting as (
       select candidate.* from candidate
       cross join lateral (select search from person where channel = candidate.channel and key = candidate.key offset 0) as person
       where person.search like ${pattern} ${newestFirst} limit ${String(page.limit + 1)}
     )
     select (select coalesce(json_agg(${placeColumns}), '[]') from fitting) as places,
            (select json_build_object('lastId', last_id, 'kind', kind, 'key', key) from candidate ${newestFirst}
             offset ${String(mostScanned - 1)} limit 1) as "end"`,
    parameters.values,
  );
  const { places, end } = rows[0] ?? { places: [], end: null };
  const isComplete = places.length > page.limit || end === null;
  const items = await readPlaces(pool, places.slice(0, page.limit));
  return { items, next: isComplete ? nextOf(places, page) : end, isComplete };
}

/** Finds a part by its index; undefined if so many people have it that the newest are soon found without it. */
async function findPart(
  pool: Pick<Pool, 'query'>,
  { filter, page, mostScanned }: PeopleQuery,
  part: string,
): Promise<FoundPeople | undefined> {
  const parameters = createParameters();
  const hasPart = peopleWith(part, parameters);
  const wanted = [...conditionsOf(conditions, filter, parameters), ...behind(page, parameters)];
  const { rows } = await pool.query<{ places: Place[]; matches: number }>(
    `with matching as materialized (
       select channel, key, kind, last_id from person where ${hasPart} limit ${String(mostScanned + 1)}
     )
     select (select count(*)::int from matching) as matches,
            (select coalesce(json_agg(${placeColumns}), '[]') from (
               select * from matching as person ${whereOf(wanted)} ${newestFirst} limit ${String(page.limit + 1)}
             ) as fitting) as places`,
    parameters.values,
  );
  const { places, matches } = rows[0] ?? { places: [], matches: 0 };
  if (matches > mostScanned) return undefined;
  return { items: await readPlaces(pool, places.slice(0, page.limit)), next: nextOf(places, page) };
}

/** A row, as long as it exists: people who are found may be erased before they are read. */
interface Place extends PeoplePlace {
  readonly channel: string;
}

const placeColumns = `json_build_object('channel', channel, 'key', key, 'lastId', last_id, 'kind', kind)`;

const conditions = { channels: 'person.channel = any(?)', kind: 'person.kind = ?' } as const;
const newestFirst = 'order by last_id desc, kind desc, key desc';
const kinds = ['person', 'group'] as const;

/**
 * The newest of each kind and channel, merged. Rows are compared as a whole: the planner, which does not know
 * the values, would otherwise expect few of them, and sort all people of a kind.
 */
function inOrder({ channels, kind }: PeopleFilter, page: PeoplePage, parameters: Parameters): string {
  const any = (values: readonly string[]): string => `unnest(${parameters.add(values)}::text[])`;
  const isOfChannel = channels !== undefined;
  const columns = isOfChannel ? ['channel', 'kind'] : ['kind'];
  const place = columns.map((column) => `person.${column}`).join(', ');
  const wanted = columns.map((column) => `of_${column}.${column}`).join(', ');
  const ofChannels = isOfChannel ? `cross join ${any(channels)} as of_channel (channel)` : '';
  const first = page.after?.lastId ?? highestUuid;
  return `
    select found.* from ${any(kind === undefined ? kinds : [kind])} as of_kind (kind) ${ofChannels}
    cross join lateral (
      select channel, key, kind, last_id from person
      where (${place}, person.last_id) <= (${wanted}, ${parameters.add(first)}::uuid)
        and (${place}, person.last_id) >= (${wanted}, ${parameters.add(lowestUuid)}::uuid)
        ${behind(page, parameters)
          .map((condition) => `and ${condition}`)
          .join(' ')}
      order by ${columns.map((column) => `person.${column} desc`).join(', ')}, person.last_id desc
      fetch first ${String(page.limit)} rows with ties
    ) as found
    ${newestFirst} limit ${String(page.limit)}`;
}

const lowestUuid = '00000000-0000-0000-0000-000000000000';
const highestUuid = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

function behind({ after }: PeoplePage, parameters: Parameters): string[] {
  if (!after) return [];
  const { lastId, kind, key } = after;
  const place = `${parameters.add(lastId)}::uuid, ${parameters.add(kind)}, ${parameters.add(key)}`;
  return [`(person.last_id, person.kind, person.key) < (${place})`];
}

function whereOf(wanted: readonly string[]): string {
  return wanted.length === 0 ? '' : `where ${wanted.join(' and ')}`;
}

/**
 * Reads the people that a statement lists, each by its key: a planner that expects many of them would sort all
 * people first (measured with 250 000: 230 ms for five).
 */
async function read(
  pool: Pick<Pool, 'query'>,
  places: string,
  { values }: Parameters,
): Promise<readonly PersonRecord[]> {
  const { rows } = await pool.query<PersonRecord>(
    `with place as materialized (${places})
     select ${peopleColumns} from (select channel, key from place) as place
     cross join lateral (select * from person where channel = place.channel and key = place.key offset 0) as person
     ${newestFirst}`,
    values,
  );
  return rows;
}

async function readPlaces(
  pool: Pick<Pool, 'query'>,
  places: readonly Place[],
): Promise<readonly PersonRecord[]> {
  if (places.length === 0) return [];
  const parameters = createParameters();
  const listed = `select * from json_to_recordset(${parameters.add(JSON.stringify(places))}::json) as x (channel text, key text)`;
  return read(pool, listed, parameters);
}

/** One more was asked for than the page holds: if it is there, another page follows. */
function pageOf(found: readonly PersonRecord[], { limit }: PeoplePage): FoundPeople {
  return { items: found.slice(0, limit), next: nextOf(found, { limit }) };
}

function nextOf(found: readonly PeoplePlace[], { limit }: PeoplePage): PeoplePlace | undefined {
  const last = found.length > limit ? found[limit - 1] : undefined;
  return last && { lastId: last.lastId, kind: last.kind, key: last.key };
}
