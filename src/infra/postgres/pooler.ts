/**
 * Tells whether a session of ours stays on one connection of the server. A pooler in transaction mode or statement mode gives every
 * transaction, or every statement, whichever connection is free. Prepared statements, LISTEN and the locks that say which process holds
 * which jobs then belong to strangers.
 */
import type pg from 'pg';

/** Which connection of the server answers. Ids of processes return, and two servers behind one address may both have one. */
const whichConnection = `select pid::text || ' ' || coalesce(backend_start::text, '') as connection
  from pg_stat_activity where pid = pg_backend_pid()`;
/** How often both are asked. One round finds an idle pooler; others are busy for somebody else, too. */
const rounds = 5;
/** Also for a pooler in session mode that has no connection left: it keeps a statement waiting. */
const answerMs = 10_000;

/**
 * Whether the two sessions are behind a pooler that does not keep them apart. Sessions that keep their connections, each its own, never
 * look like that, whatever others do meanwhile.
 */
export async function areSessionsShared(one: pg.ClientBase, other: pg.ClientBase): Promise<boolean> {
  const own = await connectionOf(one);
  const others = await connectionOf(other);
  if (own === others) return true;
  for (let round = 0; round < rounds; round += 1) {
    if ((await connectionOf(one)) !== own) return true;
    // While the other one is in a transaction, its connection is nobody else's.
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
  const question = { text: whichConnection, query_timeout: answerMs };
  const { rows } = await session.query<{ connection: string }>(question);
  return rows[0]?.connection ?? '';
}
