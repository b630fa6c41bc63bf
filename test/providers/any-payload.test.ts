/** Properties of every payload: parsing never fails, and its result is deterministic and can be stored. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import {
  directions,
  mediaKinds,
  messageStatuses,
  type InboundEvent,
  type InboundMedia,
  type InboundMessage,
  type MediaSource,
} from '../../src/domain/provider.js';
import { toEntry } from '../../src/pipeline/receive/receive.js';
import { providers } from '../../src/providers/index.js';
import { anyJson, damaged } from '../support/any-json.js';
import { settings } from '../support/signing.js';
import { fixturesOf, outcomeOf, receivedAt } from './fixtures.js';

const isId = (id: unknown): boolean => typeof id === 'string' && id.trim() !== '' && id.length <= 255;
const isTextOrNull = (text: unknown): boolean => text === null || (typeof text === 'string' && text !== '');
const isDateOrNull = (date: Date | null): boolean =>
  date === null || (date.getTime() >= Date.UTC(2000, 0) && date.getTime() < Date.UTC(2100, 0));

/** Finds what PostgreSQL cannot store, at any depth. */
function isStorable(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed() && !value.includes('\0');
  return typeof value !== 'object' || value === null || Object.values(value).every(isStorable);
}

function isSoundLink({
  url,
  expiresAt,
  needsCredentials,
  reference,
}: MediaSource & { type: 'link' }): boolean {
  return (
    url !== '' &&
    (expiresAt === null || !Number.isNaN(expiresAt.getTime())) &&
    typeof needsCredentials === 'boolean' &&
    (reference === undefined || isId(reference))
  );
}

function isSoundSource(source: MediaSource): boolean {
  switch (source.type) {
    case 'link':
      return isSoundLink(source);
    case 'reference':
      return isId(source.reference);
    case 'embedded':
      return /^(?:\/[^]*)?$/.test(source.pointer) && isStorable(source.pointer);
    case 'unavailable':
      return ['media.no_address', 'media.provider_failed', 'media.too_large'].includes(source.code);
  }
}

function isSoundMedia({ kind, source, declaredType, filename, sha256, key }: InboundMedia): boolean {
  return (
    isSoundSource(source) &&
    (key === undefined || isId(key)) &&
    mediaKinds.includes(kind) &&
    [declaredType, filename].every(isTextOrNull) &&
    (sha256 === null || /^[\da-f]{64}$/.test(sha256))
  );
}

function isSoundMessage(message: InboundMessage): boolean {
  const ids = [message.messageId ?? 'none', message.from, message.to ?? 'none', message.chat ?? 'none'];
  return (
    ids.every(isId) &&
    directions.includes(message.direction) &&
    [message.senderName, message.caption].every(isTextOrNull) &&
    isDateOrNull(message.sentAt) &&
    message.media.length > 0 &&
    message.media.every(isSoundMedia)
  );
}

function isSound(event: InboundEvent): boolean {
  if (event.type === 'message') return isSoundMessage(event);
  if (event.type === 'status')
    return isId(event.messageId) && messageStatuses.includes(event.status) && isDateOrNull(event.at);
  if (event.type === 'deletion') return isId(event.messageId) && isDateOrNull(event.at);
  // Reasons are the service's own texts, because a foreign text might contain personal data.
  return /^[\w ,.'-]{2,80}$/.test(event.reason);
}

/** The positions of the media rows of one message, by kind: each counts from zero. */
function positionsOf(media: readonly InboundMedia[]): number[] {
  return media.map(({ kind }, place) => media.slice(0, place).filter((one) => one.kind === kind).length);
}

describe.each(providers.map((provider) => ({ id: provider.id, provider })))('$id', ({ id, provider }) => {
  const adapter = provider.load(settings[id], () => receivedAt);
  const bodies = fixturesOf(id).map(({ body }) => body);
  const payload = fc.oneof({ weight: 1, arbitrary: anyJson }, { weight: 6, arbitrary: damaged(bodies) });
  const holds = (predicate: (payload: unknown) => void): void => {
    fc.assert(fc.property(payload, predicate), { numRuns: 400 });
  };

  test('the events of any payload are valid and can be stored', () => {
    holds((value) => {
      const events = adapter.parse(value, receivedAt);
      expect(events.filter((event) => !isSound(event) || !isStorable(event))).toEqual([]);
    });
  });

  test('the same payload always has the same events, and parsing does not change it', () => {
    holds((value) => {
      const before = JSON.stringify(value);
      expect(adapter.parse(value, receivedAt)).toEqual(adapter.parse(JSON.parse(before), receivedAt));
      expect(JSON.stringify(value)).toBe(before);
    });
  });

  test('the rows of any payload are limited, complete and numbered', () => {
    const channel = { id, provider: id, source: 'environment', settings: [], adapter } as const;
    holds((value) => {
      const rawBody = Buffer.from(JSON.stringify(value));
      const entry = toEntry('d', { channel, rawBody, payload: value, headers: {}, receivedAt });
      const events = adapter.parse(value, receivedAt);
      const messages = events.filter((event) => event.type === 'message');
      expect(entry.outcome).toBe(outcomeOf(events));
      expect(entry.messages).toHaveLength(messages.length);
      expect(entry.media.map(({ position }) => position)).toEqual(
        messages.flatMap(({ media }) => positionsOf(media)),
      );
      const rows = [...entry.messages, ...entry.media, ...entry.statuses];
      expect(
        rows.filter((row) => row.delivery_id !== 'd' || !isId(row.message_id) || !isStorable(row)),
      ).toEqual([]);
      expect(new Set(rows.map((row) => ('id' in row ? row.id : row))).size).toBe(rows.length);
      const tooLong = entry.media.filter(({ source_url: url }) => (url?.length ?? 0) > 8_192);
      expect(tooLong).toEqual([]);
    });
  });
});
