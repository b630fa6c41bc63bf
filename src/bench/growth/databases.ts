/** Two services on one PostgreSQL: one with few media in its database, one with many. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { newSession } from '../../infra/postgres/database.js';
import { startEmbeddedPostgres } from '../../infra/postgres/embedded/server.js';
import { startBenchService, type BenchService } from '../service.js';
import { populate } from './population.js';

export interface Populated {
  readonly service: BenchService;
  readonly count: number;
  /** Runs a statement in its database. */
  readonly query: <Row extends object>(text: string, values: readonly unknown[]) => Promise<Row[]>;
}

interface Growth {
  readonly few: Populated;
  readonly many: Populated;
  readonly stop: () => Promise<void>;
}

const fewMedia = 10_000;
/** `BENCH_MEDIA` replaces it. */
const manyMedia = 1_000_000;
/** The services compete with nothing but one another: downloads would begin otherwise. */
const settings = { PROCESS_MODE: 'api', API_REQUESTS_PER_MINUTE: '100000000' } as const;

export async function startGrowth(environment: NodeJS.ProcessEnv): Promise<Growth> {
  const folder = await mkdtemp(join(tmpdir(), 'inlet-bench-growth-'));
  const postgres = await startEmbeddedPostgres(folder);
  const stops: (() => Promise<void>)[] = [() => rm(folder, { recursive: true, force: true }), postgres.stop];
  const stop = async (): Promise<void> => {
    for (const end of stops.reverse()) await end();
  };
  const start = async (name: string, count: number): Promise<Populated> => {
    const { service, query, end } = await startPopulated(environment, {
      server: postgres.connectionString,
      name,
      count,
    });
    stops.push(end);
    return { service, query, count };
  };
  try {
    const few = await start('few', fewMedia);
    const many = await start('many', Number(environment['BENCH_MEDIA'] ?? manyMedia));
    return { few, many, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Place {
  readonly server: string;
  readonly name: string;
  readonly count: number;
}

/** The service migrates the database, which is filled afterwards. */
async function startPopulated(
  environment: NodeJS.ProcessEnv,
  { server, name, count }: Place,
): Promise<Omit<Populated, 'count'> & { readonly end: () => Promise<void> }> {
  const administrator = newSession(server);
  await administrator.connect();
  await administrator.query(`create database ${name}`);
  await administrator.end();
  const url = Object.assign(new URL(server), { pathname: `/${name}` }).href;
  const service = await startBenchService(environment, { ...settings, DATABASE_URL: url });
  const session = newSession(url);
  await session.connect();
  const query: Populated['query'] = async <Row extends object>(text: string, values: readonly unknown[]) =>
    (await session.query<Row>(text, [...values])).rows;
  await populate(query, { count });
  await query('select stats_recount()', []);
  await session.query('vacuum');
  await session.query('checkpoint');
  return {
    service,
    query,
    end: async () => {
      await session.end();
      await service.stop();
    },
  };
}
