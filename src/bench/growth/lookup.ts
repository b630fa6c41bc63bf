/**
 * Every filter of the list of media, messages, people and statistics: how long an answer takes with many media,
 * compared with few.
 */
import { table } from '../../demo/table.js';
import { encodeCursor } from '../../http/input.js';
import { median, series, type Measure } from '../measures.js';
import { startGrowth, type Populated } from './databases.js';
import { landmarks } from './population.js';

const rounds = 15;
/** A thousand pages of ten. */
const deepPlace = 9_990;

interface Lookup {
  readonly what: string;
  readonly path: (populated: Populated) => string;
}

export async function lookup(environment: NodeJS.ProcessEnv): Promise<Measure[]> {
  const { few, many, stop } = await startGrowth(environment);
  try {
    const cursors = new Map([
      [few, await cursorAt(few)],
      [many, await cursorAt(many)],
    ]);
    const deep = lists.map(({ what, path }) => ({
      what: `${what}, page 1,000`,
      path: (one: Populated) => `${path(one)}&limit=10&cursor=${cursors.get(one) ?? ''}`,
    }));
    const results: Measure[] = [];
    for (const each of [...lists, ...deep, ...others]) results.push(await measure(each, few, many));
    process.stdout.write(`\n${await sizesOf(many)}\n\n`);
    return results;
  } finally {
    await stop();
  }
}

async function measure({ what, path }: Lookup, few: Populated, many: Populated): Promise<Measure> {
  const answer = async (one: Populated): Promise<number> => {
    const started = performance.now();
    const response = await one.service.get(path(one));
    await response.arrayBuffer();
    if (response.status !== 200) throw new Error(`${path(one)}: ${String(response.status)}`);
    return performance.now() - started;
  };
  await answer(few);
  await answer(many);
  const results = await series(rounds, async () => ({
    baseline: await answer(few),
    service: await answer(many),
  }));
  return { id: 'lookup', what, unit: 'ms', wanted: '<= 1.50', ...median(results) };
}

interface Size {
  readonly name: string;
  readonly rows: number;
  readonly tableMb: number;
  readonly indexMb: number;
}

/** The largest tables with their indexes, as text. */
async function sizesOf({ query }: Populated): Promise<string> {
  const sizes = await query<Size>(
    `select relname as name, reltuples::float8 as rows, (pg_table_size(oid) / 1048576.0)::float8 as "tableMb",
            (pg_indexes_size(oid) / 1048576.0)::float8 as "indexMb"
     from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace
     order by pg_total_relation_size(oid) desc limit 12`,
    [],
  );
  const megabytes = (value: number): string => value.toFixed(0);
  return table<Size>(
    [
      { title: 'table', value: ({ name }) => name },
      { title: 'rows', value: ({ rows }) => rows.toLocaleString('en'), align: 'right' },
      { title: 'table MB', value: ({ tableMb }) => megabytes(tableMb), align: 'right' },
      { title: 'indexes MB', value: ({ indexMb }) => megabytes(indexMb), align: 'right' },
    ],
    sizes,
  );
}

async function cursorAt({ query }: Populated): Promise<string> {
  const [row] = await query<{ id: string }>('select id from media order by id desc offset $1 limit 1', [
    deepPlace,
  ]);
  return encodeCursor(row?.id ?? '');
}

const list = (what: string, query: string): Lookup => ({ what, path: () => `/v1/media?${query}` });
const dayAgo = (days: number): string => new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10);

/** The filters of the list of media. */
export const lists: readonly Lookup[] = [
  list('all media', ''),
  list('channel', 'channel=blip'),
  list('provider', 'provider=sobot'),
  list('direction', 'direction=outbound'),
  list('kind, frequent', 'kind=image'),
  list('kind, rare', 'kind=sticker'),
  list('state, frequent', 'state=ready'),
  list('state, rare', 'state=rejected'),
  list('state, none', 'state=erased'),
  list('provider and kind, none', 'provider=sobot&kind=video'),
  list('person', `from=${landmarks.personOf(7)}`),
  list('person with a tenth of all', `from=${landmarks.busyPerson}`),
  list('person and kind, none', `from=${landmarks.busyPerson}&kind=sticker`),
  list('chat', `chat=${landmarks.group}`),
  list('message', `messageId=${landmarks.messageIdOf(77)}`),
  list('file', `sha256=${landmarks.sharedFile}`),
  list('since', `since=${dayAgo(1)}`),
  list('until', `until=${dayAgo(200)}`),
  list('one day', `since=${dayAgo(200)}&until=${dayAgo(199)}`),
  list('ten years', `since=${dayAgo(3_650)}&until=${dayAgo(-1)}`),
  list('kind of one day', `kind=document&since=${dayAgo(200)}&until=${dayAgo(199)}`),
  list('word, frequent', 'q=order'),
  list('word, rare', 'q=zebra'),
  list('word, none', 'q=xylophone'),
  list('two letters', 'q=br'),
  list('one letter', 'q=b'),
  list('number, as people write it', `q=${encodeURIComponent('+55 (11) 90000-0007')}`),
  list('name of everybody', 'q=ana'),
  list('name of a group', 'q=station 7'),
  list('word of a fact, rare', 'q=giraffe'),
  list('tag, frequent', `tag=${encodeURIComponent(landmarks.tag)}`),
  list('tag, rare', `tag=${encodeURIComponent(landmarks.rareTag)}`),
  list('tag and kind, none', `tag=${encodeURIComponent(landmarks.rareTag)}&kind=sticker`),
  list('resolved', 'resolved=true'),
  list('needs attention', 'state=failed&resolved=false'),
  list('favourites', 'favourite=true'),
];

const others: readonly Lookup[] = [
  { what: 'a message by its id', path: () => `/v1/messages/blip/${landmarks.messageIdOf(76)}` },
  { what: 'people', path: () => '/v1/people' },
  { what: 'people, a number', path: () => `/v1/people?q=${encodeURIComponent('90000-0007')}` },
  { what: 'people, two letters', path: () => '/v1/people?q=zz' },
  { what: 'a person', path: () => `/v1/people/blip/${landmarks.personOf(7)}` },
  { what: 'a person with a tenth of all', path: () => `/v1/people/z-api/${landmarks.busyPerson}` },
  { what: 'timeline', path: () => `/v1/people/blip/${landmarks.personOf(7)}/timeline` },
  { what: 'timeline of a busy person', path: () => `/v1/people/z-api/${landmarks.busyPerson}/timeline` },
  { what: 'statistics of 30 days', path: () => '/v1/stats' },
  { what: 'statistics of 366 days', path: () => '/v1/stats?days=366' },
];
