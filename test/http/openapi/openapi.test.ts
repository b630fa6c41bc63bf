/**
 * Every route is documented, and every answer is as the document says: statuses, types and members, no more
 * and no less.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Validator } from '@seriousme/openapi-schema-validator';

import { startMediaHost, type MediaHost } from '../../../src/demo/media-host.js';
import { openApiDocument } from '../../../src/http/openapi/document.js';
import type { RouteDescription } from '../../../src/http/routing/route.js';
import { routes } from '../../../src/http/routes.js';
import { startRecordingApi, type RecordingApi } from '../../providers/recording-api.js';
import { call, type Call, type Problem } from '../../support/client.js';
import { startCourier, type Courier } from '../../support/courier.js';
import { startTestService, type TestService } from '../../support/test-service.js';
import { calls, type ExampleCall } from './calls.js';
import { contractOf, operationsOf, type OpenApiDocument } from './contract.js';

const document = openApiDocument('https://inlet.example.com') as OpenApiDocument;
const operations = operationsOf(document);
const contract = contractOf(document);

let service: TestService;
let host: MediaHost;
let courier: Courier;
let provider: RecordingApi;

beforeAll(async () => {
  host = await startMediaHost();
  courier = await startCourier();
  provider = await startRecordingApi();
  service = await startTestService({
    mediaHosts: [host.host, new URL(provider.origin).host],
    channels: [courier.channel],
    env: { PUBLIC_MEDIA_LINKS: 'always' },
  });
});

afterAll(async () => {
  courier.close();
  await service.stop();
  await host.close();
  await provider.close();
});

describe('the document', () => {
  it('is valid OpenAPI 3.1', async () => {
    expect(document.openapi).toBe('3.1.0');
    const asData = JSON.parse(JSON.stringify(document)) as Record<string, unknown>;
    expect(await new Validator().validate(asData)).toEqual({ valid: true });
  });

  it('names every route once, and no other', () => {
    const declared = routes.map(({ method, path }) => `${method} ${path}`);
    expect(operations.map(([name]) => name).sort()).toEqual(declared.sort());
  });

  it('describes what is posted to subscriptions', () => {
    const posted = document.webhooks['event']?.['post'];
    expect(posted?.requestBody?.content['application/json']?.schema).toEqual({
      $ref: '#/components/schemas/Event',
    });
    expect(posted?.parameters?.map(({ name }) => name)).toEqual([
      'webhook-id',
      'webhook-timestamp',
      'webhook-signature',
    ]);
  });

  it('gives every operation a name of its own, a tag and a summary', () => {
    const ids = operations.map(([, { operationId }]) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.filter((id) => !/^[a-z]+([A-Z][a-z]+)*$/.test(id))).toEqual([]);
    expect(operations.filter(([, { tags }]) => tags.length !== 1)).toEqual([]);
    expect(routes.filter(({ summary }) => !/^[A-Z].*[^.]$/.test(summary))).toEqual([]);
  });

  it('has examples that are as it says', () => {
    expect(contract.faultsOfExamples()).toEqual([]);
  });
});

it('no operation is without calls, and no call without its operation', () => {
  expect(Object.keys(calls).sort()).toEqual(operations.map(([name]) => name).sort());
});

describe.each(operations)('%s', (name) => {
  const [, path = ''] = name.split(' ');

  it('takes and answers what the document says', async () => {
    const made = (await calls[name]?.({ service, host, courier, provider })) ?? [];
    const told = made.map(({ status, answer }) => ({
      status: answer.status,
      wanted: status,
      faults: contract.faultsOf(name, answer),
    }));
    expect(told).toEqual(made.map(({ status }) => ({ status, wanted: status, faults: [] })));
    const taken = made.filter(({ status, sent }) => status < 300 && sent !== undefined);
    expect(taken.flatMap(({ sent }) => contract.faultsOfRequest(name, sent))).toEqual([]);
    expect(unseen(name, made)).toEqual([]);
  });

  it('is one of the methods that its path names when another is tried', async () => {
    const documented = Object.keys(document.paths[path] ?? {});
    const { status, headers } = await call(service.url, someAddress(path), {
      method: (['put', 'patch'] as const).find((each) => !documented.includes(each)) ?? 'delete',
      token: service.token('admin'),
    });
    const allowed = documented
      .map((each) => each.toUpperCase())
      .flatMap((each) => (each === 'GET' ? ['GET', 'HEAD'] : [each]));
    expect({ status, allow: headers['allow']?.split(', ').sort() }).toEqual({
      status: 405,
      allow: allowed.sort(),
    });
  });
});

describe.each(operations.filter(([, operation]) => operation['x-scope'] !== undefined))(
  '%s',
  (name, operation) => {
    it('refuses those who may not, as documented', async () => {
      const [method, path] = name.split(' ') as [NonNullable<Call['method']>, string];
      const ask = (token?: string) =>
        call<unknown>(service.url, someAddress(path), { method, ...(token && { token }) });
      const other = operation['x-scope'] === 'media:read' ? 'messages:send' : 'media:read';
      const refused = [await ask(), await ask('no.such.token'), await ask(service.token(other))];
      expect(refused.map(({ status }) => status)).toEqual([401, 401, 403]);
      expect(refused.flatMap((answer) => contract.faultsOf(name, answer))).toEqual([]);
    });
  },
);

/** What takes more than a call to bring about; tests of their own show them. */
const rare = new Set([
  'webhook.not_stored',
  'request.rate_limited',
  'request.too_large',
  'service.unavailable',
]);

/** A redirect to a bucket: s3.test.ts asks a service with one for it. */
const redirect = 302;

/** Successes, and problems special to the operation, that are documented and that no call has led to. */
function unseen(name: string, made: readonly ExampleCall[]): (string | number)[] {
  const seen = new Set(
    made.map(({ answer }) => (answer.body as Partial<Problem> | undefined)?.code ?? answer.status),
  );
  const { answers, errors = [] } = routeOf(name);
  const statuses = Object.keys(answers)
    .map(Number)
    .filter((status) => status !== redirect);
  return [...statuses, ...errors.filter((code) => !rare.has(code))].filter((each) => !seen.has(each));
}

function routeOf(name: string): RouteDescription {
  const route = routes.find(({ method, path }) => name === `${method} ${path}`);
  if (!route) throw new Error(`${name} is in no list of routes`);
  return route;
}

function someAddress(path: string): string {
  return path.replaceAll(/\{\w+\}/g, '019aa5e2-0000-7000-8000-000000000000');
}
