/**
 * While expressions of one channel never end or exhaust the memory, webhooks of other channels are answered
 * soon.
 */
import { setTimeout as delay } from 'node:timers/promises';

import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { bestRound } from '../../support/best-round.js';
import { call, postWebhook, type Receipt } from '../../support/client.js';
import { picture } from '../../support/payloads.js';
import { startTestService, type TestService } from '../../support/test-service.js';

let service: TestService;
beforeAll(async () => {
  service = await startTestService({ queue: false });
});
afterAll(() => service.stop());

const attacks = {
  regex:
    '{"type": "message", "id": id, "from": $match(text, /^(a+)+$/) ? "a" : "b", "media": {"kind": "image", "url": url}}',
  memory: '$count($split($pad("x", 400000000), "")) & id',
  recursion: '($f := function($n){ $f($n + 1) }; $f(0))',
} as const;

async function addHostile(id: string, events: string): Promise<string> {
  const { body } = await call<{ webhookSecret: string }>(service.url, '/v1/channels', {
    method: 'post',
    token: service.token('admin'),
    json: { id, provider: 'custom', settings: { events } },
  });
  return body.webhookSecret;
}

/** Posts webhooks of a channel one after another, and returns how long each took, in milliseconds. */
async function latenciesOf(channel: string, isOver: () => boolean): Promise<number[]> {
  const latencies: number[] = [];
  while (!isOver()) {
    const began = performance.now();
    const { status, body } = await postWebhook(service, channel, picture(channel));
    latencies.push(performance.now() - began);
    expect({ status, outcome: body.outcome }).toEqual({ status: 200, outcome: 'accepted' });
    await delay(10);
  }
  return latencies.sort((one, other) => one - other);
}

const median = (sorted: readonly number[]): number => sorted[Math.floor(sorted.length / 2)] ?? NaN;

interface Figures {
  readonly plain: { readonly count: number; readonly median: number; readonly worst: number };
  readonly custom: { readonly median: number; readonly worst: number };
}

/** Attacks one channel, and returns how long webhooks of two others took meanwhile, in milliseconds. */
async function attackOnce(id: string, events: string): Promise<Figures> {
  const secret = await addHostile(id, events);
  const payload = (number: number): string =>
    JSON.stringify({ id: number, text: `${'a'.repeat(40)}b`, url: 'https://files.example/1' });
  const attack = Array.from({ length: 30 }, (_, number) =>
    call<Receipt>(service.url, `/webhooks/${id}`, {
      method: 'post',
      headers: { 'x-inlet-token': secret },
      raw: payload(number),
    }),
  );
  let isOver = false;
  const all = Promise.all(attack).finally(() => {
    isOver = true;
  });
  const [plain, custom] = await Promise.all([
    latenciesOf('sobot', () => isOver),
    latenciesOf('custom', () => isOver),
  ]);
  const receipts = await all;
  // Nothing is lost: every webhook is stored, and can be replayed when the expression is mended.
  expect(receipts.map(({ status, body }) => [status, body.outcome])).toEqual(
    Array(30).fill([200, 'malformed']),
  );
  return {
    plain: { count: plain.length, median: median(plain), worst: plain.at(-1) ?? NaN },
    custom: { median: median(custom), worst: custom.at(-1) ?? NaN },
  };
}

test.each(Object.entries(attacks))(
  '%s',
  async (name, events) => {
    const figures = await bestRound(
      (round) => attackOnce(`hostile-${name}-${String(round)}`, events),
      ({ plain, custom }) =>
        plain.median < 50 && plain.worst < 500 && custom.median < 100 && custom.worst < 2_000,
    );
    expect(figures.plain.count).toBeGreaterThan(20);
    expect(figures.plain.median).toBeLessThan(50);
    expect(figures.plain.worst).toBeLessThan(500);
    expect(figures.custom.median).toBeLessThan(100);
    expect(figures.custom.worst).toBeLessThan(2_000);
  },
  360_000,
);
