/** Asks a service to send messages through the courier, and returns their state. */
import type { OutboundView } from '../../src/http/shapes/outbound.js';
import { call, type Answer } from './client.js';
import type { TestService } from './test-service.js';
import { until } from './until.js';

export const dataOf = (bytes: Buffer, type = 'image/jpeg'): string =>
  `data:${type};base64,${bytes.toString('base64')}`;

export interface SendOptions {
  readonly token?: string;
  readonly key?: string;
}

/** Sends a picture to one person; the members replace parts of the request. */
export function send<Body = OutboundView>(
  service: TestService,
  members: object,
  { token = service.token('messages:send'), key }: SendOptions = {},
): Promise<Answer<Body>> {
  return call<Body>(service.url, '/v1/messages', {
    method: 'post',
    token,
    json: { channel: 'courier', to: '5511999990000', kind: 'image', ...members },
    headers: key === undefined ? {} : { 'idempotency-key': key },
  });
}

export async function lookAt(service: TestService, id: string): Promise<OutboundView> {
  const token = service.token('media:read');
  return (await call<OutboundView>(service.url, `/v1/messages/${id}`, { token })).body;
}

/** Returns the message when it has reached this state. */
export function settled(service: TestService, id: string, state: string): Promise<OutboundView> {
  return until(async () => {
    const now = await lookAt(service, id);
    return now.state === state && now;
  });
}

/** Sends a message and returns it when the provider has accepted it. */
export async function sent(service: TestService, members: object): Promise<OutboundView> {
  return settled(service, (await send(service, members)).body.id, 'sent');
}
