/** `GET /v1/events`: server-sent events, which resume from `Last-Event-ID`. */
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';

import type { Response } from 'express';
import { z } from 'zod';

import { seesChannel } from '../../domain/access.js';
import { AppError } from '../../domain/errors.js';
import { eventTypes } from '../../domain/event.js';
import { isDatabaseFailure } from '../../infra/postgres/errors.js';
import type { Notifications } from '../../infra/postgres/notifications.js';
import type { EventRecord, StreamStart } from '../../infra/tables/events/log.js';
import { searchText } from '../input.js';
import { checkAgain } from '../middleware/authenticate.js';
import { rawRoute } from '../routing/route.js';
import type { RouteServices } from '../services.js';
import { event, streamEvent, type EventView, type StreamEventView } from '../shapes/event.js';
import { eventView } from '../views/event.js';

type EventServices = Pick<RouteServices, 'events' | 'notifications' | 'stopping'>;

const notAnEvent = 'is not the id of an event';
const eventQuery = z.strictObject({
  type: z.enum(eventTypes).optional(),
  channel: searchText(255).optional(),
  lastEventId: z
    .string()
    .regex(/^\d{1,15}$/, notAnEvent)
    .optional()
    .meta({ description: 'Like the header Last-Event-ID, for the first connection' }),
});
const eventHeaders = z.object({
  'Last-Event-ID': z
    .string()
    .regex(/^\d{0,15}$/, notAnEvent)
    .optional()
    .meta({ description: 'The last id that the client has read; empty if there is none' }),
});

/** Proxies close connections that are silent for a minute or less. */
const heartbeatMs = 15_000;
const reconnectMs = 2_000;
/**
 * A client that leaves more heartbeats unread is disconnected. It resumes from the last id that it has read.
 */
const maxUnreadHeartbeats = 4;
const retryMs = 1_000;

export const streamEvents = rawRoute(
  {
    method: 'get',
    path: '/v1/events',
    scope: 'media:read',
    limit: 'listen',
    operationId: 'streamEvents',
    summary: 'Stream events (server-sent events)',
    description:
      'Each event is sent at least once, in order. Every stream begins with `stream.open`, whose id is the starting point. Send the last id as the header Last-Event-ID to resume; without it, the stream begins now. Events are kept for 7 days. If events after the given id were deleted, `stream.open` contains `missed`, and the stream continues with the oldest event.',
    query: eventQuery,
    headers: eventHeaders,
    answers: {
      200: {
        description: '`data` is an Event, or a StreamEvent about the stream itself',
        schema: z.union([event, streamEvent]),
        contentType: 'text/event-stream',
      },
    },
  },
  (services: EventServices) =>
    async ({ query, headers, access, request, response }) => {
      // A client that has seen no event sends an empty header.
      const header = headers['Last-Event-ID'];
      const given = header === '' ? query.lastEventId : (header ?? query.lastEventId);
      // Express calls this handler for HEAD as well. A stream has no end, so the response would never
      // complete.
      if (request.method === 'HEAD') {
        response.writeHead(200, streamHeaders).end();
        return;
      }
      const start = await services.events.start(given === undefined ? undefined : Number(given));
      const isWanted = ({ type, channel }: EventRecord): boolean =>
        seesChannel(access, channel) &&
        (query.type ?? type) === type &&
        (query.channel ?? channel) === channel;
      await writeEvents(services, { response, start, isWanted, mayListen: () => checkAgain(response) });
    },
);

const streamHeaders = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  // nginx would buffer events.
  'x-accel-buffering': 'no',
};

interface Stream {
  readonly response: Response;
  readonly start: StreamStart;
  readonly isWanted: (event: EventRecord) => boolean;
  /** Rejects if the token has expired or was revoked in the meantime. */
  readonly mayListen: () => Promise<void>;
}

/**
 * Writes events until the client disconnects, its token becomes invalid, or the process shuts down. While the
 * database is unavailable, the stream stays open and later continues from its position. A slow client delays
 * only its own stream.
 */
