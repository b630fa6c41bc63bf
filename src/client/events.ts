/** Server-sent events, without a gap: after a broken or silent connection they go on where they were. */
import type { EventType } from '../domain/event.js';
import type { EventView, StreamEventView } from '../http/shapes/event.js';
import { readEventBlocks, type EventBlock } from './event-blocks.js';
import { InletError } from './problem.js';
import { sleep, type Request, type Transport } from './transport.js';

export interface EventOptions {
  readonly type?: EventType;
  readonly channel?: string;
  /** The last that is known; without it the events begin now. */
  readonly lastEventId?: string;
  /** Ends the events. */
  readonly signal?: AbortSignal;
  /** Called when the service is listened to, the first time and after each break. */
  readonly onConnected?: () => void;
  /** Called when some events since the last known one are no longer kept. What the events are about should be read anew then. */
  readonly onMissed?: () => void;
  /**
   * After how long a silent connection is taken for broken; 35 seconds when not given. The service sends something every 15
   * seconds, so two signs of life are missing then.
   */
  readonly silenceMs?: number;
}

const standardPauseMs = 2_000;
const longestPauseMs = 30_000;
const standardSilenceMs = 35_000;

/**
 * All events from now on, or from `lastEventId` on; an event may come twice. Ends when the signal is aborted; rejects with
 * an {@link InletError} when the service refuses for good.
 */
export async function* eventsOf(transport: Transport, options: EventOptions = {}): AsyncGenerator<EventView> {
  const { signal } = options;
  const position: Position = { lastEventId: options.lastEventId, pauseMs: standardPauseMs, failures: 0 };
  while (!isOver(signal)) {
    let wanted = 0;
    try {
      yield* listen(transport, options, position);
    } catch (error) {
      if (isOver(signal)) return;
      if (isFinal(error)) throw error;
      wanted = error instanceof InletError ? (error.retryAfterMs ?? 0) : 0;
    }
    await sleep(Math.max(wanted, pauseAfter(position)), signal).catch(() => undefined);
  }
}

/** A service that is overloaded, restarted or out of reach is worth another try. */
const isFinal = (error: unknown): boolean =>
  error instanceof InletError &&
  error.status >= 400 &&
  error.status < 500 &&
  ![408, 429].includes(error.status);

/** By itself, since the signal may be aborted while one waits. */
const isOver = (signal: AbortSignal | undefined): boolean => signal?.aborted === true;

interface Position {
  lastEventId: string | undefined;
  /** What the service wants a client to wait before it comes back. */
  pauseMs: number;
  /** How many connections in a row said nothing. */
  failures: number;
}

/** Doubles with each connection that said nothing. The last part is left to chance, so that not all clients come back at once. */
function pauseAfter({ pauseMs, failures }: Position): number {
  const longest = Math.max(pauseMs, longestPauseMs);
  return Math.min(pauseMs * 2 ** Math.min(failures, 10), longest) * (0.75 + Math.random() / 4);
}

/** One connection, until it ends, breaks or falls silent. */
async function* listen(
  transport: Transport,
  options: EventOptions,
  position: Position,
): AsyncGenerator<EventView> {
  const connection = openConnection(options);
  try {
    position.failures += 1;
    const { body } = await connection.unlessSilent(
      transport.answer(requestOf(options, position, connection)),
    );
    options.onConnected?.();
    if (body === null) return;
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    const blocks = readEventBlocks();
    for (;;) {
      const { done, value } = await connection.unlessSilent(reader.read());
      if (done) return;
      yield* eventsIn(blocks.add(value), { position, onMissed: options.onMissed });
    }
  } finally {
    // A caller that stops listening in the middle must not leave the connection open.
    connection.close();
  }
}

function requestOf(
  { type, channel }: EventOptions,
  { lastEventId }: Position,
  { signal }: Connection,
): Request {
  return {
    method: 'GET',
    path: '/v1/events',
    query: { type, channel },
    signal,
    ...(lastEventId !== undefined && { headers: { 'last-event-id': lastEventId } }),
  };
}

interface Connection {
  /** Aborted when the connection is to end. */
  readonly signal: AbortSignal;
  /** Ends the connection when what is waited for does not come. Time that the caller takes for an event does not count. */
  readonly unlessSilent: <T>(coming: Promise<T>) => Promise<T>;
  readonly close: () => void;
}

function openConnection({ signal, silenceMs = standardSilenceMs }: EventOptions): Connection {
  const connection = new AbortController();
  const end = (): void => {
    connection.abort(signal?.reason);
  };
  signal?.addEventListener('abort', end);
  return {
    signal: connection.signal,
    unlessSilent: async (coming) => {
      const watchdog = setTimeout(() => {
        connection.abort(new InletError('The stream is silent', { code: 'unreachable', status: 0 }));
      }, silenceMs);
      try {
        return await coming;
      } finally {
        clearTimeout(watchdog);
      }
    },
    close: () => {
      signal?.removeEventListener('abort', end);
      connection.abort();
    },
  };
}

function* eventsIn(
  blocks: readonly EventBlock[],
  { position, onMissed }: { readonly position: Position; readonly onMissed: (() => void) | undefined },
): Generator<EventView> {
  for (const { id, type, data, retryMs } of blocks) {
    position.failures = 0;
    position.pauseMs = retryMs ?? position.pauseMs;
    // The id counts in every block: in one without data as well, and in those that tell about the stream itself.
    position.lastEventId = id ?? position.lastEventId;
    if (data === null) continue;
    if (type?.startsWith('stream.') !== true) yield JSON.parse(data) as EventView;
    else if (isMissing(JSON.parse(data) as StreamEventView)) onMissed?.();
  }
}

function isMissing(event: StreamEventView): boolean {
  return event.type === 'stream.open' && event.missed;
}
