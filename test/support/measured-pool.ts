/**
 * Counts what the statements of a transaction read, to show that a cost does not depend on what was done
 * before.
 */
import type pg from 'pg';

import { openPool, type Pool } from '../../src/infra/postgres/database.js';

export interface MeasuredPool {
  readonly pool: Pool;
  /** Pages that the statements have read since the last call, by the text of the statement. */
  readonly takePages: () => ReadonlyMap<string, number>;
}

interface Plan {
  readonly 'Shared Hit Blocks': number;
  readonly 'Shared Read Blocks': number;
}

/** Explains each statement with parameters before it runs, and undoes what the explanation has done. */
export function openMeasuredPool(connectionString: string): MeasuredPool {
  const pool = openPool({ connectionString, max: 1 });
  let pages = new Map<string, number>();

  const measure = async (client: pg.PoolClient, text: string, values: unknown[]): Promise<void> => {
    await client.query('savepoint measured');
    const { rows } = await client.query<{ 'QUERY PLAN': readonly { readonly Plan: Plan }[] }>(
      `explain (analyze, buffers, format json) ${text}`,
      values,
    );
    await client.query('rollback to measured');
    const plan = rows[0]?.['QUERY PLAN'][0]?.Plan;
    const read = (plan?.['Shared Hit Blocks'] ?? 0) + (plan?.['Shared Read Blocks'] ?? 0);
    pages.set(text, (pages.get(text) ?? 0) + read);
  };

  const query = async (text: string, values: unknown[]): Promise<pg.QueryResult> => {
    const client = await pool.connect();
    try {
      await client.query('begin');
      await measure(client, text, values);
      await client.query('rollback');
      return await client.query(text, values);
    } finally {
      client.release();
    }
  };
  const connect = async (): Promise<pg.PoolClient> => {
    const client = await pool.connect();
    const query = async (text: string, values?: unknown[]): Promise<unknown> => {
      if (values) await measure(client, text, values);
      return client.query(text, values);
    };
    return Object.assign(Object.create(client) as pg.PoolClient, {
      query,
      release: (broken?: boolean) => {
        client.release(broken);
      },
    });
  };

  return {
    pool: Object.assign(Object.create(pool) as Pool, { connect, query, end: () => pool.end() }),
    takePages: () => {
      const taken = pages;
      pages = new Map();
      return taken;
    },
  };
}
