/** Expressions of hostile authors over hostile data: each costs its own process and nothing else. */
import { readFileSync } from 'node:fs';

import { afterEach, expect, test } from '@jest/globals';

import type { Evaluated } from '../../../src/domain/evaluation.js';
import { createEvaluator, type Evaluator } from '../../../src/infra/expressions/evaluator.js';
import { sendSignal } from '../../../src/infra/process/signals.js';
import { bestRound } from '../../support/best-round.js';
import { evaluatorProcesses, withoutProcessors } from '../../support/evaluator-processes.js';
import { until } from '../../support/until.js';

let evaluator: Evaluator | undefined;
afterEach(() => {
  evaluator?.close();
});

const input = JSON.stringify({
  id: 'm1',
  from: 'a1',
  file: { url: 'https://files.example/1', data: 'AAAA' },
});
const harmless = '{"id": id, "url": file.url}';
const harmlessValue = { id: 'm1', url: 'https://files.example/1' };

function started(options: Parameters<typeof createEvaluator>[0] = {}): Evaluator {
  evaluator = createEvaluator(options);
  return evaluator;
}

/** Each of these would block a thread, end a process, or take gigabytes. */
const attacks: Readonly<Record<string, string>> = {
  'a loop without end': '($f := function($n){ $f($n + 1) }; $f(0))',
  'a catastrophic regular expression': `$match("${'a'.repeat(40)}b", /^(a+)+$/)`,
  'a text of half a gigabyte': '$pad("x", 500000000)',
  'a text of a gigabyte': '$pad("x", 1000000000)',
  'a text that doubles':
    '($f := function($s, $n){ $n = 0 ? $s : $f($s & $s, $n - 1) }; $uppercase($f("xxxxxxxxxx", 25)))',
  'a list of characters': '$split($pad("x", 100000000), "")',
  'lists in lists': '($a := [1..3000]; $a.($x := $; $a.($y := $; $a.({"x": $x, "y": $y}))))',
  'a list that doubles':
    '($f := function($a, $n){ $n = 0 ? $a : $f($append($a, $a), $n - 1) }; $count($f([1..9], 60)))',
  'a sort with its own order': '$sort([1..99999], function($a, $b){ $random() > 0.5 })',
  'a replacement that grows': '$length($replace($pad("x", 10000000), "x", $pad("y", 1000)))',
};

const limitsMs = { first: 200, second: 600 };

test('every attack ends with a reason, and the next evaluation works', async () => {
  const { of, trial } = started({ limitsMs });
  for (const [name, expression] of Object.entries(attacks)) {
    const evaluated = await of(name)({ expression, input });
    expect([name, reasonOf(evaluated)]).toEqual([
      name,
      expect.stringMatching(/^the (expression|machine had no time for the expression)\b/),
    ]);
    // A trial fails because of its expression, also while other programs have the processors.
    expect([name, await trial({ expression, input })]).toEqual([
      name,
      { ok: false, reason: expect.stringMatching(/^the expression /) },
    ]);
    expect(await unlessStarved(() => of('harmless')({ expression: harmless, input }))).toEqual({
      ok: true,
      value: harmlessValue,
    });
  }
}, 180_000);

test.each(['{"then": /x/}', '[1..3].{"then": /x/}', '{"a": {"then": /x/}}'])(
  'an expression that waits for ever without computing ends at once: %s',
  async (expression) => {
    const { of } = started();
    const endsAfter = async (): Promise<number> => {
      const began = performance.now();
      const all = await Promise.all(Array.from({ length: 30 }, () => of('a')({ expression, input })));
      expect(new Set(all.map(reasonOf))).toEqual(
        new Set(['the expression failed: it waits for something that never comes']),
      );
      return performance.now() - began;
    };
    expect(await bestRound(endsAfter, (ms) => ms < 2_000)).toBeLessThan(2_000);
  },
);

test('the memory of the process is limited by the operating system', async () => {
  const { of } = started();
  let peak = 0;
  const timer = setInterval(() => {
    for (const kilobytes of memoryOfChildren()) peak = Math.max(peak, kilobytes);
  }, 2);
  for (const expression of [attacks['a text of half a gigabyte'], attacks['a list of characters']])
    await of('hostile')({ expression: expression ?? '', input });
  clearInterval(timer);
  expect(peak).toBeLessThan(400_000);
  // Without the limit, the first attack takes a gigabyte.
  expect(peak).toBeGreaterThan(30_000);
}, 90_000);

