/** `inlet events`: prints the events of a running service, one per line, until it is interrupted. */
import '../home.js';

import { parseArgs } from 'node:util';

import { InletError, type InletClient, type InletEvent } from '../client/index.js';
import { eventTypes, type EventType } from '../domain/event.js';
import { commandLine } from '../infra/process/command-line.js';
import { fail, orExplain } from './command-line.js';
import { secondsOf } from './duration.js';
import { eventLine } from './event-line.js';
import { explained, findService, urlOf, type RunningService } from './running-service.js';

interface Since {
  /** Events after this one. */
  readonly id?: string;
  /** Events at this time or later. */
  readonly moment?: Date;
}

interface Options {
  readonly url: string | undefined;
  readonly json: boolean;
  readonly since: Since;
  readonly type: EventType | undefined;
  readonly channel: string | undefined;
}

const about = {
  usage: `${commandLine('events')} [--json] [--since 10m|TIME|ID] [--type TYPE] [--channel ID] [--url URL]`,
  does: 'Prints the events of the running service as they happen, one line each, until you press Ctrl-C.',
  options: {
    '--json': 'prints each event as one line of JSON',
    '--since WHEN':
      'begins with earlier events: 90s, 10m, 2h or 7d ago, since a time (2026-11-29T16:00:00Z), or after an event',
    '--type TYPE': `only ${eventTypes.join(', ')}`,
    '--channel ID': 'only events of this channel',
    '--url URL': 'where the service is; without it, at HOST and PORT of the settings',
  },
};

function readArguments(): Options {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean' },
      since: { type: 'string' },
      type: { type: 'string' },
      channel: { type: 'string' },
      url: { type: 'string' },
    },
  });
  return {
    url: urlOf(values.url),
    json: values.json === true,
    since: values.since === undefined ? {} : sinceOf(values.since),
    type: values.type === undefined ? undefined : typeOf(values.type),
    channel: values.channel,
  };
}

function sinceOf(text: string): Since {
  const seconds = secondsOf(text);
  if (seconds !== undefined) return { moment: new Date(Date.now() - seconds * 1_000) };
  if (/^\d{1,15}$/.test(text)) return { id: text };
  const moment = new Date(text);
  if (/^\d{4}-\d\d-\d\d/.test(text) && !Number.isNaN(moment.getTime())) return { moment };
  throw new Error(
    '--since is a duration such as 10m, a time such as 2026-11-29T16:00:00Z, or the number of an event',
  );
}

function typeOf(text: string): EventType {
  const type = eventTypes.find((one) => one === text);
  if (type === undefined) throw new Error(`there is no type ${text}; there are ${eventTypes.join(', ')}`);
  return type;
}

/** Resolves when the signal aborts. */
async function follow(service: RunningService, options: Options, signal: AbortSignal): Promise<void> {
  const { moment, id } = options.since;
  let last = moment === undefined ? id : '0';
  let isAnnounced = false;
  // The stream begins when the service accepts the connection, and earlier events are not part of it.
  const onConnected = (): void => {
    if (!isAnnounced) process.stderr.write(`Listening to ${service.baseUrl}; press Ctrl-C to end.\n`);
    isAnnounced = true;
  };
  const show = (event: InletEvent): void => {
    last = event.id;
    if (moment !== undefined && new Date(event.timestamp) < moment) return;
    process.stdout.write(`${options.json ? JSON.stringify(event) : eventLine(event)}\n`);
  };
  for (;;) {
    try {
      for await (const event of eventsOf(service.client('media:read'), options, {
        last,
        signal,
        onConnected,
      }))
        show(event);
      return;
    } catch (error) {
      // Continues with a new token.
      if (!(error instanceof InletError && error.code === 'auth.expired')) throw error;
    }
  }
}

interface Position {
  readonly last: string | undefined;
  readonly signal: AbortSignal;
  readonly onConnected: () => void;
}

function eventsOf(
  client: InletClient,
  { type, channel }: Options,
  { last, signal, onConnected }: Position,
): AsyncIterable<InletEvent> {
  return client.events({
    signal,
    onConnected,
    ...(type !== undefined && { type }),
    ...(channel !== undefined && { channel }),
    ...(last !== undefined && { lastEventId: last }),
    onMissed: () => {
      // A request for all events since the beginning misses nothing that the user asked for.
      if (last !== '0') process.stderr.write('Some events since then are no longer kept.\n');
    },
  });
}

async function main(options: Options): Promise<void> {
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      stopping.abort();
    });
  // The reader of the output has ended, for example `head`.
  process.stdout.on('error', () => process.exit(0));
  const service = findService('inlet events', options.url);
  try {
    // Only the first call must succeed: later, a service that does not respond is restarting.
    await service.client('media:read').media.list({ limit: 1 }).page();
    await follow(service, options, stopping.signal);
  } catch (error) {
    if (!stopping.signal.aborted) throw explained(error, service);
  }
}

main(orExplain(about, readArguments)).catch(fail);
