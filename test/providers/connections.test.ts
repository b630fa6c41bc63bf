/** What holds for the connection of every provider. */
import { describe, expect, test } from '@jest/globals';

import type { Connection } from '../../src/domain/connection.js';
import { AppError } from '../../src/domain/errors.js';
import type { HttpRequest, HttpResponse } from '../../src/domain/provider.js';
import { providers } from '../../src/providers/index.js';
import { credentials, settings, webhookUrlOf } from '../support/signing.js';
import { receivedAt } from './fixtures.js';

const codes = ['channel.provider_refused', 'channel.provider_unavailable'];

const statuses = [200, 201, 204, 301, 400, 401, 403, 404, 408, 409, 422, 429, 500, 502, 503];
const bodies: readonly unknown[] = [
  null,
  '',
  'x'.repeat(2_000),
  [],
  {},
  { ok: true, result: [] },
  { id: 7, data: 'x', value: 'true', url: {} },
  { error: { code: 1e308, message: {} }, ok: false, description: 7, success: false },
  { data: [{ url: '\0', override_callback_uri: 'javascript:1' }], result: { url: ['x'], pending: -1 } },
];
const answers: HttpResponse[] = statuses.flatMap((status) =>
  bodies.map((body) => ({ status, body, headers: { 'retry-after': 'Thu, 99 Foo' } })),
);

/** What became of both calls: `undefined` or the state, or the error. */
async function outcomesOf(connection: Connection, id: string, http: Parameters<Connection['state']>[1]) {
  const webhookUrl = webhookUrlOf(id);
  const settle = (promise: Promise<unknown>) => promise.catch((error: unknown) => error);
  return Promise.all([
    settle(connection.connect(webhookUrl, http)),
    settle(connection.state(webhookUrl, http)),
  ]);
}

describe.each(providers.map((provider) => ({ id: provider.id, provider })))('$id', ({ id, provider }) => {
  const given = credentials[id] ?? {};
  const adapterWith = (values: Readonly<Record<string, string>>) => provider.load(values, () => receivedAt);
  const { connection } = adapterWith(given);
  const secretNames = provider.settings.filter(({ secret }) => secret).map(({ name }) => name);
  const secretValues = secretNames.flatMap((name) => given[name]?.split(',') ?? []);

  const { connecting } = provider;
  const groups = 'needs' in connecting ? connecting.needs : [];

  test('has a connection, or says why it has none', () => {
    const why = 'absent' in connecting ? connecting.absent : null;
    expect({ hasConnection: connection !== undefined, hasReason: (why?.length ?? 0) > 30 }).toEqual({
      hasConnection: groups.length > 0,
      hasReason: groups.length === 0,
    });
  });

  test('has it with each complete group of the settings that it names, and with nothing less', () => {
    const names = groups.flat();
    expect(provider.settings.map(({ name }) => name)).toEqual(expect.arrayContaining(names));
    const others = Object.entries({ ...given, ...settings[id] }).filter(([name]) => !names.includes(name));
    const loaded = (group: readonly string[]) => {
      const needed = group.map((name) => [name, given[name] ?? 'https://api.example.com'] as const);
      return adapterWith(Object.fromEntries([...others, ...needed])).connection;
    };
    for (const group of groups) {
      expect(loaded(group)).toBeDefined();
      for (const missing of group) expect(loaded(group.filter((name) => name !== missing))).toBeUndefined();
    }
  });

  test('derives a state or an error for people from every answer', async () => {
    if (connection === undefined) return;
    for (const answer of answers) {
      const [connected, state] = await outcomesOf(connection, id, () => Promise.resolve(answer));
      for (const error of [connected, state].filter((outcome) => outcome instanceof AppError)) {
        expect(codes).toContain(error.code);
        expect(error.message.length).toBeLessThan(500);
      }
      expect(connected ?? new AppError('internal', '')).toBeInstanceOf(AppError);
      if (state instanceof AppError) continue;
      expect(state).toMatchObject({ isConnected: false, notes: expect.any(Array) });
      expect(answer.status).toBeLessThan(300);
    }
  });

  test('passes on a failed call, and does not go on after it', async () => {
    if (connection === undefined) return;
    const failure = new AppError('media.timeout', 'Too slow');
    const calls: HttpRequest[] = [];
    const outcomes = await outcomesOf(connection, id, (request) => {
      calls.push(request);
      return Promise.reject(failure);
    });
    expect(outcomes).toEqual([failure, failure]);
    expect(calls).toHaveLength(2);
  });

  test('repeats no secret, whatever the provider answers', async () => {
    if (connection === undefined) return;
    const echo = `${secretValues.join(' ')} ${secretValues.map(encodeURIComponent).join(' ')}`;
    const words = { error: echo, message: echo, title: echo, detail: echo, description: echo, code: 4 };
    for (const status of [200, 400, 401, 503]) {
      const outcomes = await outcomesOf(connection, id, () =>
        Promise.resolve({ status, headers: {}, body: { ...words, ok: status === 200, error: words } }),
      );
      const said = outcomes.map((outcome) => (outcome instanceof Error ? outcome.message : outcome));
      for (const value of secretValues) expect(JSON.stringify(said)).not.toContain(value);
    }
  });
});
