/** Shapes of answers about media. Routes answer with these types, the OpenAPI document shows them, the gallery reads them. */
import { z } from 'zod';

import { mediaStates, warningCodes } from '../../domain/media.js';
import { directions, mediaKinds } from '../../domain/provider.js';

export const moment = z.iso.datetime().meta({ description: 'ISO 8601 in UTC' });

/** The last failure; `code` is stable. */
export const failure = z.object({ code: z.string(), message: z.string().nullable() });

export const messageFacts = z.object({
  id: z.string().meta({ description: "The provider's own id" }),
  from: z
    .string()
    .meta({ description: 'The person as the provider names them; digits for phones; empty once erased' }),
  to: z.string().nullable(),
  chat: z.string().nullable().meta({ description: 'The group or conversation' }),
  senderName: z.string().nullable(),
  caption: z.string().nullable(),
  sentAt: moment.nullable(),
});

const preview = z.object({ url: z.string(), type: z.string(), width: z.int(), height: z.int() });

export const media = z.object({
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
    .meta({ description: 'When whoever sent the message took it back; null: nobody has said so' }),
  filename: z.string().nullable(),
  type: z.string().nullable().meta({ description: 'MIME type as the bytes say' }),
  bytes: z.int().nullable(),
  width: z.int().nullable().meta({ description: 'As displayed, pixels' }),
  height: z.int().nullable(),
  sha256: z.string().nullable(),
  thumbhash: z.string().nullable().meta({ description: 'Base64' }),
  previews: z.object({ small: preview.optional(), large: preview.optional() }),
  contentUrl: z.string().nullable(),
  warnings: z
    .array(z.object({ code: z.enum(warningCodes), message: z.string() }))
    .meta({ description: 'What is odd about a file that is kept all the same; usually empty' }),
  attempts: z.int(),
  nextAttemptAt: moment.nullable(),
  error: failure.nullable(),
});
export type MediaView = z.infer<typeof media>;

/** A media for callers that may not read media. */
export const mediaFacts = media.pick({
  id: true,
  state: true,
  type: true,
  bytes: true,
  width: true,
  height: true,
});
export type MediaFactsView = z.infer<typeof mediaFacts>;

/** `GET /v1/media/:id/history`: how it got where it is. */
export const mediaHistory = z.object({
  receivedAt: moment,
  /** Of the raw webhook; null when there is none, or it is not kept any more. */
  delivery: z.uuid().nullable(),
  attempts: z.array(z.object({ at: moment, error: failure.nullable() })),
  readyAt: moment.nullable(),
  deletedBySenderAt: moment.nullable(),
  erasedAt: moment.nullable(),
  nextAttemptAt: moment.nullable(),
});
export type MediaHistory = z.infer<typeof mediaHistory>;

export const link = z.object({ url: z.url(), expiresAt: moment });

/** `DELETE /v1/media/:id` and `DELETE /v1/contacts/:channel/:contact`. */
export const erased = z.object({
  erased: z.object({
    messages: z.int(),
    media: z.int(),
    /** Stored files that nothing else uses and that go with them. */
    blobs: z.int(),
    bytes: z.int(),
    deliveries: z.int(),
  }),
});
export type ErasedView = z.infer<typeof erased>;
