/** Server-sent events, without a gap: after a broken connection they go on where they were. */
import type { EventType } from '../domain/event.js';
import type { EventView } from '../http/shapes/event.js';
import { InletError } from './problem.js';
import { sleep, type Transport } from './transport.js';

export interface EventOptions {
  readonly type?: EventType;
  readonly channel?: string;
  /** The last that is known; without it the events begin now. */
  readonly lastEventId?: string;
  /** Ends the events. */
  readonly signal?: AbortSignal;
  /** Called when the service is listened to, the first time and after each break. */
  readonly onConnected?: () => void;
}

const standardPauseMs = 2_000;

/**
 * All events from now on, or from `lastEventId` on; an event may come twice. Ends when the signal is aborted; rejects with
 * an {@link InletError} when the service refuses for good.
 */
export async function* eventsOf(transport: Transport, options: EventOptions = {}): AsyncGenerator<EventView> {
  const { type, channel, signal, onConnected } = options;
  const position: Position = { lastEventId: options.lastEventId, pauseMs: standardPauseMs };
  while (signal?.aborted !== true) {
    try {
      const { lastEventId } = position;
      const response = await transport.answer({
        ...{ method: 'GET', path: '/v1/events', query: { type, channel }, signal },
        ...(lastEventId !== undefined && { headers: { 'last-event-id': lastEventId } }),
      });
      onConnected?.();
      yield* read(response, position);
    } catch (error) {
      if (isOver(signal)) return;
      if (isFinal(error)) throw error;
    }
    await sleep(position.pauseMs, signal).catch(() => undefined);
  }
}

/** A service that is overloaded, restarted or out of reach is worth another try. */
const isFinal = (error: unknown): boolean =>
  error instanceof InletError && error.status >= 400 && error.status < 500 && error.status !== 429;

/** By itself, since the signal may be aborted while one waits. */
const isOver = (signal: AbortSignal | undefined): boolean => signal?.aborted === true;

interface Position {
  lastEventId: string | undefined;
  pauseMs: number;
}

async function* read({ body }: Response, position: Position): AsyncGenerator<EventView> {
  if (body === null) return;
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let pending = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const blocks = (pending + value).split('\n\n');
      pending = blocks.pop() ?? '';
      for (const block of blocks) {
        const event = eventIn(block, position);
        if (event !== undefined) yield event;
      }
    }
  } finally {
    // Whoever stops listening in the middle must not leave the connection open.
    await reader.cancel().catch(() => undefined);
  }
}

/** One block of lines: an event, a comment, or how long to wait before coming back. */
function eventIn(block: string, position: Position): EventView | undefined {
  const fields = new Map(
    block.split('\n').map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1).trimStart()];
    }),
  );
  const [retry, data] = [fields.get('retry'), fields.get('data')];
  if (retry !== undefined) position.pauseMs = Number(retry);
  if (data === undefined) return undefined;
  position.lastEventId = fields.get('id') ?? position.lastEventId;
  return JSON.parse(data) as EventView;
}
