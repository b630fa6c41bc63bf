/** Shapes of answers about media, for the routes, the OpenAPI document and the gallery. */
import { z } from 'zod';

import { mediaStates, warningCodes } from '../../domain/media.js';
import { directions, mediaKinds } from '../../domain/provider.js';
import { named } from './named.js';

export const moment = z.iso.datetime().meta({ description: 'ISO 8601 in UTC' });

/** The id of the media item in all examples. */
export const exampleId = '019aa5e2-84cb-731f-9829-ba4daaa1dfb0';
export const exampleDeliveryId = '019aa5e2-84c9-7728-9890-b058615850a8';

/** The last failure; `code` is stable. */
export const failure = z.object({ code: z.string(), message: z.string().nullable() });

export const messageFacts = z.object({
  id: z.string().meta({ description: "The provider's own id" }),
  from: z
    .string()
    .meta({ description: 'The person as the provider names them; digits for phones; empty after erasure' }),
  to: z.string().nullable(),
  chat: z.string().nullable().meta({ description: 'The group or conversation' }),
  senderName: z.string().nullable(),
  caption: z.string().nullable(),
  sentAt: moment.nullable(),
});

export const exampleFacts: z.infer<typeof messageFacts> = {
  id: '3EB0A1B2C3D4E5F60718',
  from: '5511999990000',
  to: '5511888880000',
  chat: null,
  senderName: 'Ana',
  caption: 'The roses arrived!',
  sentAt: '2026-11-21T10:00:00.000Z',
};

const preview = z.object({ url: z.string(), type: z.string(), width: z.int(), height: z.int() });

const annotationsShape = z.object({
  tags: z.array(z.string()),
  note: z.string().nullable(),
  resolvedAt: moment
    .nullable()
    .meta({ description: 'When somebody said that it needs no attention any more' }),
  revision: z.int().meta({ description: 'For `If-Match` of a change' }),
});
export type AnnotationsView = z.infer<typeof annotationsShape>;

const exampleAnnotations: AnnotationsView = {
  tags: ['roses', 'case 4711'],
  note: 'Replaced free of charge',
  resolvedAt: null,
  revision: 2,
};

/** `PATCH /v1/media/:id`. */
export const annotations = named('Annotations', annotationsShape, exampleAnnotations);

/** `GET /v1/tags`. */
export const tagList = named('TagList', z.object({ items: z.array(z.string()) }), {
  items: ['case 4711', 'roses'],
});

/** `GET /v1/favourites`. */
export const favouriteList = named('FavouriteList', z.object({ items: z.array(z.uuid()) }), {
  items: [exampleId],
});

const fileMetadata = z.object({
  takenAt: z.string().nullable().meta({
    description:
      'ISO 8601: the local time of the camera, such as `2026-11-20T16:42:07`, with the offset from UTC if the file contains it',
  }),
  camera: z.string().nullable(),
  latitude: z.number().nullable().meta({ description: 'Degrees; south is negative' }),
  longitude: z.number().nullable().meta({ description: 'Degrees; west is negative' }),
  software: z.string().nullable(),
});

const mediaShape = z.object({
  id: z.uuid(),
  channel: z.string(),
  provider: z.string(),
  direction: z.enum(directions),
  kind: z.enum(mediaKinds),
  state: z.enum(mediaStates),
  message: messageFacts.nullable().meta({ description: 'Null for an upload that was not sent' }),
  receivedAt: moment,
  readyAt: moment.nullable(),
  deletedBySenderAt: moment
    .nullable()
    .meta({ description: 'When the sender deleted the message; null if no deletion was reported' }),
  filename: z.string().nullable(),
  type: z.string().nullable().meta({ description: 'MIME type, detected from the bytes' }),
  bytes: z.int().nullable(),
  width: z.int().nullable().meta({ description: 'In pixels, as displayed' }),
  height: z.int().nullable(),
  sha256: z.string().nullable(),
  thumbhash: z.string().nullable().meta({ description: 'Base64' }),
  previews: z.object({ small: preview.optional(), large: preview.optional() }),
  contentUrl: z.string().nullable(),
  warnings: z
    .array(z.object({ code: z.enum(warningCodes), message: z.string() }))
    .meta({ description: 'The irregularities of a stored file; usually empty' }),
  metadata: fileMetadata.nullable().meta({
    description:
      'What the camera or a program has written into the picture. Null if the file contains nothing of it: most messengers remove it from pictures, and keep it in pictures that are sent as documents',
  }),
  attempts: z.int(),
  nextAttemptAt: moment.nullable(),
  error: failure.nullable(),
  annotations: annotationsShape,
  held: z.boolean().meta({ description: 'Whether a legal hold keeps it: it is not erased then' }),
});
export type MediaView = z.infer<typeof mediaShape>;

