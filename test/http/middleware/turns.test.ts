import { AsyncLocalStorage } from 'node:async_hooks';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';

import { expect, test } from '@jest/globals';

import { inTurns } from '../../../src/http/middleware/turns.js';

interface Asked {
  readonly url: string;
  readonly headers: { readonly authorization?: string; readonly cookie?: string };
  readonly socket: { readonly destroyed: boolean };
}

/** Beginning a request takes longer than a turn may. */
function begin(log: string[], url: string): void {
  log.push(url);
  const since = performance.now();
  while (performance.now() - since < 1);
}

function stage(limits = { max: 100, maxPerCaller: 100 }) {
  const log: string[] = [];
  const listener = inTurns(
    ({ url = '' }) => {
      begin(log, url);
    },
    limits,
    (by, { url = '' }) => log.push(`${url} refused by ${by}`),
  );
  const ask = (
    url: string,
    { destroyed = false, ...headers }: Asked['headers'] & { destroyed?: boolean } = {},
  ) => {
    const request = { url, headers, socket: { destroyed } } satisfies Asked;
    listener(request as unknown as IncomingMessage, {} as ServerResponse);
  };
  /** The lines of the log after each turn. */
  const turns = async (count: number): Promise<number[]> => {
    const seen: number[] = [];
    for (let turn = 0; turn < count; turn++) {
      await nextTurn();
      seen.push(log.length);
    }
    return seen;
  };
  return { ask, log, turns };
}

test('a request begins at once when none waits', async () => {
  const { ask, log, turns } = stage();
  ask('1');
  expect(log).toEqual(['1']);
  await turns(2);
  ask('2');
  expect(log).toEqual(['1', '2']);
});

test('a burst begins one by one, in its order, without those whose connection has ended', async () => {
  const { ask, log, turns } = stage();
  for (const url of ['1', '2', '3']) ask(url);
  ask('ended', { destroyed: true });
  ask('4');
  const seen = await turns(8);
  expect(seen.every((count, at) => at === 0 || count - (seen[at - 1] ?? 0) <= 1)).toBe(true);
  expect(log).toEqual(['1', '2', '3', '4']);
});

test('requests that are begun quickly share a turn', async () => {
  const log: string[] = [];
  const limits = { max: 1_000, maxPerCaller: 1_000 };
  const listener = inTurns(
    ({ url = '' }) => log.push(url),
    limits,
    () => undefined,
  );
  const urls = Array.from({ length: 500 }, (_, index) => String(index));
  for (const url of urls)
    listener(
      { url, headers: {}, socket: { destroyed: false } } as unknown as IncomingMessage,
      {} as ServerResponse,
    );
  let turns = 0;
  for (; log.length < urls.length; turns += 1) await nextTurn();
  expect(turns).toBeLessThan(urls.length / 2);
  expect(log).toEqual(urls);
});

test('callers take turns, by token or by cookie', async () => {
  const { ask, log, turns } = stage();
  for (const url of ['a1', 'a2', 'a3', 'a4']) ask(url, { authorization: 'a' });
  for (const url of ['b1', 'b2']) ask(url, { cookie: 'b' });
  ask('none');
  await turns(10);
  expect(log).toEqual(['a1', 'a2', 'b1', 'none', 'a3', 'b2', 'a4']);
});

test('a caller with too many waiting requests is refused, and everybody when all have too many', async () => {
  const { ask, log, turns } = stage({ max: 3, maxPerCaller: 2 });
  for (const url of ['a1', 'a2', 'a3', 'a4']) ask(url, { authorization: 'a' });
  expect(log).toEqual(['a1', 'a4 refused by caller']);
  for (const url of ['b1', 'b2']) ask(url, { authorization: 'b' });
  expect(log.at(-1)).toBe('b2 refused by everybody');
  await turns(8);
  ask('a5', { authorization: 'a' });
  expect(log.slice(3)).toEqual(['a2', 'b1', 'a3', 'a5']);
});

test('each request keeps the context in which it came', async () => {
  const context = new AsyncLocalStorage<string>();
  const seen: (string | undefined)[] = [];
  const listener = inTurns(
    () => seen.push(context.getStore()),
    { max: 9, maxPerCaller: 9 },
    () => undefined,
  );
  const request = { headers: {}, socket: { destroyed: false } } as unknown as IncomingMessage;
  for (const name of ['a', 'b', 'c'])
    context.run(name, () => {
      listener(request, {} as ServerResponse);
    });
  while (seen.length < 3) await nextTurn();
  expect(seen).toEqual(['a', 'b', 'c']);
});
