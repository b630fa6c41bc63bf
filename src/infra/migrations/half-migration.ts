/**
 * Finishes an interrupted migration. Earlier versions committed every statement separately, so a start that
 * was killed left the first statements of a migration and an unfinished record.
 */
import type pg from 'pg';

/**
 * SQLSTATEs of existing objects: a column, a schema, a table, index or sequence, and anything else with a
 * name.
 */
const alreadyExists = /^(42701|42P06|42P07|42710)$/;
/** Such a statement does not reveal whether it was executed before. */
const isRepeatable = /\bif not exists\b/i;

interface HalfMigration {
  /** The complete migrations before it. */
  readonly earlier: readonly string[];
  readonly half: string;
}

/**
 * Executes the missing statements in the transaction of `session`, and returns whether the result equals what
 * the migrations make of an empty database. If not, the caller must roll back, because something else has
 * changed the tables.
 */
export async function finishHalfMigration(
  session: pg.Client,
  { earlier, half }: HalfMigration,
): Promise<boolean> {
  let isMissing = false;
  for (const statement of statementsOf(half)) {
    const executed = await execute(session, statement);
    if (!executed && isMissing) return false; // Only the first statements may have been executed.
    isMissing ||= executed && !isRepeatable.test(statement);
  }
  return matchesNewDatabase(session, [...earlier, half]);
}

/** Splits a file as earlier versions did. */
function statementsOf(sql: string): string[] {
  return sql
    .split(';')
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
}

/** Returns false if the object already exists. */
async function execute(session: pg.Client, statement: string): Promise<boolean> {
  await session.query('savepoint statement');
  try {
    await session.query(statement);
    await session.query('release statement');
    return true;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (!alreadyExists.test(code)) throw error;
    await session.query('rollback to statement');
    return false;
  }
}

/**
 * Compares the tables with those that the migrations create as temporary tables, which disappear afterwards.
 */
async function matchesNewDatabase(session: pg.Client, migrations: readonly string[]): Promise<boolean> {
  await session.query('savepoint comparison');
  await session.query(
    `select set_config('search_path', 'pg_temp, ' || current_setting('search_path'), true)`,
  );
  for (const sql of migrations) await session.query(sql);
  const expected = await describe(session, 'pg_my_temp_schema()');
  await session.query('rollback to comparison');
  const found = await describe(session, 'current_schema()::regnamespace');
  const expectedObjects = new Set(expected.map(({ object }) => object));
  return linesOf(expected) === linesOf(found.filter(({ object }) => expectedObjects.has(object)));
}

interface Described {
  /** A table, an index or a sequence. */
  readonly object: string;
  readonly line: string;
}

/** Describes columns, constraints, indexes and sequences of a schema without naming the schema. */
async function describe(session: pg.Client, schema: string): Promise<Described[]> {
  const { rows } = await session.query<Described>(`
    with relation as (select oid, relname, relkind from pg_class where relnamespace = ${schema})
    select relname as object, concat_ws(' ', attname, format_type(atttypid, atttypmod), attnotnull, pg_get_expr(adbin, adrelid)) as line
      from relation join pg_attribute on attrelid = oid left join pg_attrdef on adrelid = attrelid and adnum = attnum
      where relkind = 'r' and attnum > 0 and not attisdropped
    union all
    select relname, concat_ws(' ', conname, pg_get_constraintdef(c.oid))
      from relation join pg_constraint c on conrelid = relation.oid where contype in ('p', 'u', 'f', 'c')
    union all
    select relname, regexp_replace(pg_get_indexdef(oid), ' ON \\S+\\.', ' ON ') from relation where relkind = 'i'
    union all
    select relname, concat_ws(' ', seqtypid::regtype, seqstart, seqincrement, seqcycle)
      from relation join pg_sequence on seqrelid = oid where relkind = 'S'`);
  return rows;
}

function linesOf(described: readonly Described[]): string {
  return described
    .map(({ object, line }) => `${object} ${line}`)
    .sort()
    .join('\n');
}
