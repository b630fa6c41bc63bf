import { path } from './addresses.js';
import type { Person, PersonDetails, TimelineItem } from './answers.js';
import { listOf, type List, type PageQuery } from './pages.js';
import type { CallOptions, Transport } from './transport.js';

/** Filters of the list of people and groups. */
export interface PeopleQuery extends PageQuery {
  readonly channel?: string | undefined;
  readonly kind?: Person['kind'] | undefined;
  /** A part of a name, or of a number as people write it. */
  readonly q?: string | undefined;
}

/** Which page of a timeline, and how to call for it. */
export interface TimelineOptions extends PageQuery, CallOptions {}

/** People who write to the business or receive messages, and groups. */
export interface PeopleClient {
  /** The last seen first. */
  readonly list: (query?: PeopleQuery, options?: CallOptions) => List<Person>;
  /** A person or a group by any of its ids. */
  readonly get: (channel: string, person: string, options?: CallOptions) => Promise<PersonDetails>;
  /** What was exchanged, newest first. */
  readonly timeline: (channel: string, person: string, options?: TimelineOptions) => List<TimelineItem>;
}

export function peopleClient(transport: Transport): PeopleClient {
  return {
    list: (query, options) => listOf(transport, { path: '/v1/people', query: { ...query }, options }),
    get: (channel, person, options) =>
      transport.json({ ...options, method: 'GET', path: path`/v1/people/${channel}/${person}` }),
    timeline: (channel, person, { limit, cursor, ...options } = {}) =>
      listOf(transport, {
        path: path`/v1/people/${channel}/${person}/timeline`,
        query: { limit, cursor },
        options,
      }),
  };
}