test('an owner who was ended keeps others out of its way, and a mended expression starts anew', async () => {
  // Under load, only the limit of the service leaves the process the time to say where it was.
  const { of, trial } = started({ limitsMs: { first: 200, second: 2_000 } });
  const endless = attacks['a loop without end'] ?? '';
  await of('a')({ expression: endless, input });
  // The others now take no notice: this is a second lane.
  const waiting = of('a')({ expression: endless, input });
  expect(await of('b')({ expression: harmless, input })).toEqual({ ok: true, value: harmlessValue });
  expect(await of('a')({ expression: harmless, input })).toEqual({ ok: true, value: harmlessValue });
  expect(reasonOf(await waiting)).toMatch(/took longer than 2 s|had no time/);
  // The process says where it was if it has a processor in time.
  const tried = await bestRound(
    () => trial({ expression: endless, input }),
    (evaluated) => reasonOf(evaluated).includes('near'),
  );
  expect(tried).toEqual({
    ok: false,
    reason: expect.stringMatching(/took longer than 2 s near character \d+$/),
  });
});

test('an expression that was ended ten times is refused without an attempt, for a minute', async () => {
  let now = 0;
  const { of } = started({ limitsMs: { first: 100, second: 100 }, clock: () => now, maxWaitMs: 60_000 });
  const endless = { expression: attacks['a loop without end'] ?? '', input };
  const ask = async (): Promise<string> => reasonOf(await of('a')(endless));
  const reasons = await Promise.all(Array.from({ length: 14 }, ask));
  // Those for which the machine had no time do not count.
  const counted = reasons.filter((reason) => !reason.includes('had no time'));
  expect(counted.slice(0, 10).filter((reason) => !reason.includes('took longer'))).toEqual([]);
  expect(counted.slice(10).filter((reason) => !reason.includes('several webhooks before'))).toEqual([]);
  now = 60_000;
  expect(await ask()).toMatch(/took longer|had no time/);
}, 60_000);

test('an evaluation that waits too long for its turn is not made', async () => {
  const { of } = started({ limitsMs: { first: 50, second: 1_000 }, maxWaitMs: 300 });
  const endless = { expression: attacks['a loop without end'] ?? '', input };
  const reasons = (await Promise.all([of('a')(endless), of('a')(endless)])).map(reasonOf);
  expect(reasons).toEqual([
    expect.stringMatching(/took longer than 1 s|had no time/),
    expect.stringMatching(/evaluated for too long/),
  ]);
});

test('no evaluation waits for a trial, not even where there is more time', async () => {
  const { of, trial } = started({ limitsMs: { first: 100, second: 1_000 }, maxWaitMs: 1_000 });
  const expression = '($f := function($n){ $f($n + 1) }; endless ? $f(0) : id)';
  const evaluation = (endless: boolean) => ({ expression, input: JSON.stringify({ endless, id: 'm1' }) });
  expect(await of('a')(evaluation(true))).toMatchObject({ ok: false });
  const trials = ['1', '2', '3', '4'].map((step) =>
    trial({ expression: `($f := function($n){ $f($n + ${step}) }; $f(0))`, input }),
  );
  expect(await unlessStarved(() => of('a')(evaluation(false)))).toEqual({ ok: true, value: 'm1' });
  const results = await Promise.all(trials);
  expect(reasonOf(results[0] ?? { ok: true, value: null })).toMatch(/took longer than 1 s/);
  // Those that waited too long were not tried.
  expect(results.at(-1)).toMatchObject({ ok: false, isPassing: true });
}, 60_000);

test('many evaluations at once are all answered with their own data', async () => {
  const { of } = started();
  const evaluated = await Promise.all(
    Array.from({ length: 500 }, (_, number) =>
      of(`channel-${String(number % 40)}`)({
        expression: '{"id": id}',
        input: JSON.stringify({ id: number }),
      }),
    ),
  );
  expect(evaluated).toEqual(Array.from({ length: 500 }, (_, id) => ({ ok: true, value: { id } })));
});

test('bytes are named by their place', async () => {
  const expression = '{"base64": file.data, "inner": [{"base64": "made up"}], "other": {"base64": 7}}';
  expect(await started().of('a')({ expression, input, byPlace: 'base64' })).toEqual({
    ok: true,
    value: {
      base64: { pointer: '/file/data' },
      inner: [{ base64: { pointer: null } }],
      other: { base64: 7 },
    },
  });
});

