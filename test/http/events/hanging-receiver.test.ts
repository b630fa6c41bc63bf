/** A subscriber that never answers. It is waited for in a suite of its own, beside which others run. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { afterAll, beforeAll, expect, it } from '@jest/globals';

import { call, receive, type Page } from '../../support/client.js';
import { nowhere, picture } from '../../support/payloads.js';
import { startTestService, type TestService } from '../../support/test-service.js';
import { until } from '../../support/until.js';

interface Subscription {
  readonly id: string;
  readonly state: string;
  readonly lastError: string | null;
}

let receiver: Server;
let service: TestService;
beforeAll(async () => {
  receiver = createServer((request, response) => {
    if (request.url !== '/hangs') response.writeHead(204).end();
  }).listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  service = await startTestService({ mediaHosts: [host()] });
});
afterAll(async () => {
  receiver.closeAllConnections();
  receiver.close();
  await service.stop();
});

const host = (): string => `127.0.0.1:${String((receiver.address() as AddressInfo).port)}`;

const ask = async <Body>(path: string, json?: unknown): Promise<Body> => {
  const token = service.token('admin');
  const sent = json === undefined ? { token } : { token, method: 'post' as const, json };
  return (await call<Body>(service.url, `/v1/subscriptions${path}`, sent)).body;
};
const subscribe = (path: string) => ask<Subscription>('', { url: `http://${host()}${path}` });
const show = ({ id }: Subscription) => ask<Subscription>(`/${id}`);
const deliveries = async ({ id }: Subscription) =>
  (await ask<Page<{ readonly state: string }>>(`/${id}/deliveries`)).items;

it('waits fifteen seconds for one that hangs, counts it as failing, and lets nobody else wait for it', async () => {
  const hanging = await subscribe('/hangs');
  const other = await subscribe('/events');
  await receive(service, 'z-api', picture('z-api', { url: nowhere }));
  await until(async () => (await deliveries(other))[0]?.state === 'delivered');
  expect((await show(hanging)).state).toBe('active');
  await until(async () => (await show(hanging)).state === 'failing', 60_000);
  expect((await show(hanging)).lastError).toBe('timed out after 15000 ms');
  expect(await deliveries(hanging)).toMatchObject([{ state: 'waiting', attempts: 1, lastStatus: null }]);
}, 120_000);
