/** Server-sent events without gaps: after a broken or silent connection they continue after the last one. */
import type { InletEvent, StreamEvent } from './answers.js';
import { readEventBlocks, type EventBlock } from './event-blocks.js';
import { InletError } from './problem.js';
import { sleep } from './sleep.js';
import type { Request, Transport } from './transport.js';

/** The filters and the start of a stream of events. */
export interface EventOptions {
  readonly type?: InletEvent['type'] | undefined;
  readonly channel?: string | undefined;
  /** The `id` of the last event that the program has handled; by default the events begin now. */
  readonly lastEventId?: string | undefined;
  /** Ends the events. */
  readonly signal?: AbortSignal | undefined;
  /** Called when the service has accepted the connection, the first time and after each break. */
  readonly onConnected?: (() => void) | undefined;
  /**
   * Called when some events after `lastEventId` are no longer stored. Reload the data that the events are
   * about.
   */
  readonly onMissed?: (() => void) | undefined;
  /**
   * How long a connection may be silent before it counts as broken; 35 seconds by default. The service sends
   * something every 15 seconds, so two messages are missing by then.
   */
  readonly silenceMs?: number | undefined;
}

const standardPauseMs = 2_000;
const longestPauseMs = 30_000;
const standardSilenceMs = 35_000;

/**
 * All events from now on, or those after `lastEventId`, each once and in order. Ends when the signal is
 * aborted; rejects with an {@link InletError} if the service refuses the stream permanently.
 */
export async function* eventsOf(
  transport: Transport,
  options: EventOptions = {},
): AsyncGenerator<InletEvent> {
  const { signal } = options;
  const position: Position = { lastEventId: options.lastEventId, pauseMs: standardPauseMs, failures: 0 };
  while (!isOver(signal)) {
    let requestedMs = 0;
    try {
      yield* listen(transport, options, position);
    } catch (error) {
      if (isOver(signal)) return;
      if (isFinal(error)) throw error;
      requestedMs = error instanceof InletError ? (error.retryAfter ?? 0) * 1000 : 0;
    }
    await sleep(Math.max(requestedMs, pauseAfter(position)), signal).catch(() => undefined);
  }
}

/**
 * An overloaded, restarting or unreachable service may be retried. An event that is not JSON would only
 * arrive again.
 */
function isFinal(error: unknown): boolean {
  if (!(error instanceof InletError)) return false;
  const { status, code } = error;
  return (status >= 400 && status < 500 && status !== 408 && status !== 429) || code === unreadableEvent;
}

const unreadableEvent = 'unreadable_event';

/**
 * This is a function because the signal may be aborted during an `await`, which narrowing of types would
 * ignore.
 */
const isOver = (signal: AbortSignal | undefined): boolean => signal?.aborted === true;

interface Position {
  lastEventId: string | undefined;
  /** The pause before reconnecting that the service asks for, in milliseconds. */
  pauseMs: number;
  /** Number of consecutive connections without an event. */
  failures: number;
}

/**
 * The pause doubles with each connection without an event. Jitter prevents all clients from reconnecting at
 * the same moment.
 */
function pauseAfter({ pauseMs, failures }: Position): number {
  const longest = Math.max(pauseMs, longestPauseMs);
  return Math.min(pauseMs * 2 ** Math.min(failures, 10), longest) * (0.75 + Math.random() / 4);
}

/** The events of one connection, until it ends, breaks or falls silent. */
async function* listen(
  transport: Transport,
  options: EventOptions,
  position: Position,
): AsyncGenerator<InletEvent> {
  const connection = openConnection(options);
  try {
    position.failures += 1;
    const body = streamOf(
      await connection.unlessSilent(transport.answer(requestOf(options, position, connection))),
    );
    options.onConnected?.();
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    const blocks = readEventBlocks();
    for (;;) {
      const { done, value } = await connection.unlessSilent(reader.read());
      if (done) return;
      yield* eventsIn(blocks.add(value), { transport, position, onMissed: options.onMissed });
    }
  } finally {
    // A caller that stops listening in the middle must not leave the connection open.
    connection.close();
  }
}

/** A proxy may answer with a page instead of a stream, for example while the service restarts. */
function streamOf({ headers, body, status }: Response) {
  if (body !== null && headers.get('content-type')?.startsWith('text/event-stream') === true) return body;
  throw new InletError('The answer is not a stream of events', { code: 'unreadable', status });
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
    // The stream reconnects by itself, and silence ends it, so the call has neither retries nor a timeout.
    retries: 0,
    timeoutMs: Infinity,
    headers: lastEventId === undefined ? {} : { 'last-event-id': lastEventId },
  };
}

interface Connection {
  /** Aborting this signal ends the connection. */
  readonly signal: AbortSignal;
  /**
   * Ends the connection if the awaited data does not arrive in time. Time that the caller spends on an event
   * does not count.
   */
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

interface Reading {
  readonly transport: Pick<Transport, 'parse'>;
  readonly position: Position;
  readonly onMissed: (() => void) | undefined;
}

function* eventsIn(blocks: readonly EventBlock[], reading: Reading): Generator<InletEvent> {
  const { position } = reading;
  for (const block of blocks) {
    position.failures = 0;
    position.pauseMs = block.retryMs ?? position.pauseMs;
    const event = eventOf(block, reading);
    if (event) yield event;
  }
}

/** The event in a block, if it is new. */
function eventOf(block: EventBlock, reading: Reading): InletEvent | undefined {
  const { position, onMissed } = reading;
  // The event is parsed before the position advances, so that no event is skipped.
  const data = block.data === null ? undefined : parsed(block.data, reading);
  const isEvent = data !== undefined && block.type?.startsWith('stream.') !== true;
  if (isEvent && !isBeyond(block.id, position.lastEventId)) return undefined;
  // All other blocks move the position, too: blocks without data, and those about the stream itself, whose
  // ids may start again.
  position.lastEventId = block.id ?? position.lastEventId;
  if (isEvent) return data as InletEvent;
  if (isMissing(data)) onMissed?.();
  return undefined;
}

function isMissing(data: InletEvent | StreamEvent | undefined): boolean {
  return data?.type === 'stream.open' && data.missed;
}

function parsed(data: string, { transport, position }: Reading): InletEvent | StreamEvent {
  try {
    return transport.parse(data) as InletEvent | StreamEvent;
  } catch (cause) {
    const last = position.lastEventId ?? 'the beginning';
    throw new InletError(`The event after ${last} is not JSON`, {
      code: unreadableEvent,
      status: 200,
      cause,
    });
  }
}

/**
 * The service delivers each event at least once. Ids grow within a stream, so an event with a smaller id is a
 * repetition.
 */
function isBeyond(id: string | null, last: string | undefined): boolean {
  if (id === null || last === undefined) return true;
  return !/^\d+$/.test(id) || !/^\d+$/.test(last) || BigInt(id) > BigInt(last);
}
