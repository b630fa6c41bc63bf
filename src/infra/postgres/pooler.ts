/**
 * Detects whether a session stays on one connection of the server. A pooler in transaction mode or statement
 * mode runs every transaction, or every statement, on any free connection. Prepared statements, LISTEN and
 * the locks that say which process holds which jobs then belong to other sessions.
 */
import type pg from 'pg';

/**
 * Identifies the connection of the server that answers. Process ids are reused, and two servers behind one
 * address may use the same one.
 */
const whichConnection = `select pid::text || ' ' || coalesce(backend_start::text, '') as connection
  from pg_stat_activity where pid = pg_backend_pid()`;
/** The number of comparisons. One reveals an idle pooler; others are busy with other clients. */
const rounds = 5;
/** A pooler in session mode without a free connection keeps a statement waiting as well. */
const answerTimeoutMs = 10_000;

/**
 * Whether the two sessions are behind a pooler that exchanges their connections. Sessions that keep their
 * connections never appear like that, whatever other clients do meanwhile.
 */
export async function areSessionsShared(one: pg.ClientBase, other: pg.ClientBase): Promise<boolean> {
  const own = await connectionOf(one);
  const others = await connectionOf(other);
  if (own === others) return true;
  for (let round = 0; round < rounds; round += 1) {
    if ((await connectionOf(one)) !== own) return true;
    // While the other session is in a transaction, no other session has its connection.
    try {
      await other.query('begin');
    } catch (error) {
      if (error instanceof Error && /statement pooling mode/i.test(error.message)) return true;
      throw error;
    }
    const isMoved = (await connectionOf(other)) !== others || (await connectionOf(one)) !== own;
    await other.query('rollback');
    if (isMoved) return true;
  }
  return false;
}

async function connectionOf(session: pg.ClientBase): Promise<string> {
  const question = { text: whichConnection, query_timeout: answerTimeoutMs };
  const { rows } = await session.query<{ connection: string }>(question);
  return rows[0]?.connection ?? '';
}
