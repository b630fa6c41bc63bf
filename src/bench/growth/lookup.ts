/** Every filter of the list of media, messages and statistics: how long an answer takes with many media, compared with few. */
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

async function cursorAt({ query }: Populated): Promise<string> {
  const [row] = await query<{ id: string }>('select id from media order by id desc offset $1 limit 1', [
    deepPlace,
  ]);
  return encodeCursor(row?.id ?? '');
}

const list = (what: string, query: string): Lookup => ({ what, path: () => `/v1/media?${query}` });
const dayAgo = (days: number): string => new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10);

const lists: readonly Lookup[] = [
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
];

const others: readonly Lookup[] = [
  { what: 'a message by its id', path: () => `/v1/messages/blip/${landmarks.messageIdOf(76)}` },
  { what: 'statistics of 30 days', path: () => '/v1/stats' },
  { what: 'statistics of 366 days', path: () => '/v1/stats?days=366' },
];
