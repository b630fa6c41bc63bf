/** Listens to server-sent events as a browser does. */
import type { TestService } from './test-service.js';
import { until } from './until.js';

export interface ToldEvent {
  readonly id: string;
  readonly event: string;
  readonly data: {
    readonly id: string;
    readonly type: string;
    readonly channel: string;
    /** The data of `stream.open`. */
    readonly missed?: boolean;
    readonly data: Record<string, unknown>;
  };
}

export interface EventStream {
  /** Every event so far. */
  readonly told: readonly ToldEvent[];
  /** The events of the stream about itself; the first is `stream.open`. */
  readonly about: readonly ToldEvent[];
  /** Resolves when there are so many events. */
  readonly count: (number: number) => Promise<readonly ToldEvent[]>;
  readonly close: () => Promise<void>;
  /** Resolves when the service has ended the stream. */
  readonly ended: Promise<void>;
}

export async function listenTo(
  service: TestService,
  {
    token = service.token('media:read'),
    query = '',
    lastEventId,
  }: {
    readonly token?: string;
    readonly query?: string;
    readonly lastEventId?: string;
  } = {},
): Promise<EventStream> {
  const abort = new AbortController();
  const response = await fetch(`${service.url}/v1/events${query}`, {
    headers: {
      authorization: `Bearer ${token}`,
      ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
    },
    signal: abort.signal,
  });
  if (response.status !== 200 || !response.body) throw new Error(`answered ${String(response.status)}`);
  const told: ToldEvent[] = [];
  const about: ToldEvent[] = [];
  const ended = read(response.body, { told, about });
  await until(() => about.length > 0);
  return {
    told,
    about,
    count: async (number) => {
      await until(() => Promise.resolve(told.length >= number));
      return told;
    },
    ended,
    close: async () => {
      abort.abort();
      await ended;
    },
  };
}

async function read(
  body: ReadableStream<Uint8Array>,
  { told, about }: { readonly told: ToldEvent[]; readonly about: ToldEvent[] },
): Promise<void> {
  let pending = '';
  try {
    for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
      const blocks = (pending + chunk).split('\n\n');
      pending = blocks.pop() ?? '';
      for (const block of blocks) {
        const fields = Object.fromEntries(
          block
            .split('\n')
            .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
        );
        const { id = '', event = '', data } = fields;
        const list = event.startsWith('stream.') ? about : told;
        if (data !== undefined) list.push({ id, event, data: JSON.parse(data) as ToldEvent['data'] });
      }
    }
  } catch {
    // The test or the end of the connection has aborted the stream.
  }
}
