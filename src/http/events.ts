/** `GET /v1/events`: server-sent events, resumed from `Last-Event-ID`. */
import { once } from 'node:events';

import { Router, type Request, type RequestHandler, type Response } from 'express';
import { z } from 'zod';

import { seesChannel } from '../domain/access.js';
import { AppError } from '../domain/errors.js';
import { eventTypes } from '../domain/event.js';
import type { EventLog, EventPage, EventRecord } from '../infra/event-log.js';
import type { Notifications } from '../infra/notifications.js';
import type { Tokens } from '../infra/tokens.js';
import type { ApiRoute } from './api-route.js';
import { eventView } from './event-view.js';
import { parseInput, queryOf, searchText } from './input.js';
import { accessOf, authenticate, checkAgain } from './middleware/authenticate.js';
import { allowOnly } from './middleware/errors.js';
import { event } from './shapes/event.js';

export interface EventServices {
  readonly tokens: Tokens;
  readonly events: EventLog;
  readonly notifications: Notifications;
  /** Aborted when the process is to end: streams end then, and are resumed elsewhere. */
  readonly stopping: AbortSignal;
}

const eventNumber = z.string().regex(/^\d{1,15}$/, 'is not the id of an event');
export const eventQuery = z.strictObject({
  type: z.enum(eventTypes).optional(),
  channel: searchText(255).optional(),
  lastEventId: eventNumber
    .optional()
    .meta({ description: 'As the header Last-Event-ID, for a first connection' }),
});

export const eventApi: readonly ApiRoute[] = [
  {
    method: 'get',
    path: '/v1/events',
    scope: 'media:read',
    summary: 'What happens, as it happens: server-sent events',
    description:
      'Each event is told at least once, in order. Send the header Last-Event-ID to read on; without it the stream begins now. Events are kept for 7 days.',
    query: eventQuery,
    answers: { 200: { description: '`data` is an Event', schema: event, contentType: 'text/event-stream' } },
  },
];

/** Proxies close connections that are silent for a minute or less. */
const heartbeatMs = 15_000;
const reconnectMs = 2_000;

export function eventRoutes(services: EventServices, limit: RequestHandler): Router {
  const router = Router();
  router.get(
    '/v1/events',
    authenticate(services.tokens, 'media:read'),
    limit,
    async (request: Request, response: Response) => {
      const query = parseInput(eventQuery, queryOf(request));
      const header = request.get('Last-Event-ID');
      const given =
        header === undefined
          ? query.lastEventId
          : parseInput(lastEventHeader, { 'Last-Event-ID': header })['Last-Event-ID'];
      const from = given === undefined ? await services.events.latest() : Number(given);
      const access = accessOf(response);
      const isWanted = ({ type, channel }: EventRecord): boolean =>
        seesChannel(access, channel) &&
        (query.type ?? type) === type &&
        (query.channel ?? channel) === channel;
      begin(response);
      await tell(services, { response, from, isWanted, mayListen: () => checkAgain(response) });
    },
  );
  router.all('/v1/events', allowOnly('GET, HEAD'));
  return router;
}

const lastEventHeader = z.object({ 'Last-Event-ID': eventNumber });

function begin(response: Response): void {
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    // nginx would hold events back.
    'x-accel-buffering': 'no',
  });
  response.write(`retry: ${String(reconnectMs)}\n\n`);
}

interface Stream {
  readonly response: Response;
  readonly from: number;
  readonly isWanted: (event: EventRecord) => boolean;
  /** Rejects when the token has ended or was revoked meanwhile. */
  readonly mayListen: () => Promise<void>;
}

/**
 * Reads and writes until the listener goes away, may not listen any more, or the process is to end. One that reads slowly holds
 * nothing up but itself.
 */
async function tell(services: EventServices, { response, from, isWanted, mayListen }: Stream): Promise<void> {
  const gone = new AbortController();
  const end = AbortSignal.any([gone.signal, services.stopping]);
  const isOver = (): boolean => end.aborted;
  response.once('close', () => {
    gone.abort();
  });
  const bell = createBell(services.notifications, end);
  const heartbeat = setInterval(() => {
    response.write(': still here\n\n');
    mayListen().catch(() => {
      gone.abort();
    });
  }, heartbeatMs);
  const write = async (one: EventRecord): Promise<void> => {
    if (!response.write(format(one))) await once(response, 'drain', { signal: end });
  };
  try {
    for (let last = from; !end.aborted;) {
      await bell.rung();
      let page: EventPage;
      do {
        page = await services.events.after(last);
        // Nobody hears of anything with a token that does not hold any more; asking again is answered 401.
        if (page.events.length > 0) await mayListen();
        for (const one of page.events.filter(isWanted)) await write(one);
        last = page.last;
      } while (page.isFull && !isOver());
    }
  } catch (error) {
    if (!isOver() && !isRefused(error)) throw error;
  } finally {
    clearInterval(heartbeat);
    bell.close();
    response.end();
  }
}

function isRefused(error: unknown): boolean {
  return error instanceof AppError && error.status === 401;
}

function format(record: EventRecord): string {
  const view = eventView(record);
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
  const stop = notifications.on('events', { heard: ring, resumed: ring });
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
