/** `GET /v1/events`: server-sent events, resumed from `Last-Event-ID`. */
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
    .meta({ description: 'As the header Last-Event-ID, for a first connection' }),
});
const eventHeaders = z.object({
  'Last-Event-ID': z
    .string()
    .regex(/^\d{0,15}$/, notAnEvent)
    .optional()
    .meta({ description: 'The last id that the client has read; empty: none' }),
});

/** Proxies close connections that are silent for a minute or less. */
const heartbeatMs = 15_000;
const reconnectMs = 2_000;
/** How many heartbeats a client may leave unread before its connection is closed. It resumes with the last id that it has read. */
const mostUnreadHeartbeats = 4;
const lookAgainMs = 1_000;

export const streamEvents = rawRoute(
  {
    method: 'get',
    path: '/v1/events',
    scope: 'media:read',
    limit: 'listen',
    operationId: 'streamEvents',
    summary: 'Stream events (server-sent events)',
    description:
      'Each event is told at least once, in order. Every stream begins with `stream.open`, whose id is where it begins. Send the last id as the header Last-Event-ID to read on; without it the stream begins now. Events are kept for 7 days: when some after the given id are gone, `stream.open` says `missed`, and the stream goes on with the oldest that is kept.',
    query: eventQuery,
    headers: eventHeaders,
    answers: {
      200: {
        description: '`data` is an Event, or tells about the stream itself',
        schema: z.union([event, streamEvent]),
        contentType: 'text/event-stream',
      },
    },
  },
  (services: EventServices) =>
    async ({ query, headers, access, request, response }) => {
      // An empty header is no id: that is how a client says that it has seen none.
      const header = headers['Last-Event-ID'];
      const given = header === '' ? query.lastEventId : (header ?? query.lastEventId);
      // Express hands HEAD to this handler, too. A stream has no end, so the answer would never be complete.
      if (request.method === 'HEAD') {
        response.writeHead(200, streamHeaders).end();
        return;
      }
      const start = await services.events.start(given === undefined ? undefined : Number(given));
      const isWanted = ({ type, channel }: EventRecord): boolean =>
        seesChannel(access, channel) &&
        (query.type ?? type) === type &&
        (query.channel ?? channel) === channel;
      await tell(services, { response, start, isWanted, mayListen: () => checkAgain(response) });
    },
);

const streamHeaders = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  // nginx would hold events back.
  'x-accel-buffering': 'no',
};

interface Stream {
  readonly response: Response;
  readonly start: StreamStart;
  readonly isWanted: (event: EventRecord) => boolean;
  /** Rejects when the token has ended or was revoked meanwhile. */
  readonly mayListen: () => Promise<void>;
}

/**
 * Writes until the client goes away, may not listen any more, or the process is to end. While the database is away the stream stays
 * open and waits: it knows where it is, and goes on from there. A client that reads slowly delays only its own stream.
 */
async function tell(services: EventServices, stream: Stream): Promise<void> {
  const { response, start } = stream;
  const gone = new AbortController();
  const end = AbortSignal.any([gone.signal, services.stopping]);
  response.once('close', () => {
    gone.abort();
  });
  // The client went away while its place in the events was looked for: a stream would go on for nobody.
  if (response.destroyed) return;
  const bell = createBell(services.notifications, end);
  const position = { last: start.from, told: start.from };
  response.writeHead(200, streamHeaders);
  response.write(`retry: ${String(reconnectMs)}\n${opening(start)}`);
  const heart = startHeart(stream, { position, gone });
  try {
    while (!end.aborted) {
      await bell.rung();
      await readOn(services.events, { ...stream, position, end });
    }
  } catch (error) {
    if (!end.aborted && !isRefused(error)) throw error;
  } finally {
    heart.stop();
    bell.close();
    // What a client does not read would never be written, and the connection never closed.
    if (response.writableNeedDrain) response.destroy();
    else response.end();
  }
}

/** How far a stream has come: everything up to `last` was read, and the client knows the number `told`. */
interface Position {
  last: number;
  told: number;
}

/** Tells everything that there is by now. */
async function readOn(
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
      const page = await events.after(position.last);
      // A token that has ended hears nothing more; when the client comes back with it, it is answered 401.
      if (page.items.length > 0) await mayListen();
      for (const one of page.items.filter(isWanted)) {
        position.told = one.seq;
        if (!response.write(told(one))) await once(response, 'drain', { signal: end });
      }
      ({ last: position.last, isFull } = page);
    } catch (error) {
      if (!isPassing(error)) throw error;
      await delay(lookAgainMs, undefined, { signal: end }).catch(() => undefined);
    }
  }
}

/**
 * Shows a quiet client, and proxies, that the connection is alive. When events that the client does not want have been passed over, it is
 * told the number reached, so that it need not read them again when it resumes.
 */
function startHeart(
  { response, mayListen }: Stream,
  { position, gone }: { readonly position: Position; readonly gone: AbortController },
): { readonly stop: () => void } {
  let unread = 0;
  const beat = (): void => {
    unread = response.writableNeedDrain ? unread + 1 : 0;
    if (unread > mostUnreadHeartbeats) gone.abort();
    if (unread > 0) return;
    if (position.last > position.told) {
      position.told = position.last;
      const id = String(position.last);
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

/** Whether the same may succeed in a moment. */
function isPassing(error: unknown): boolean {
  return isDatabaseFailure(error) || (error instanceof AppError && error.status === 503);
}

function opening({ from, missed }: StreamStart): string {
  const id = String(from);
  return format({ id, type: 'stream.open', timestamp: new Date().toISOString(), missed });
}

/** All streams that are at the same place tell the same records. */
const texts = new WeakMap<EventRecord, string>();

function told(record: EventRecord): string {
  const text = texts.get(record) ?? format(eventView(record));
  texts.set(record, text);
  return text;
}

function format(view: EventView | StreamEventView): string {
  return `id: ${view.id}\nevent: ${view.type}\ndata: ${JSON.stringify(view)}\n\n`;
}

/** Rings when events have been published. One ring is remembered, so that none is missed between two waits. */
function createBell(
  notifications: Notifications,
  end: AbortSignal,
): { rung: () => Promise<void>; close: () => void } {
  let isRung = true; // There may be something from before.
  let wake = (): void => undefined;
  const ring = (): void => {
    isRung = true;
    wake();
  };
  const stop = notifications.on('events', { received: ring, resumed: ring });
  end.addEventListener('abort', ring);
  return {
    rung: async () => {
      while (!isRung) await new Promise<void>((resolve) => (wake = resolve));
      isRung = false;
    },
    close: () => {
      stop();
      end.removeEventListener('abort', ring);
    },
  };
}
