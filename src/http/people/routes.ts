/** People and groups, and what was exchanged with each of them. */
import { z } from 'zod';

import { seesChannel, visibleChannels, type Access } from '../../domain/access.js';
import { AppError } from '../../domain/errors.js';
import type { People, PeoplePlace, PersonRecord } from '../../infra/tables/people/people.js';
import { cursor, encodeCursor, pageLimit, searchText } from '../input.js';
import { route } from '../routing/route.js';
import type { RouteServices } from '../services.js';
import { pageOf } from '../shapes/page.js';
import { person as personShape, personDetails, timeline as timelineItem } from '../shapes/person.js';
import { personDetailsView, personView, timelineItemView } from '../views/person.js';

const kinds = ['person', 'group'] as const;

/** The place of a person in the list. A person and a group may be seen at the same moment. */
const peopleCursor = z
  .string()
  .meta({ description: '`nextCursor` of the previous page' })
  .transform((text, context): PeoplePlace => {
    const decoded = Buffer.from(text, 'base64url').toString('utf8');
    const [, lastId = '', kind = '', key = ''] =
      /^3:([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}):(person|group):(.{1,255})$/su.exec(decoded) ?? [];
    const place = { lastId, kind, key };
    if (encodePlace(place) === text) return place;
    context.addIssue('is not a cursor of this list; use `nextCursor` of the previous page');
    return z.NEVER;
  });

function encodePlace({ lastId, kind, key }: PeoplePlace): string {
  return Buffer.from(`3:${lastId}:${kind}:${key}`).toString('base64url');
}

const byChannelAndId = z.object({ channel: searchText(255), person: searchText(255) });

export const listPeople = route(
  {
    method: 'get',
    path: '/v1/people',
    scope: 'media:read',
    operationId: 'listPeople',
    summary: 'List people and groups, the last seen first',
    description:
      'With `q`, the list suggests people while somebody types. A page may hold fewer than `limit` although more follow: `nextCursor` says so.',
    query: z.strictObject({
      channel: searchText(255).optional(),
      kind: z.enum(kinds).optional(),
      q: searchText(200).optional().meta({
        description:
          'A part of a name, or of a number as people write it, such as `+55 (11) 90000-0123`; case and accents are ignored',
      }),
      limit: pageLimit,
      cursor: peopleCursor.optional(),
    }),
    answers: { 200: { description: 'A page of people and groups', schema: pageOf(personShape) } },
  },
  ({ people }: Pick<RouteServices, 'people'>) =>
    async ({ query, access }) => {
      const { channel, kind, q, limit, cursor: after } = query;
      const filter = { channels: visibleChannels(access, channel), kind, q };
      const { items, next } = await people.list(filter, { limit, after });
      return { items: items.map(personView), nextCursor: next === undefined ? null : encodePlace(next) };
    },
);

export const getPerson = route(
  {
    method: 'get',
    path: '/v1/people/{channel}/{person}',
    scope: 'media:read',
    operationId: 'getPerson',
    summary: 'Get a person or a group by any of its ids',
    description:
      'A mobile number of Brazil is found with its ninth digit and without it, and a person with a number by the id that replaces it.',
    params: byChannelAndId,
    answers: { 200: { description: 'The person or the group', schema: personDetails } },
    errors: ['person.not_found'],
  },
  ({ people }: Pick<RouteServices, 'people'>) =>
    async ({ params, access }) => {
      const found = await findPerson(people, params, access);
      return personDetailsView(found, await people.elsewhere(found, access.channels ?? undefined));
    },
);

export const getTimeline = route(
  {
    method: 'get',
    path: '/v1/people/{channel}/{person}/timeline',
    scope: 'media:read',
    operationId: 'getTimeline',
    summary: 'List what was exchanged with a person or in a group, newest first',
    description:
      'All media of one message are on one page, which may therefore hold a few more than `limit`.',
    params: byChannelAndId,
    query: z.strictObject({ limit: pageLimit, cursor: cursor.optional() }),
    answers: { 200: { description: 'A page of the timeline', schema: pageOf(timelineItem) } },
    errors: ['person.not_found'],
  },
  ({ people, timeline }: Pick<RouteServices, 'people' | 'timeline'>) =>
    async ({ params, query, access }) => {
      const found = await findPerson(people, params, access);
      const { items, next } = await timeline(found, { limit: query.limit, after: query.cursor });
      return {
        items: items.map(timelineItemView),
        nextCursor: next === undefined ? null : encodeCursor(next),
      };
    },
);

/** Throws `person.not_found`. People of channels outside the limits of the token do not exist for it. */
async function findPerson(
  people: Pick<People, 'find'>,
  { channel, person }: z.output<typeof byChannelAndId>,
  access: Access,
): Promise<PersonRecord> {
  const found = seesChannel(access, channel) ? await people.find(channel, person) : undefined;
  if (!found) throw new AppError('person.not_found', 'no person or group in this channel has this id');
  return found;
}
