/**
 * What the declaration of a route binds its handler to. The compiler proves it: an error that is expected and
 * not there is one.
 */
import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';

import { route, type RouteDescription } from '../../../src/http/routing/route.js';
import { routes } from '../../../src/http/routes.js';

const shape = z.object({ id: z.uuid(), count: z.int() });
const id = '019aa5e2-0000-7000-8000-000000000000';
const described = {
  method: 'get',
  path: '/v1/things/{id}',
  operationId: 'getThing',
  summary: 'Get a thing',
  params: z.object({ id: z.uuid() }),
  answers: { 200: { description: 'The thing', schema: shape } },
} as const;

describe('a declaration', () => {
  it('takes a handler whose answer has the declared shape', () => {
    const declared = route({ ...described, scope: 'media:read' }, () => ({ params, access }) => ({
      id: params.id,
      count: access.scopes.length,
    }));
    expect(declared).toMatchObject({ scope: 'media:read', isRaw: false });
  });

  it('does not compile with an answer of another shape', () => {
    // @ts-expect-error -- a number is declared.
    route({ ...described, scope: 'admin' }, () => () => ({ id, count: 'many' }));
    // @ts-expect-error -- the count is missing.
    route({ ...described, scope: 'admin' }, () => () => Promise.resolve({ id }));
    // @ts-expect-error -- a body is declared.
    route({ ...described, scope: 'admin' }, () => () => undefined);
    const answers = { 204: { description: 'Gone' } };
    // @ts-expect-error -- no body is declared.
    route({ ...described, scope: 'admin', answers }, () => () => ({ id, count: 1 }));
    expect(described.answers[200].schema).toBe(shape);
  });

  it('does not compile without a scope, or with one that nobody knows', () => {
    // @ts-expect-error -- a public route has to say so.
    route(described, () => () => ({ id, count: 1 }));
    // @ts-expect-error -- there is no such scope.
    route({ ...described, scope: 'everything' }, () => () => ({ id, count: 1 }));
    expect(described).not.toHaveProperty('scope');
  });

  it('does not compile when the handler reads what is not declared', () => {
    // @ts-expect-error -- no query is declared.
    route({ ...described, scope: 'admin' }, () => ({ query }) => ({ id, count: query }));
    // @ts-expect-error -- nobody is known by a public route.
    route({ ...described, scope: 'public' }, () => ({ access }) => ({ id: access, count: 1 }));
    expect(described).not.toHaveProperty('query');
  });

  it('is refused with several answers, among which only a raw route can choose', () => {
    const answers = { 200: described.answers[200], 201: described.answers[200] };
    expect(() => route({ ...described, scope: 'admin', answers }, () => () => ({ id, count: 1 }))).toThrow(
      /getThing/,
    );
  });
});

describe('the declared routes', () => {
  const named = ({ method, path }: RouteDescription): string => `${method} ${path}`;

  it('have each method of a path once', () => {
    expect(new Set(routes.map(named)).size).toBe(routes.length);
  });

  it.each(routes.map((each) => [named(each), each] as const))('%s names its parameters', (_, declared) => {
    const inPath = [...declared.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    expect(Object.keys(declared.params?.shape ?? {})).toEqual(inPath);
  });
});
