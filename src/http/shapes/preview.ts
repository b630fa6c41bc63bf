import { z } from 'zod';

import { directions, mediaKinds, messageStatuses } from '../../domain/provider.js';
import { outcomes } from '../../domain/receipt.js';
import { moment } from './media.js';
import { named } from './named.js';

const text = z.string().nullable();

const previewMedia = z.object({
  kind: z.enum(mediaKinds),
  url: text.meta({ description: 'Where the file would be downloaded' }),
  reference: text.meta({ description: "The provider's id of the file" }),
  embedded: z
    .object({ pointer: z.string(), bytes: z.int().nullable() })
    .nullable()
    .meta({ description: 'The place of the file in the payload, and its size' }),
  type: text,
  filename: text,
  sha256: text,
  problem: text.meta({ description: 'Why there would be no file' }),
});

const previewEvent = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('message'),
    id: text,
    direction: z.enum(directions),
    from: z.string(),
    to: text,
    chat: text,
    name: text,
    caption: text,
    sentAt: moment.nullable(),
    media: z.array(previewMedia),
  }),
  z.object({
    type: z.literal('status'),
    id: z.string(),
    status: z.enum(messageStatuses),
    at: moment.nullable(),
    error: z.object({ code: z.string(), message: z.string() }).nullable(),
  }),
  z.object({ type: z.literal('deletion'), id: z.string(), at: moment.nullable() }),
  z.object({ type: z.literal('ignored'), reason: z.string() }),
  z.object({ type: z.literal('malformed'), reason: z.string() }),
]);

/** `POST /v1/providers/{provider}/preview`: what a channel would make of a webhook. */
export const preview = named(
  'Preview',
  z.object({
    problems: z
      .array(z.object({ field: z.string(), message: z.string() }))
      .meta({ description: 'What is wrong with the settings or the payload, so that nothing was tried' }),
    outcome: z.enum(outcomes).nullable().meta({ description: 'Null if there are problems' }),
    reason: text.meta({ description: 'Why it would be `ignored` or `malformed`' }),
    events: z.array(previewEvent),
    omitted: z.int().meta({ description: 'The number of further events, which are left out' }),
  }),
  {
    problems: [],
    outcome: 'accepted',
    reason: null,
    events: [
      {
        type: 'message',
        id: 'msg-000017',
        direction: 'inbound',
        from: '5511900000017',
        to: null,
        chat: 'tour-9',
        name: 'Rosa',
        caption: 'Left at the door',
        sentAt: '2026-11-21T10:00:00.000Z',
        media: [
          {
            kind: 'image',
            url: 'https://files.app.example.com/000017.jpg',
            reference: null,
            embedded: null,
            type: 'image/jpeg',
            filename: null,
            sha256: null,
            problem: null,
          },
        ],
      },
    ],
    omitted: 0,
  },
);
export type PreviewView = z.infer<typeof preview>;
export type PreviewEventView = PreviewView['events'][number];
