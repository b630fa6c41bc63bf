/**
 * While an administrator tries many endless expressions at once, webhooks are answered soon, also those of a
 * custom channel whose own expression is slow, and previews are refused rather than queued without end.
 * What else the machine does delays webhooks without previews, too: this share is measured first.
 */
import { setTimeout as delay } from 'node:timers/promises';

import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { bestRound } from '../../support/best-round.js';
import { call, postWebhook, type Answer, type Problem, type Receipt } from '../../support/client.js';
import { picture } from '../../support/payloads.js';
import { startTestService, type TestService } from '../../support/test-service.js';

let service: TestService;
beforeAll(async () => {
  service = await startTestService({ queue: false });
});
afterAll(() => service.stop());

/** Takes about half a second if the payload says so, which is too long for the first lane. */
const slowEvents = `(
  $f := function($n){ $n = 0 ? 0 : $f($n - 1) };
  $waited := wait ? $sum([1..3000].($f(100))) : 0;
  {"type": "message", "id": id, "from": from, "media": {"kind": "image", "url": "https://files.example/1"}}
)`;

interface Timed {
  readonly ms: number;
  readonly outcome: string;
}

async function timed(answer: Promise<{ readonly body: Receipt }>): Promise<Timed> {
  const began = performance.now();
  const { body } = await answer;
  return { ms: performance.now() - began, outcome: body.outcome };
}

const worst = (all: readonly Timed[]): number => Math.max(...all.map(({ ms }) => ms));
const outcomes = (all: readonly Timed[]): Set<string> => new Set(all.map(({ outcome }) => outcome));

interface WorstMs {
  readonly plain: number;
  readonly custom: number;
  readonly slow: number;
}

/** Asks for many previews at once, and returns the longest time of a webhook meanwhile, of each kind. */
async function worstDuringPreviews(postSlow: (id: string) => Promise<Timed>, run: number): Promise<WorstMs> {
  const token = service.token('admin');
  let isOver = false;
  const previews = Promise.all(
    Array.from({ length: 150 }, (_, number) =>
      call<Problem & { reason: string | null }>(service.url, '/v1/providers/custom/preview', {
        method: 'post',
        token,
        json: {
          settings: { events: `($f := function($n){ $f($n + ${String(number)}) }; $f(0))` },
          payload: '{}',
        },
      }),
    ),
  ).finally(() => {
    isOver = true;
  });
  const during = async (post: (id: string) => Promise<Timed>): Promise<Timed[]> => {
    const all: Timed[] = [];
    for (let number = 0; !isOver; number += 1) {
      all.push(await post(`during-${String(run)}-${String(number)}`));
      await delay(20);
    }
    return all;
  };
  const [plain, custom, slow] = await Promise.all([
    during(() => timed(postWebhook(service, 'sobot', picture('sobot')))),
    during(() => timed(postWebhook(service, 'custom', picture('custom')))),
    during(postSlow),
  ]);
  expectRefused(await previews);
  for (const all of [plain, custom, slow]) expect(outcomes(all)).toEqual(new Set(['accepted']));
  expect(plain.length).toBeGreaterThan(20);
  return { plain: worst(plain), custom: worst(custom), slow: worst(slow) };
}

type PreviewAnswer = Answer<Problem & { reason: string | null }>;

/** Some were tried, each of which took too long; the others were refused at once. */
function expectRefused(answers: readonly PreviewAnswer[]): void {
  const tried = answers.filter(({ status }) => status === 200);
  const refused = answers.filter(({ status }) => status !== 200);
  expect(tried.length).toBeGreaterThan(0);
  for (const { body } of tried) expect(body.reason).toMatch(/^the expression took longer/);
  // One token has at most 100 previews in progress.
  expect(refused.length).toBeGreaterThanOrEqual(50);
  for (const { status, headers, body } of refused) {
    expect(['429 request.too_many_at_once', '503 service.unavailable']).toContain(
      `${String(status)} ${body.code}`,
    );
    expect(Number(headers['retry-after'])).toBeGreaterThan(0);
  }
}

test('many previews at once do not delay webhooks', async () => {
  const { body: channel } = await call<{ webhookSecret: string }>(service.url, '/v1/channels', {
    method: 'post',
    token: service.token('admin'),
    json: { id: 'slow', provider: 'custom', settings: { events: slowEvents } },
  });
  const postSlow = (id: string, wait: boolean): Promise<Timed> =>
    timed(
      call<Receipt>(service.url, '/webhooks/slow', {
        method: 'post',
        headers: { 'x-inlet-token': channel.webhookSecret },
        raw: JSON.stringify({ id, from: 'p', wait }),
      }),
    );
  // From now on, its webhooks are evaluated where there is more time.
  await postSlow('first', true);

  const undisturbed: Timed[] = [];
  while (undisturbed.length < 100) {
    undisturbed.push(await timed(postWebhook(service, 'sobot', picture('sobot'))));
    await delay(20);
  }
  const noise = 4 * worst(undisturbed);
  const isSoon = ({ plain, custom, slow }: WorstMs) => ({
    plain: plain < 500 + noise,
    custom: custom < 1_000 + noise,
    slow: slow < 2_000 + noise,
  });
  const figures = await bestRound(
    (round) => worstDuringPreviews((id) => postSlow(id, false), round),
    (worstMs) => Object.values(isSoon(worstMs)).every(Boolean),
  );
  expect(isSoon(figures)).toEqual({ plain: true, custom: true, slow: true });
}, 360_000);
