/** Sample payloads in the format of the source that each names; all values are invented. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { z } from 'zod';

import type { InboundEvent, WebhookRequest } from '../../src/domain/provider.js';

const fixtureShape = z.strictObject({
  source: z.string().min(1),
  body: z.unknown(),
  expected: z.strictObject({
    outcome: z.enum(['accepted', 'status', 'ignored', 'malformed']),
    /** The events in the format of {@link compact}. */
    events: z.array(z.unknown()),
  }),
});

export interface Fixture extends z.infer<typeof fixtureShape> {
  readonly name: string;
}

export function fixturesOf(providerId: string): Fixture[] {
  const folder = join(import.meta.dirname, providerId, 'fixtures');
  return readdirSync(folder).map((file) => ({
    name: file.replace(/\.json$/, ''),
    ...fixtureShape.parse(JSON.parse(readFileSync(join(folder, file), 'utf8'))),
  }));
}

/** The time at which the payloads of the fixtures arrive. */
export const receivedAt = new Date('2026-11-21T10:00:00.000Z');

/** A webhook as the adapter of a provider gets it. */
export function webhookOf(
  rawBody: Uint8Array,
  { headers = {}, query = {} }: Partial<Pick<WebhookRequest, 'headers' | 'query'>>,
  url = 'https://inlet.example.com/webhooks/a-channel',
): WebhookRequest {
  return { method: 'POST', url, rawBody, headers, query, receivedAt };
}

/** Events as JSON, without null and false. */
export function compact(events: readonly InboundEvent[]): unknown {
  return JSON.parse(
    JSON.stringify(events, (_key, value: unknown) => (value === null || value === false ? undefined : value)),
  );
}

/** The outcome of a delivery, from the most important of its events. */
export function outcomeOf(events: readonly InboundEvent[]): Fixture['expected']['outcome'] {
  const types = events.map(({ type }) => type);
  if (types.includes('malformed')) return 'malformed';
  if (types.includes('message')) return 'accepted';
  return types.includes('status') ? 'status' : 'ignored';
}
