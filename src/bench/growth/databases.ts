/** Services on one PostgreSQL whose databases hold few or many media. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { newSession } from '../../infra/postgres/database.js';
import { startEmbeddedPostgres } from '../../infra/postgres/embedded/server.js';
import { recountStatements } from '../../infra/tables/people/sums.js';
import { startBenchService, type BenchService } from '../service.js';
import { landmarks, populate } from './population.js';

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
const apiOnly = { PROCESS_MODE: 'api' } as const;

/** One service with few media and one with many; neither downloads. */
export async function startGrowth(environment: NodeJS.ProcessEnv): Promise<Growth> {
  const { start, stop } = await startServer(environment);
  try {
    const few = await start({ name: 'few', count: fewMedia, settings: apiOnly });
    const many = await start({ name: 'many', count: countOf(environment), settings: apiOnly });
    return { few, many, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Old media, which a reader finds last if it looks through all of them. */
const addFavourites = `
  insert into favourite (owner, media_id)
  select $1::uuid, id from media where sha256 = $2 order by id limit 50`;

/** The owner of the favourites of a token that belongs to nobody. */
function tokenIdOf({ authorization }: BenchService): string {
  const [, claims = ''] = authorization.split('.');
  return (JSON.parse(Buffer.from(claims, 'base64url').toString()) as { jti: string }).jti;
}

/** Each reader adds some of the people that were counted, until all are there. */
async function addPeople(service: BenchService, query: Populated['query']): Promise<void> {
  while ((await query('select from person_change limit 1', [])).length > 0)
    await (await service.get('/v1/people?limit=1')).arrayBuffer();
}

/** One service with many media that does everything. */
export async function startGrown(environment: NodeJS.ProcessEnv): Promise<Omit<Growth, 'few'>> {
  const { start, stop } = await startServer(environment);
  try {
    return { many: await start({ name: 'many', count: countOf(environment), settings: {} }), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

const countOf = (environment: NodeJS.ProcessEnv): number => Number(environment['BENCH_MEDIA'] ?? manyMedia);

interface Server {
  readonly start: (wanted: Wanted) => Promise<Populated>;
  readonly stop: () => Promise<void>;
}

interface Wanted {
  readonly name: string;
  readonly count: number;
  readonly settings: Readonly<Record<string, string>>;
}

async function startServer(environment: NodeJS.ProcessEnv): Promise<Server> {
  const folder = await mkdtemp(join(tmpdir(), 'inlet-bench-growth-'));
  const postgres = await startEmbeddedPostgres(folder);
  const stops: (() => Promise<void>)[] = [() => rm(folder, { recursive: true, force: true }), postgres.stop];
  return {
    start: async (wanted) => {
      const { end, ...populated } = await startPopulated(environment, postgres.connectionString, wanted);
      stops.push(end);
      return { ...populated, count: wanted.count };
    },
    stop: async () => {
      for (const end of stops.reverse()) await end();
    },
  };
}

/** The service migrates the database, which is filled afterwards. */
async function startPopulated(
  environment: NodeJS.ProcessEnv,
  server: string,
  { name, count, settings }: Wanted,
): Promise<Omit<Populated, 'count'> & { readonly end: () => Promise<void> }> {
  const administrator = newSession(server);
  await administrator.connect();
  await administrator.query(`create database ${name}`);
  await administrator.end();
  const url = Object.assign(new URL(server), { pathname: `/${name}` }).href;
  const service = await startBenchService(environment, {
    ...settings,
    API_REQUESTS_PER_MINUTE: '100000000',
    DATABASE_URL: url,
  });
  const session = newSession(url);
  await session.connect();
  const query: Populated['query'] = async <Row extends object>(text: string, values: readonly unknown[]) =>
    (await session.query<Row>(text, [...values])).rows;
  await populate(query, { count });
  await query(addFavourites, [tokenIdOf(service), landmarks.sharedFile]);
  await query('select stats_recount()', []);
  await session.query(recountStatements);
  await addPeople(service, query);
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