async function writeEvents(services: EventServices, stream: Stream): Promise<void> {
  const { response, start } = stream;
  const gone = new AbortController();
  const end = AbortSignal.any([gone.signal, services.stopping]);
  response.once('close', () => {
    gone.abort();
  });
  // The client disconnected during the query, so no event would ever end the stream.
  if (response.destroyed) return;
  const wakeSignal = createWakeSignal(services.notifications, end);
  const position = { read: start.from, sent: start.from };
  response.writeHead(200, streamHeaders);
  response.write(`retry: ${String(reconnectMs)}\n${opening(start)}`);
  const heartbeat = startHeartbeat(stream, { position, gone });
  try {
    while (!end.aborted) {
      await wakeSignal.next();
      await writeNewEvents(services.events, { ...stream, position, end });
    }
  } catch (error) {
    if (!end.aborted && !isRefused(error)) throw error;
  } finally {
    heartbeat.stop();
    wakeSignal.close();
    // Data that the client does not read would never be sent, and the connection never closed.
    if (response.writableNeedDrain) response.destroy();
    else response.end();
  }
}

/**
 * The position of a stream: the last event that was read, and the last number that was sent to the client.
 */
interface Position {
  read: number;
  sent: number;
}

/** Sends all events up to now. */
async function writeNewEvents(
  events: EventServices['events'],
  {
    response,
    isWanted,
    mayListen,
    position,
    end,
  }: Stream & { readonly position: Position; readonly end: AbortSignal },
): Promise<void> {
  for (let isFull = true; isFull && !end.aborted;) {
    try {
      const page = await events.after(position.read);
      // A client whose token has expired receives nothing more, and 401 when it reconnects.
      if (page.items.length > 0) await mayListen();
      for (const one of page.items.filter(isWanted)) {
        position.sent = one.seq;
        if (!response.write(textOf(one))) await once(response, 'drain', { signal: end });
      }
      ({ last: position.read, isFull } = page);
    } catch (error) {
      if (!isTemporary(error)) throw error;
      await delay(retryMs, undefined, { signal: end }).catch(() => undefined);
    }
  }
}

/**
 * Keeps an idle connection alive for the client and for proxies. If events were skipped because the client
 * does not want them, the client receives the new position, so that it does not read them again when it
 * resumes.
 */
function startHeartbeat(
  { response, mayListen }: Stream,
  { position, gone }: { readonly position: Position; readonly gone: AbortController },
): { readonly stop: () => void } {
  let unread = 0;
  const beat = (): void => {
    unread = response.writableNeedDrain ? unread + 1 : 0;
    if (unread > maxUnreadHeartbeats) gone.abort();
    if (unread > 0) return;
    if (position.read > position.sent) {
      position.sent = position.read;
      const id = String(position.read);
      response.write(format({ id, type: 'stream.position', timestamp: new Date().toISOString() }));
    } else response.write(': still here\n\n');
    mayListen().catch((error: unknown) => {
      if (isRefused(error)) gone.abort();
    });
  };
  const timer = setInterval(beat, heartbeatMs);
  return {
    stop: () => {
      clearInterval(timer);
    },
  };
}

function isRefused(error: unknown): boolean {
  return error instanceof AppError && error.status === 401;
}

/** Whether another attempt may soon succeed. */
function isTemporary(error: unknown): boolean {
  return isDatabaseFailure(error) || (error instanceof AppError && error.status === 503);
}

function opening({ from, missed }: StreamStart): string {
  const id = String(from);
  return format({ id, type: 'stream.open', timestamp: new Date().toISOString(), missed });
}

/** The texts of events, which all streams share. */
const texts = new WeakMap<EventRecord, string>();

function textOf(record: EventRecord): string {
  const text = texts.get(record) ?? format(eventView(record));
  texts.set(record, text);
  return text;
}

function format(view: EventView | StreamEventView): string {
  return `id: ${view.id}\nevent: ${view.type}\ndata: ${JSON.stringify(view)}\n\n`;
}

/**
 * Wakes the stream when events were published. A signal between two calls of `next` is remembered, so none is
 * missed.
 */
function createWakeSignal(
  notifications: Notifications,
  end: AbortSignal,
): { next: () => Promise<void>; close: () => void } {
  let isSignalled = true; // There may be events from before.
  let resume = (): void => undefined;
  const signal = (): void => {
    isSignalled = true;
    resume();
  };
  const stop = notifications.on('events', { received: signal, resumed: signal });
  end.addEventListener('abort', signal);
  return {
    next: async () => {
      while (!isSignalled) await new Promise<void>((resolve) => (resume = resolve));
      isSignalled = false;
    },
    close: () => {
      stop();
      end.removeEventListener('abort', signal);
    },
  };
}
