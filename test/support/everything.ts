/** Searches everything that a service keeps for data that must be gone. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { TestService } from './test-service.js';

interface Found {
  /** The name of the table or file, or `log`. */
  readonly where: string;
  readonly what: string;
}

/** The places in which any of the texts occurs: rows of tables, names and bytes of files, and the log. */
export async function findEverywhere(service: TestService, texts: readonly string[]): Promise<Found[]> {
  const places = [
    ...(await allRows(service)),
    ...(await allFiles(service)),
    { where: 'log', all: service.logs() },
  ];
  return places.flatMap(({ where, all }) =>
    texts.filter((text) => holds(all, text)).map((what) => ({ where, what })),
  );
}

/** The names of all files below the uploads, without their folders. */
export async function filesOf({ uploadsDir }: TestService): Promise<string[]> {
  const entries = await readdir(uploadsDir, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

/** The database shows bytes as hexadecimal digits. */
function holds(all: string, text: string): boolean {
  return all.includes(text) || all.includes(Buffer.from(text).toString('hex'));
}

async function allRows({ database }: TestService): Promise<{ where: string; all: string }[]> {
  const tables = await database.query<{ name: string }>(
    `select format('%I.%I', table_schema, table_name) as name from information_schema.tables
     where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')`,
  );
  return Promise.all(
    tables.map(async ({ name }) => {
      const rows = await database.query<{ row: string }>(`select t::text as row from ${name} as t`);
      return { where: name, all: rows.map(({ row }) => row).join('\n') };
    }),
  );
}

async function allFiles(service: TestService): Promise<{ where: string; all: string }[]> {
  const files = await filesOf(service);
  // A file may be deleted while the folder is read.
  const read = (file: string): Promise<string> => readFile(file, 'latin1').catch(() => '');
  return Promise.all(files.map(async (where) => ({ where, all: where + (await read(where)) })));
}
