/** The sandbox in this process, where only expressions that stay within their limits are safe. */
import { createRequire } from 'node:module';

import { describe, expect, test } from '@jest/globals';

import { createSandboxes, type Answer } from '../../../src/infra/expressions/sandbox.js';

const jsonataFile = createRequire(import.meta.url).resolve('jsonata');
const limits = { depth: 200, items: 1_000 };
/** The clock goes on while other programs have the processors, so only what is endless has little time. */
const create = createSandboxes(jsonataFile, { ...limits, timeoutMs: 60_000 });
const createHasty = createSandboxes(jsonataFile, { ...limits, timeoutMs: 500 });

async function answerTo(expression: string, input: unknown = {}, make = create): Promise<Answer> {
  return JSON.parse(await make(expression).run(JSON.stringify(input))) as Answer;
}

test('a result is data, and no result is none', async () => {
  const input = { from: { name: 'Rosa' }, files: [{ url: 'https://files.example/1' }, {}] };
  expect(await answerTo('{"name": from.name, "links": files.url}', input)).toEqual({
    value: { name: 'Rosa', links: 'https://files.example/1' },
  });
  expect(await answerTo('nothing.there', input)).toEqual({});
});

test('an expression keeps nothing for the next payload', async () => {
  const sandbox = create('($before := $seen; $seen := name; [$before, $seen])');
  expect(JSON.parse(await sandbox.run('{"name":"first"}'))).toEqual({ value: ['first'] });
  expect(JSON.parse(await sandbox.run('{"name":"second"}'))).toEqual({ value: ['second'] });
});

describe('nothing leads out of the data:', () => {
  test.each([
    '{"a": 1}.constructor',
    '$lookup({"a": 1}, "constructor")',
    '$lookup($, "__proto__")',
    '[1].constructor',
    '"text".constructor',
    '$string.constructor',
    '(function(){1}).constructor',
    '$keys.implementation.constructor',
    'process',
    '$$.process',
    'globalThis',
    '$lookup($string, "implementation")',
    '$process.exit()',
  ])('%s finds nothing', async (expression) => {
    expect(await answerTo(expression)).toEqual({});
  });

  test.each([
    '$string.constructor("return process")()',
    '$eval("1 + 1")',
    '$base64decode("AA==")',
    '({"a": 1}).toString()',
    '$require("node:fs")',
  ])('%s fails', async (expression) => {
    expect(await answerTo(expression)).toMatchObject({ problem: { message: expect.any(String) } });
  });

  test('members with the names of inherited ones are data', async () => {
    const input = JSON.parse('{"constructor": 1, "__proto__": {"x": 2}, "toString": 3}') as unknown;
    expect(await answerTo('[constructor, `__proto__`.x, toString]', input)).toEqual({ value: [1, 2, 3] });
    const made = await answerTo('{"__proto__": {"polluted": true}}');
    expect(Object.hasOwn((made as { value: object }).value, '__proto__')).toBe(true);
  });

  test('an expression cannot change what the next one relies on', async () => {
    const sandbox = create('(try ~> |$|{"__proto__": {"polluted": 1}}|; $$.other.polluted)');
    expect(JSON.parse(await sandbox.run('{"try": {}, "other": {}}'))).toEqual({});
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});

test('functions are no data', async () => {
  expect(await answerTo('{"a": $map, "b": function($x){$x}, "c": [$string, 1]}')).toEqual({
    value: { c: [null, 1] },
  });
});

test('a result that is a function is a mistake, because the function was not applied', async () => {
  for (const expression of ['$map', 'function($x){$x}', '/a/', '$uppercase ~> $trim'])
    expect(await answerTo(expression)).toMatchObject({ problem: { message: 'the result is a function' } });
});

test('limits of time, depth and items have reasons', async () => {
  const endless = await answerTo('($f := function($n){ $f($n + 1) }; $f(0))', {}, createHasty);
  expect(endless).toMatchObject({ problem: { code: 'D1012', position: expect.any(Number) } });
  expect(await answerTo('($f := function($n){ 1 + $f($n) }; $f(0))')).toMatchObject({
    problem: { code: 'D1011' },
  });
  expect(await answerTo('[1..1001]')).toMatchObject({ problem: { code: 'D2015' } });
});

test('reasons repeat the expression and nothing of the data', async () => {
  const secret = 'Rosa +5511900000001';
  for (const expression of [
    '$number(name)',
    '-name',
    'name < 5',
    '$toMillis(name)',
    '{name: 1, "b": {(name & name): 2, (name & name): 3}}',
    '$error(name)',
    '$assert(false, name)',
    'list^(name, $)',
    '$sum(name)',
    '$split(name, /(/)',
    '$power(size, size)',
    '{[name]: 1}',
  ]) {
    const answer = await answerTo(expression, {
      name: secret,
      list: [{ name: secret }, { name: 3 }],
      size: 12_345,
    });
    expect(JSON.stringify(answer)).not.toMatch(/Rosa|55119|12345/);
    expect(answer).toMatchObject({ problem: { message: expect.stringMatching(/./) } });
  }
});

test('an expression that cannot be read says where', async () => {
  expect(await answerTo('{"a": }')).toMatchObject({
    problem: { code: expect.stringMatching(/^S/), position: 7 },
  });
});
