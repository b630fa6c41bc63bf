import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { startSimulator, type Simulator } from '../../src/demo/providers/index.js';
import { providerIds } from '../../src/demo/providers/registry.js';
import { resultTable, runScenario, type StepResult } from '../../src/demo/run-scenario.js';
import { scenario, type Expected, type Step } from '../../src/demo/scenario.js';

let simulator: Simulator;
let steps: readonly Step[];
beforeAll(async () => {
  simulator = await startSimulator();
  steps = await scenario(simulator);
});
afterAll(() => simulator.close());

const linkIn = (step: Step | undefined): string => /http:[^"]+/.exec(step?.webhook().body ?? '')?.[0] ?? '';
const stepNamed = (words: string) => steps.find(({ sent }) => sent.includes(words));

describe('the script', () => {
  test.each(providerIds)('%s sends a photo that becomes ready', (id) => {
    const photos = steps.filter(({ provider, expected }) => provider === id && expected.state === 'ready');
    expect(photos.map(({ expected }) => expected.media?.['kind'])).toContain('image');
  });

  test('has every outcome, every final state, every kind and a redelivery', () => {
    const values = <Value>(value: (expected: Expected) => Value) =>
      new Set(steps.map(({ expected }) => value(expected)));
    expect(values(({ outcome }) => outcome)).toEqual(new Set(['accepted', 'ignored', 'malformed', 'status']));
    expect(values(({ state }) => state)).toEqual(new Set(['ready', 'rejected', 'failed', undefined]));
    expect(values(({ duplicate }) => duplicate)).toContain(true);
    expect([...values(({ media }) => media?.['kind'])]).toEqual(
      expect.arrayContaining(['image', 'video', 'audio', 'document', 'sticker']),
    );
    expect([...values(({ errorCode }) => errorCode)]).toEqual(
      expect.arrayContaining([
        'media.too_large',
        'media.forbidden_address',
        'media.type_mismatch',
        'media.gone',
      ]),
    );
  });

  test('has a different name for each step', () => {
    const names = steps.map(({ provider, sent }) => `${provider} ${sent}`);
    expect(new Set(names).size).toBe(steps.length);
  });

  test('repeats a webhook with the same bytes', () => {
    const again = steps.findIndex(({ expected }) => expected.duplicate === true);
    expect(steps[again]?.webhook()).toEqual(steps[again - 1]?.webhook());
  });

  test('signs a Vonage call when it is sent, so that the signature is fresh', () => {
    const step = steps.find(({ provider }) => provider === 'vonage');
    expect(step?.webhook().headers['authorization']).not.toBe(step?.webhook().headers['authorization']);
  });

  test('serves the file of each step at its link', async () => {
    const status = async (words: string) => {
      const response = await fetch(linkIn(stepNamed(words)));
      await response.body?.cancel();
      return response.status;
    };
    expect(await status('behind a signed link')).toBe(200);
    expect(await status('link has expired')).toBe(403);
    expect(await status('wants a token')).toBe(401);
    expect(await status('bot key')).toBe(401);
    expect(await status('gone')).toBe(404);
    expect(await status('host fails twice')).toBe(503);
    expect(linkIn(stepNamed('private address'))).toMatch(/^http:\/\/169\.254\.169\.254\//);
    expect(linkIn(stepNamed('named .jpg'))).toMatch(/\.jpg$/);
    expect(await (await fetch(linkIn(stepNamed('named .jpg')))).text()).toContain('<!doctype html>');
  });
});

function expectedOf(index: number): Expected {
  const step = steps[index];
  if (step === undefined) throw new Error(`There is no step ${String(index)}`);
  return step.expected;
}

/** Answers as a service would in which everything goes as the steps expect; `change` spoils media. */
async function fakeService(change: (media: Record<string, unknown>) => unknown = (media) => media) {
  let posted = 0;
  const waits: string[] = [];
  const server: Server = createServer((request, response) => {
    const json = (body: unknown) => response.writeHead(200).end(JSON.stringify(body));
    request.resume();
    if (request.method === 'POST') {
      const { outcome, duplicate = false, state } = expectedOf(posted);
      posted += 1;
      json({ delivery: 'd', outcome, duplicate, media: state === undefined ? [] : [String(posted - 1)] });
      return;
    }
    const url = new URL(request.url ?? '/', 'http://service');
    const index = url.pathname.split('/').at(-1) ?? '';
    waits.push(index);
    if (waits.filter((earlier) => earlier === index).length === 1) {
      json({ state: 'pending' });
      return;
    }
    const { state, errorCode, media } = expectedOf(Number(index));
    json(change({ ...media, state, error: errorCode === undefined ? null : { code: errorCode } }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    baseUrl: `http://127.0.0.1:${String(port)}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

describe('a run', () => {
  test('follows every attachment from pending to its final state', async () => {
    const service = await fakeService();
    const told: StepResult[] = [];
    const results = await runScenario({
      baseUrl: service.baseUrl,
      token: 'token',
      simulator,
      steps,
      onStep: (result) => told.push(result),
    });
    service.close();
    expect(results.flatMap(({ differences }) => differences)).toEqual([]);
    expect(results.every(({ matched, milliseconds }) => matched && milliseconds > 0)).toBe(true);
    expect(told).toHaveLength(steps.length);
    expect(resultTable(results).split('\n')).toHaveLength(steps.length + 2);
  });

  test('reports unexpected results', async () => {
    const service = await fakeService((media) => ({
      ...media,
      state: 'failed',
      error: { code: 'media.timeout' },
    }));
    const results = await runScenario({
      baseUrl: service.baseUrl,
      token: 'token',
      simulator,
      steps: steps.slice(0, 1),
    });
    service.close();
    expect(results[0]).toMatchObject({
      matched: false,
      state: 'failed',
      errorCode: 'media.timeout',
      differences: ['state is failed, not ready', 'error is media.timeout, not null'],
    });
    expect(resultTable(results)).toContain('NO: state is failed');
  });

  test('continues when the service does not answer', async () => {
    const results = await runScenario({
      baseUrl: 'http://127.0.0.1:9',
      token: 'token',
      simulator,
      steps: steps.slice(0, 2),
    });
    expect(results.map(({ matched }) => matched)).toEqual([false, false]);
  });
});
