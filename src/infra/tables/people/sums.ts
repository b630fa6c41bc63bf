/**
 * The sums of people and groups. Triggers append what a statement changes to `person_change`, where no two
 * writers meet; here the changes are added to the sums, in batches that move rows under an advisory lock:
 * SQL. The tables are described in prisma/schema.prisma, the triggers in prisma/migrations.
 */
import { isNumber, personKey } from '../../../domain/person.js';
import { transaction, type Pool, type Transaction } from '../../postgres/database.js';

export interface PeopleSums {
  /**
   * Adds some of the changes to the sums, and returns how many. When another process is doing it, this one
   * does nothing and returns 0.
   */
  readonly fold: () => Promise<number>;
  /**
   * Adds changes until few are left: while webhooks arrive, there are always some, and a caller that waited for
   * none would never end.
   */
  readonly foldMost: () => Promise<void>;
  /**
   * Adds all changes that are committed when it is called. After an erasure nothing of a person is left by it:
   * neither in changes nor in sums without anything else.
   */
  readonly settle: () => Promise<void>;
  /** Adds a batch of changes if there are any, so that a reader finds what has just arrived. */
  readonly refresh: () => Promise<void>;
}

/** One batch takes about 0.1 s, which a reader may have to wait. */
const foldedAtOnce = 2_000;
/** Former names that are kept. */
const mostNames = 5;

export function createPeopleSums(pool: Pool): PeopleSums {
  let folding: Promise<number> | undefined;
  const fold = (): Promise<number> =>
    transaction(pool, async (connection) => {
      const { rows } = await connection.query<{ isAlone: boolean }>(
        `select pg_try_advisory_xact_lock(${lock}) as "isAlone"`,
      );
      return rows[0]?.isAlone === true ? foldBatch(connection) : 0;
    });
  const foldInTurn = (): Promise<number> =>
    transaction(pool, async (connection) => {
      await connection.query(`select pg_advisory_xact_lock(${lock})`);
      return foldBatch(connection);
    });
  return {
    fold,
    foldMost: async () => {
      while ((await fold()) === foldedAtOnce);
    },
    settle: async () => {
      const { rows } = await pool.query<{ last: string | null }>('select max(id) as last from person_change');
      const last = rows[0]?.last ?? null;
      const isBehind = async (): Promise<boolean> =>
        (await pool.query('select from person_change where id <= $1 limit 1', [last])).rowCount === 1;
      if (last !== null) while (await isBehind()) await foldInTurn();
    },
    refresh: async () => {
      const { rows } = await pool.query<{ isBehind: boolean }>({
        name: 'people-behind',
        text: 'select exists (select from person_change) as "isBehind"',
      });
      if (rows[0]?.isBehind !== true) return;
      // Readers at the same time wait for the same batch.
      folding ??= fold().finally(() => {
        folding = undefined;
      });
      await folding;
    },
  };
}

const lock = `hashtextextended('people', 0)`;

/**
 * Statements of one transaction. A batch locks the same tables in another order, so it must not run meanwhile; and
 * an erasure, which waits for the lock of a batch, holds the table of media before.
 */
export const recountStatements = `
  lock table media, context in share mode;
  select pg_advisory_xact_lock(${lock});
  select people_recount()`;

/**
 * Counts everybody anew, with writers kept out. Needed only after rows have changed without triggers, as in a
 * backup of data alone.
 */
export async function recountPeople(pool: Pool): Promise<void> {
  await pool.query(recountStatements);
}

/**
 * Removes a person whose messages are erased, with changes that were not added yet. Only this waits for the
 * lock of a batch, and a batch waits for nothing that an erasure holds.
 */
export async function forgetPeople(
  connection: Transaction,
  { channel, ids }: { readonly channel: string; readonly ids: readonly string[] },
): Promise<void> {
  await connection.query(`select pg_advisory_xact_lock(${lock})`);
  await connection.query(
    `with gone as (
       delete from person_change where channel = $1 and person = any($2)
     ), named as (
       delete from person_id where channel = $1 and key in (select key from person_id where channel = $1 and person = any($2))
       returning key
     )
     delete from person where channel = $1 and key in (select key from named)`,
    [channel, ids],
  );
}