test('the process has no environment and may read nothing but its own files', async () => {
  const { of } = started();
  await of('a')({ expression: harmless, input });
  const [child] = evaluatorProcesses();
  expect(readFileSync(`/proc/${String(child)}/environ`, 'utf8')).not.toMatch(/PATH|HOME|DATABASE/);
  const command = readFileSync(`/proc/${String(child)}/cmdline`, 'utf8').split('\0');
  expect(command).toEqual(
    expect.arrayContaining(['--permission', '--disallow-code-generation-from-strings']),
  );
  expect(command.filter((one) => /^--allow-(?!fs-read=)/.test(one))).toEqual([]);
});

test('a process that ends is replaced', async () => {
  const { of } = started();
  await of('a')({ expression: harmless, input });
  for (const child of evaluatorProcesses()) sendSignal(child, 'SIGKILL');
  expect(await of('a')({ expression: harmless, input })).toEqual({ ok: true, value: harmlessValue });
});

const needsHalfASecond = '($f := function($n){ $n = 0 ? id : $f($n - 1) }; $f(60000))';

test('whoever kills the process costs no evaluation', async () => {
  const { of } = started({ limitsMs: { first: 20_000, second: 20_000 } });
  const asked = ['a', 'b', 'c'].map((owner) =>
    unlessStarved(() => of(owner)({ expression: needsHalfASecond, input })),
  );
  await killOnce();
  await killOnce();
  expect(await Promise.all(asked)).toEqual(Array(3).fill({ ok: true, value: 'm1' }));
}, 180_000);

test('an evaluation without processor time may be tried again', async () => {
  const { of } = started({ limitsMs: { first: 500, second: 5_000 } });
  await of('a')({ expression: harmless, input });
  const loop = { expression: attacks['a loop without end'] ?? '', input };
  // A new process has begun by then, also on a slow machine.
  expect(await withoutProcessors(() => of('a')(loop), { afterMs: 2_000 })).toEqual({
    ok: false,
    isPassing: true,
    reason: 'the machine had no time for the expression',
  });
  expect(await unlessStarved(() => of('a')(loop))).toEqual({
    ok: false,
    reason: expect.stringMatching(/took longer than 5 s/),
  });
}, 180_000);

test('an evaluation during which the process is killed again and again may be tried later', async () => {
  const { of } = started({ limitsMs: { first: 60_000, second: 60_000 } });
  let evaluated: Evaluated | undefined;
  const endless = of('a')({ expression: attacks['a loop without end'] ?? '', input }).then((one) => {
    evaluated = one;
  });
  const isOver = (): boolean => evaluated !== undefined;
  while (!isOver()) await killOnce(isOver);
  await endless;
  expect(evaluated).toEqual({
    ok: false,
    isPassing: true,
    reason: 'the process that evaluates expressions was ended by the system several times',
  });
}, 180_000);

test('the largest input is read, with its bytes by place, whatever else it contains', async () => {
  const maxInputBytes = 40_000_000;
  const { of } = started({ maxInputBytes, limitsMs: { first: 20_000, second: 20_000 } });
  const data = 'A'.repeat(maxInputBytes - 100);
  // A character beyond Latin letters doubles the memory of all the others.
  for (const caption of ['photo', '\u{1F4F7}'])
    expect(
      await of('a')({
        expression: '{"caption": caption, "base64": file}',
        input: JSON.stringify({ caption, file: data }),
        byPlace: 'base64',
      }),
    ).toEqual({ ok: true, value: { caption, base64: { pointer: '/file' } } });
}, 180_000);

/**
 * Asks again as long as other programs of this machine leave no time for an evaluation. That it waited too long
 * for its turn is no such reason.
 */
async function unlessStarved(ask: () => Promise<Evaluated>): Promise<Evaluated> {
  return until(async () => {
    const evaluated = await ask();
    return reasonOf(evaluated) === 'the machine had no time for the expression' ? undefined : evaluated;
  });
}

/** Kills the next process that starts, unless there is no more need. */
async function killOnce(isOver = (): boolean => false): Promise<void> {
  const child = await until(() => (isOver() ? null : evaluatorProcesses().find((one) => !killed.has(one))));
  if (child === null) return;
  killed.add(child);
  sendSignal(child, 'SIGKILL');
}

const killed = new Set<number>();

function reasonOf(evaluated: Evaluated): string {
  return evaluated.ok ? 'none' : evaluated.reason;
}

function memoryOfChildren(): number[] {
  return evaluatorProcesses().map((child) => {
    try {
      const [, kilobytes = '0'] =
        /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${String(child)}/status`, 'utf8')) ?? [];
      return Number(kilobytes);
    } catch {
      return 0;
    }
  });
}
