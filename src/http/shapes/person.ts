/** Shapes of answers about people and groups. */
import { z } from 'zod';

import { directions } from '../../domain/provider.js';
import { exampleMedia, media, moment } from './media.js';
import { named } from './named.js';

const personShape = z.object({
  channel: z.string(),
  id: z.string().meta({ description: 'The id that the provider used last, as in `message.from`' }),
  kind: z.enum(['person', 'group']),
  name: z.string().nullable().meta({ description: 'The latest name' }),
  names: z.array(z.string()).meta({ description: 'The latest first' }),
  number: z.string().nullable().meta({ description: 'Digits, if the person is known by a phone number' }),
  ids: z.array(z.string()).meta({
    description:
      'All ids under which the provider has named the person: numbers with and without a ninth digit, and ids that replace a number',
  }),
  firstSeenAt: moment,
  lastSeenAt: moment,
  received: z.int().meta({ description: 'Media from the person, or into the group' }),
  sent: z.int().meta({ description: 'Media that were sent to the person, or into the group' }),
  texts: z
    .int()
    .meta({ description: 'Texts, locations and contact cards that are kept, in both directions' }),
  pending: z.int().meta({ description: 'Media that wait to be downloaded; 1000 at most' }),
  failed: z.int().meta({ description: 'Media that could not be downloaded; 1000 at most' }),
});
export type PersonView = z.infer<typeof personShape>;

const examplePerson: PersonView = {
  channel: 'z-api',
  id: '5511999990000',
  kind: 'person',
  name: 'Ana',
  names: ['Ana'],
  number: '5511999990000',
  ids: ['5511999990000'],
  firstSeenAt: exampleMedia.receivedAt,
  lastSeenAt: exampleMedia.receivedAt,
  received: 1,
  sent: 0,
  texts: 0,
  pending: 0,
  failed: 0,
};

export const person = named('Person', personShape, examplePerson);

const elsewhere = personShape.pick({ channel: true, id: true, name: true, lastSeenAt: true });

export const personDetails = named(
  'PersonDetails',
  personShape.extend({
    elsewhere: z.array(elsewhere).meta({ description: 'The same number in other channels, 50 at most' }),
  }),
  { ...examplePerson, elsewhere: [] },
);
export type PersonDetailsView = z.infer<typeof personDetails>;

const common = {
  at: moment.meta({ description: 'When it was sent, or received if that is unknown' }),
  direction: z.enum(directions),
};

const said = {
  ...common,
  id: z.uuid(),
  messageId: z.string().meta({ description: "The provider's own id" }),
  from: z.string().nullable(),
  senderName: z.string().nullable(),
  chat: z.string().nullable(),
};

const timelineItem = z.discriminatedUnion('type', [
  z.object({ type: z.literal('media'), ...common, media }),
  z.object({ type: z.literal('text'), ...said, text: z.string().nullable() }),
  z.object({
    type: z.literal('location'),
    ...said,
    text: z.string().nullable().meta({ description: 'The name and the address of the place' }),
    latitude: z.number().nullable(),
    longitude: z.number().nullable(),
  }),
  z.object({
    type: z.literal('contact'),
    ...said,
    text: z.string().nullable().meta({ description: 'The name and the numbers, a line for each' }),
  }),
]);
export type TimelineItemView = z.infer<typeof timelineItem>;

export const timeline = named('TimelineItem', timelineItem, {
  type: 'media',
  at: exampleMedia.receivedAt,
  direction: 'inbound',
  media: exampleMedia,
});