/** What one id of a channel has changed by as a person or as a group, the newest name last. */
interface Change {
  readonly channel: string;
  readonly person: string;
  readonly kind: 'person' | 'group';
  readonly firstId: string;
  readonly lastId: string;
  readonly received: number;
  readonly sent: number;
  readonly texts: number;
  readonly name: string | null;
  readonly alias: string | null;
  readonly changes: number;
}

async function foldBatch(connection: Transaction): Promise<number> {
  const { rows: changes } = await connection.query<Change>(takeChanges, [foldedAtOnce]);
  if (changes.length === 0) return 0;
  const keys = await findKeys(connection, changes);
  for (const { channel, from, to } of keys.merges) await merge(connection, { channel, from, to });
  const rows = changes.map((change) => ({ ...change, key: keys.keyOf(change.channel, change.person) }));
  await connection.query(storeIds, [JSON.stringify(keys.ids)]);
  await connection.query(addChanges, [JSON.stringify(rows), mostNames]);
  await connection.query(renewSearch, [JSON.stringify(rows)]);
  await connection.query(removeEmpty, [JSON.stringify(rows)]);
  return changes.reduce((sum, change) => sum + change.changes, 0);
}

/**
 * The names are those of the newest message, if possible of the person's own; one that was erased has none. An id
 * that is a person here and a conversation there gets two rows, since a message names these in different columns.
 */
const takeChanges = `
  with gone as (
    delete from person_change where id in (select id from person_change order by id limit $1) returning *
  ), sums as (
    select channel, person, kind, min(first_id::text)::uuid as first_id, max(last_id::text)::uuid as last_id,
           sum(received)::int as received, sum(sent)::int as sent, sum(texts)::int as texts, count(*)::int as changes,
           (array_agg(message_row_id order by received > 0 desc, last_id desc) filter (where message_row_id is not null))[1] as message_row_id,
           (array_agg(name order by last_id desc) filter (where name is not null))[1] as name,
           (array_agg(alias order by last_id desc) filter (where alias is not null))[1] as alias
    from gone group by channel, person, kind
  )
  select sums.channel, sums.person, sums.kind, first_id as "firstId", last_id as "lastId", received, sent, texts, changes,
         coalesce(case when sums.kind = 'group' or (message.direction = 'outbound' and message.chat is null) then message.chat_name
                       when message.direction = 'inbound' then message.sender_name end, sums.name) as name,
         coalesce(case when sums.kind = 'person' then message.person_alias end, sums.alias) as alias
  from sums left join lateral (
    select direction, chat, chat_name, sender_name, person_alias from message where id = sums.message_row_id and erased_at is null offset 0
  ) as message on true
  order by last_id`;

interface Merge {
  readonly channel: string;
  /** The key whose person becomes part of another one. */
  readonly from: string;
  readonly to: string;
}

interface NamedId {
  readonly channel: string;
  readonly person: string;
  readonly key: string;
}

interface Keys {
  readonly keyOf: (channel: string, person: string) => string;
  /** All ids of the changes with their keys. */
  readonly ids: readonly NamedId[];
  /** Keys that turned out to be of one person, in order. */
  readonly merges: readonly Merge[];
}

/** Decides whom each id names: the number, if a message tells two ids of one person. */
async function findKeys(connection: Transaction, changes: readonly Change[]): Promise<Keys> {
  const named = changes.flatMap(({ channel, person, alias }) =>
    [person, alias].flatMap((id) => (id === null ? [] : [{ channel, person: id }])),
  );
  const { rows } = await connection.query<NamedId>(
    `select channel, person, key from person_id
     where (channel, person) in (select x.channel, x.person from json_to_recordset($1::json) as x (channel text, person text))`,
    [JSON.stringify(named)],
  );
  const known = new Map(rows.map((row) => [placeOf(row.channel, row.person), row]));
  const moved = new Map<string, string>();
  const merges: Merge[] = [];
  const current = (channel: string, key: string): string => {
    const next = moved.get(placeOf(channel, key));
    return next === undefined ? key : current(channel, next);
  };
  const keyOf = (channel: string, person: string): string =>
    current(channel, known.get(placeOf(channel, person))?.key ?? personKey(person));
  const remember = (channel: string, person: string, key: string): void => {
    known.set(placeOf(channel, person), { channel, person, key });
  };
  for (const { channel, person, alias } of changes) {
    const own = keyOf(channel, person);
    const other = alias === null ? own : keyOf(channel, alias);
    const to = isNumber(other) && !isNumber(own) ? other : own;
    const from = to === own ? other : own;
    if (from !== to) {
      moved.set(placeOf(channel, from), to);
      merges.push({ channel, from, to });
    }
    remember(channel, person, to);
    if (alias !== null) remember(channel, alias, to);
  }
  const ids = [...known.values()].map((row) => ({ ...row, key: current(row.channel, row.key) }));
  return { keyOf, ids, merges };
}

