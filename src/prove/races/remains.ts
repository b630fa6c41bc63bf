import type pg from 'pg';

/** Rows of any table that contain one of the texts, as descriptions. */
export async function findRemains(client: pg.Client, secrets: readonly string[]): Promise<string[]> {
  const { rows: tables } = await client.query<{ name: string }>(
    `select format('%I.%I', table_schema, table_name) as name from information_schema.tables
     where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')`,
  );
  const found: string[] = [];
  for (const { name } of tables) {
    const { rows } = await client.query<{ row: string }>(`select t::text as row from ${name} as t`);
    for (const secret of secrets) {
      // Bytes are shown as hex digits.
      const hex = Buffer.from(secret).toString('hex');
      const holds = rows.filter(({ row }) => row.includes(secret) || row.includes(hex));
      if (holds.length > 0) found.push(`not erased: a row of ${name} still holds ${secret}`);
    }
  }
  return found;
}
