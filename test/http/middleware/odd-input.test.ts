/**
 * Input that nobody means, at every parameter and every member of every operation: it is refused or ignored,
 * and never our fault.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { openApiDocument } from '../../../src/http/openapi/document.js';
import { startTestService, type TestService } from '../../support/test-service.js';

interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header' | 'cookie';
}

interface Operation {
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: {
    readonly content: Readonly<Record<string, { readonly schema?: Schema }>>;
  };
}

interface Schema {
  readonly $ref?: string;
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

interface Attempt {
  readonly path: string;
  readonly type?: string;
  readonly body?: string;
}

/** Attempts at one place of an operation. */
interface Case {
  readonly what: string;
  readonly attempts: readonly Attempt[];
}

const { paths, components } = openApiDocument('https://inlet.example.com') as Document;
const operations = Object.entries(paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => ({ name: `${method} ${path}`, method, path, operation })),
);

let service: TestService;
let admin: string;

beforeAll(async () => {
  service = await startTestService({ queue: false, env: { API_REQUESTS_PER_MINUTE: '1000000' } });
  admin = service.token('admin');
});

afterAll(() => service.stop());

/** A part of an address, as it is written there. */
const oddTexts = [
  '',
  '%',
  '%00',
  'a%00b',
  '%ff',
  '%ED%A0%80',
  '%F0%9F',
  '%25',
  '%2e%2e%2f',
  '%0d%0a',
  '%C2%85',
  '-1',
  '0',
  '1e308',
  '9223372036854775808',
  '99999999999999999999',
  '1.5',
  'NaN',
  'null',
  'true',
  '[]',
  '{}',
  `'`,
  '%22',
  '%5C',
  '%25s',
  '*',
  '%E2%80%AE',
  '%F0%9F%98%80',
  'a'.repeat(3_000),
  '019aa5e2-0000-7000-8000-000000000000',
  '019AA5E2-0000-7000-8000-00000000000g',
  '2026-02-30T00:00:00Z',
  '-271821-04-20T00:00:00Z',
  '%2B275760-09-13T00:00:00Z',
  '0000-01-01T00:00:00Z',
  'eyJ9',
  Buffer.from('["\\ud800",1e400]').toString('base64url'),
  Buffer.from('\0\0').toString('base64url'),
];

/** JSON, as it is written: some of it no program would make. */
const oddValues = [
  '""',
  '"\\ud800"',
  '"a\\udc00b"',
  '"\\u0000"',
  '"\\u0085"',
  '"\\r\\nX: y"',
  '"\\u202e"',
  '"%00"',
  'null',
  'true',
  '0',
  '-1',
  '1.5',
  '1e308',
  '1e400',
  '9007199254740993',
  '9223372036854775808',
  '[]',
  '[[]]',
  '["\\ud800"]',
  '[null]',
  '{}',
  '{"\\ud800":1}',
  '{"\\u0000":1}',
  '{"__proto__":{"a":1}}',
  '{"constructor":{"prototype":{}}}',
  JSON.stringify('a'.repeat(100_000)),
  `${'['.repeat(5_000)}${']'.repeat(5_000)}`,
];

const oddBodies = [
  '',
  '{',
  '[]',
  'null',
  '"\\ud800"',
  '1',
  '{"a":1,"a":2}',
  '{"__proto__":null}',
  '\u{feff}{}',
  '\0',
  ...oddValues,
];

const usual = '019aa5e2-0000-7000-8000-000000000000';

function usualPath(path: string): string {
  return path.replaceAll('{channel}', 'z-api').replaceAll(/\{\w+\}/g, usual);
}

/** The parameter is odd, is there twice, or is a list. */
function oddAddresses(path: string, { name, in: where }: Parameter): Attempt[] {
  if (where === 'path') {
    const [before = '', after = ''] = path.split(`{${name}}`);
    return oddTexts.map((text) => ({ path: `${usualPath(before)}${text}${usualPath(after)}` }));
  }
  if (where !== 'query') return [];
  const base = `${usualPath(path)}?${name}`;
  const shapes = [`${base}=1&${name}=2`, `${base}[]=1`, `${base}[a]=1`, `${base}[__proto__]=1`, base];
  return [...oddTexts.map((text) => `${base}=${text}`), ...shapes].map((address) => ({ path: address }));
}

/** The body is odd, and then each of its members in turn, beside the usual values of the others. */
function oddRequests(path: string, { requestBody }: Operation): Case[] {
  return Object.entries(requestBody?.content ?? {}).flatMap(([type, { schema }]) => {
    const address = { path: usualPath(path), type };
    const whole = { what: type, attempts: oddBodies.map((body) => ({ ...address, body })) };
    if (!type.endsWith('json')) return [whole];
    const names = membersOf(schema ?? {});
    const members = names.map((name) => ({
      what: `the member ${name}`,
      attempts: oddValues.map((value) => ({ ...address, body: bodyWith(names, { name, value }) })),
    }));
    return [whole, ...members];
  });
}

/** What the members of the requests are when they are not odd. */
const usualValues: Readonly<Record<string, unknown>> = {
  channel: 'z-api',
  to: '5511900000001',
  kind: 'text',
  text: 'hello',
  provider: 'z-api',
  name: 'a name',
  scopes: ['media:read'],
  url: 'https://shop.example.com/hook',
};

function bodyWith(names: readonly string[], odd: { readonly name: string; readonly value: string }): string {
  const members = names
    .filter((name) => name !== odd.name && name in usualValues)
    .map((name) => `${JSON.stringify(name)}:${JSON.stringify(usualValues[name])}`);
  return `{${[...members, `${JSON.stringify(odd.name)}:${odd.value}`].join(',')}}`;
}

function membersOf(schema: Schema): string[] {
  const named =
    schema.$ref === undefined ? undefined : components.schemas[schema.$ref.split('/').at(-1) ?? ''];
  const parts = [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])];
  const all = [named ?? {}, ...parts].flatMap((part) => (part === schema ? [] : membersOfPart(part)));
  return [...new Set([...Object.keys(schema.properties ?? {}), ...all])];
}

function membersOfPart(part: Schema): string[] {
  return Object.keys(part).length === 0 ? [] : membersOf(part);
}

/** The status; what comes after the headers may be a stream without an end. */
async function ask(method: string, { path, type, body }: Attempt): Promise<number> {
  const response = await fetch(service.url + path, {
    method: method.toUpperCase(),
    headers: { authorization: `Bearer ${admin}`, ...(type !== undefined && { 'content-type': type }) },
    redirect: 'manual',
    ...(body !== undefined && { body }),
  });
  await response.body?.cancel();
  return response.status;
}

const cases = operations.flatMap(({ name, method, path, operation }) => {
  const parameters = (operation.parameters ?? []).map((parameter) => ({
    what: `the parameter ${parameter.name}`,
    attempts: oddAddresses(path, parameter),
  }));
  return [...parameters, ...oddRequests(path, operation)]
    .filter(({ attempts }) => attempts.length > 0)
    .map(({ what, attempts }) => ({ name, what, method, attempts }));
});

describe('odd input', () => {
  it('is tried at every operation that takes any', () => {
    expect(new Set(cases.map(({ name }) => name)).size).toBeGreaterThan(35);
  });

  it.each(cases)('causes no error at $name: $what', async ({ method, attempts }) => {
    const failed: string[] = [];
    for (const attempt of attempts) {
      const status = await ask(method, attempt);
      const { path, body = '' } = attempt;
      if (status >= 500) failed.push(`${String(status)} ${path.slice(0, 200)} ${body.slice(0, 200)}`);
    }
    expect(failed).toEqual([]);
  });
});