/** Ids have no NUL, which PostgreSQL does not store. */
function placeOf(channel: string, id: string): string {
  return `${channel}\0${id}`;
}

/** Two rows of a person become one. Rare: once for each person who has two ids. */
async function merge(connection: Transaction, { channel, from, to }: Merge): Promise<void> {
  await connection.query('update person_id set key = $3 where channel = $1 and key = $2', [
    channel,
    from,
    to,
  ]);
  await connection.query(
    `with old as (delete from person where channel = $1 and key = $2 returning *)
     insert into person as known (channel, key, kind, person, ids, names, search, first_id, last_id, received, sent, texts)
     select channel, $3, kind, person, ids, names, search, first_id, last_id, received, sent, texts from old
     on conflict (channel, key) do update
     set kind = case when 'group' in (known.kind, excluded.kind) then 'group' else 'person' end,
         ids = known.ids || array(select one from unnest(excluded.ids) as one where one <> all(known.ids)),
         names = (known.names || array(select one from unnest(excluded.names) as one where one <> all(known.names)))[1:$4],
         person = case when excluded.last_id > known.last_id then excluded.person else known.person end,
         first_id = least(known.first_id, excluded.first_id), last_id = greatest(known.last_id, excluded.last_id),
         received = known.received + excluded.received, sent = known.sent + excluded.sent, texts = known.texts + excluded.texts`,
    [channel, from, to, mostNames],
  );
}

const rowColumns = `x (channel text, key text, kind text, person text, "firstId" uuid, "lastId" uuid, received int, sent int, texts int,
  name text, alias text)`;

const storeIds = `
  insert into person_id (channel, person, key)
  select channel, person, key from json_to_recordset($1::json) as x (channel text, person text, key text)
  on conflict (channel, person) do update set key = excluded.key where person_id.key <> excluded.key`;

/** What was erased stays seen: its time lies within those that are known. */
const addChanges = `
  with sums as (
    select channel, key, max(kind) filter (where kind = 'group') as groups,
           (array_agg(person order by "lastId" desc))[1] as person, min("firstId"::text)::uuid as first_id,
           max("lastId"::text)::uuid as last_id, sum(received)::int as received, sum(sent)::int as sent,
           sum(texts)::int as texts, array_agg(person) || array_remove(array_agg(alias), null) as ids,
           (array_agg(name order by "lastId" desc) filter (where name <> ''))[1:1] as names
    from json_to_recordset($1::json) as ${rowColumns} group by channel, key
  )
  insert into person as known (channel, key, kind, person, ids, names, first_id, last_id, received, sent, texts)
  select channel, key, coalesce(groups, 'person'), person, array(select distinct one from unnest(ids) as one), coalesce(names, '{}'),
         first_id, last_id, received, sent, texts
  from sums
  order by channel, key
  on conflict (channel, key) do update
  set kind = case when 'group' in (known.kind, excluded.kind) then 'group' else 'person' end,
      ids = known.ids || array(select one from unnest(excluded.ids) as one where one <> all(known.ids)),
      names = (excluded.names || array_remove(known.names, excluded.names[1]))[1:$2],
      person = case when excluded.last_id > known.last_id then excluded.person else known.person end,
      first_id = least(known.first_id, excluded.first_id), last_id = greatest(known.last_id, excluded.last_id),
      received = known.received + excluded.received, sent = known.sent + excluded.sent, texts = known.texts + excluded.texts`;

const ofRows = `(channel, key) in (select x.channel, x.key from json_to_recordset($1::json) as x (channel text, key text))`;

const renewSearch = `
  update person set search = person_search(names, ids) where ${ofRows} and search <> person_search(names, ids)`;

const removeEmpty = `
  with empty as (delete from person where ${ofRows} and received <= 0 and sent <= 0 and texts <= 0 returning channel, key)
  delete from person_id where (channel, key) in (select channel, key from empty)`;