export const exampleMedia: MediaView = {
  id: exampleId,
  channel: 'z-api',
  provider: 'z-api',
  direction: 'inbound',
  kind: 'image',
  state: 'ready',
  message: exampleFacts,
  receivedAt: '2026-11-21T10:00:00.608Z',
  readyAt: '2026-11-21T10:00:00.959Z',
  deletedBySenderAt: null,
  filename: null,
  type: 'image/jpeg',
  bytes: 420_399,
  width: 1_600,
  height: 1_200,
  sha256: '1521ee55857fcf20bb7e0ca938391dc51860bba9590a82f6d75aa4fe5c8e0d81',
  thumbhash: 'XScOJYZ3h3h+h4hwh0h4hniPhvgY',
  previews: {
    small: { url: `/v1/media/${exampleId}/preview?size=small`, type: 'image/jpeg', width: 533, height: 400 },
    large: {
      url: `/v1/media/${exampleId}/preview?size=large`,
      type: 'image/jpeg',
      width: 1_600,
      height: 1_200,
    },
  },
  contentUrl: `/v1/media/${exampleId}/content`,
  warnings: [],
  metadata: null,
  attempts: 1,
  nextAttemptAt: null,
  error: null,
  annotations: exampleAnnotations,
  held: false,
};

export const media = named('Media', mediaShape, exampleMedia);

/** The answer of `GET /v1/media/:id/pages`. */
export const documentPages = named(
  'DocumentPages',
  z.object({
    count: z.int().meta({ description: 'How many pages there are' }),
    items: z.array(
      z.object({
        number: z.int().meta({ description: 'The first page is 1' }),
        width: z.int().meta({ description: 'Of the picture, in pixels' }),
        height: z.int(),
        url: z.string().meta({ description: 'The path of the picture, which is a JPEG' }),
      }),
    ),
  }),
  {
    count: 2,
    items: [1, 2].map((number) => ({
      number,
      width: 1131,
      height: 1600,
      url: `/v1/media/${exampleId}/pages/${String(number)}`,
    })),
  },
);

/** An item of `GET /v1/media/:id/similar`. */
export const similarMedia = named(
  'SimilarMedia',
  z.object({
    distance: z
      .int()
      .meta({ description: 'How many of the 64 bits of the hashes differ; 0 for the same bytes' }),
    media,
  }),
  { distance: 2, media: exampleMedia },
);

/** A media item for callers that may not read media. */
export const mediaFacts = mediaShape.pick({
  id: true,
  state: true,
  type: true,
  bytes: true,
  width: true,
  height: true,
});
export type MediaFactsView = z.infer<typeof mediaFacts>;

/** `GET /v1/media/:id/history`: the history of a media item. */
export const mediaHistory = named(
  'MediaHistory',
  z.object({
    receivedAt: moment,
    /** The id of the raw webhook; null if there is none or it was deleted. */
    delivery: z.uuid().nullable(),
    attempts: z.array(z.object({ at: moment, error: failure.nullable() })),
    readyAt: moment.nullable(),
    deletedBySenderAt: moment.nullable(),
    erasedAt: moment.nullable(),
    nextAttemptAt: moment.nullable(),
  }),
  {
    receivedAt: exampleMedia.receivedAt,
    delivery: exampleDeliveryId,
    attempts: [{ at: '2026-11-21T10:00:00.959Z', error: null }],
    readyAt: exampleMedia.readyAt,
    deletedBySenderAt: null,
    erasedAt: null,
    nextAttemptAt: null,
  },
);
export type MediaHistory = z.infer<typeof mediaHistory>;

export const link = named('SignedLink', z.object({ url: z.url(), expiresAt: moment }), {
  url: `https://inlet.example.com/v1/media/${exampleId}/content?expires=1795258800&signature=iBahPNqo_VJlHyW44K2_WWwj4Gf9JKDeCLAbo8C6Gms`,
  expiresAt: '2026-11-21T11:00:00.000Z',
});

/** `DELETE /v1/media/:id` and `DELETE /v1/contacts/:channel/:contact`. */
export const erased = named(
  'Erased',
  z.object({
    erased: z.object({
      messages: z.int(),
      media: z.int(),
      /** The deleted files, which nothing else used. */
      blobs: z.int(),
      bytes: z.int(),
      deliveries: z.int(),
    }),
  }),
  { erased: { messages: 1, media: 1, blobs: 1, bytes: 420_399, deliveries: 1 } },
);
export type ErasedView = z.infer<typeof erased>;
