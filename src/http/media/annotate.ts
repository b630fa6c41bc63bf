/** Tags, notes, and what was dealt with. */
import { z } from 'zod';

import { visibleChannels } from '../../domain/access.js';
import { AppError } from '../../domain/errors.js';
import type { AnnotationOutcome, Annotations } from '../../infra/tables/media/annotations.js';
import { byId, searchText } from '../input.js';
import { route } from '../routing/route.js';
import type { RouteServices } from '../services.js';
import { annotations as annotationsShape, tagList } from '../shapes/media.js';
import { annotationsView } from '../views/media.js';
import { findVisible, noSuchMedia } from './visible.js';

const longestTag = 64;
const mostTags = 50;
const longestNote = 4_000;

const tag = z
  .string()
  .transform((text) => text.normalize('NFC').trim().replace(/\s+/g, ' '))
  .pipe(z.string().min(1).max(longestTag));

const annotationRequest = z
  .strictObject({
    tags: z
      .array(tag)
      .max(mostTags)
      .meta({
        description: `All tags that it shall have, ${String(mostTags)} of ${String(longestTag)} characters at most; a tag that differs in case or accents only is the same`,
      })
      .optional(),
    note: z.string().trim().max(longestNote).nullable().meta({ description: 'Null removes it' }).optional(),
    resolved: z
      .boolean()
      .meta({ description: 'Whether a failed item needs no attention any more' })
      .optional(),
  })
  .refine((body) => Object.values(body).some((value) => value !== undefined), {
    error: 'must have tags, note or resolved',
  });

const ifMatch = z.object({
  'If-Match': z
    .string()
    .regex(/^"?\d{1,9}"?$/, 'must be the `revision` that was read')
    .transform((text) => Number(text.replaceAll('"', '')))
    .optional()
    .meta({
      description:
        'The `revision` that was read: if somebody else has changed something since, nothing is changed',
    }),
});

export const annotateMedia = route(
  {
    method: 'patch',
    path: '/v1/media/{id}',
    scope: 'messages:send',
    operationId: 'annotateMedia',
    summary: 'Change the tags and the note of a media item, or mark it as dealt with',
    description:
      'Members that are left out stay as they are. Tags and notes are erased with the media item. The audit trail shows who changed what, without the texts.',
    params: byId,
    notFound: noSuchMedia,
    headers: ifMatch,
    body: annotationRequest,
    answers: { 200: { description: 'The annotations', schema: annotationsShape } },
    errors: ['media.not_found', 'media.erased', 'media.annotated_meanwhile', 'hold.active'],
  },
  ({ annotations, audit, lookup, now }: Pick<RouteServices, 'annotations' | 'audit' | 'lookup' | 'now'>) =>
    async ({ params, body, headers, access }) => {
      const { id, channel } = await findVisible(lookup, params.id, access);
      const change = {
        ...body,
        tags: body.tags && distinct(body.tags),
        note: body.note === '' ? null : body.note,
        revision: headers['If-Match'],
      };
      const outcome = await annotations.change(id, change, {
        now: now(),
        together: (before, after) => (connection) =>
          audit.record(
            {
              actor: access.tokenId,
              action: 'media.annotate',
              channel,
              target: id,
              details: detailsOf(before, after),
            },
            connection,
          ),
      });
      return annotationsView(writtenOf(outcome));
    },
);

export const listTags = route(
  {
    method: 'get',
    path: '/v1/tags',
    scope: 'media:read',
    operationId: 'listTags',
    summary: 'List the tags that media have',
    query: z.strictObject({
      channel: searchText(255).optional(),
      q: searchText(longestTag).optional().meta({ description: 'The beginning of a tag' }),
    }),
    answers: { 200: { description: 'The tags in their order, 500 at most', schema: tagList } },
  },
  ({ annotations }: Pick<RouteServices, 'annotations'>) =>
    async ({ query, access }) => ({
      items: await annotations.tags(visibleChannels(access, query.channel), query.q ?? ''),
    }),
);

/** Throws what a caller should know of a change that was not made. */
function writtenOf(outcome: AnnotationOutcome | undefined): Annotations {
  switch (outcome?.type) {
    case 'changed':
      return outcome.after;
    case 'unchanged':
      return outcome.annotations;
    case 'conflict':
      throw new AppError(
        'media.annotated_meanwhile',
        `somebody else has changed the annotations; they have the revision ${String(outcome.annotations.revision)} now: read them and try again`,
      );
    case 'erased':
      throw new AppError('media.erased', 'the media item was erased');
    case undefined:
      throw noSuchMedia();
  }
}

/** Without tags that differ from an earlier tag in case and accents only. */
function distinct(tags: readonly string[]): readonly string[] {
  const keys = new Set<string>();
  return tags.filter((one) => {
    const key = one.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
    return keys.size < keys.add(key).size;
  });
}

/** Counts only: a tag may be the name of a person. */
function detailsOf(before: Annotations, after: Annotations): Readonly<Record<string, unknown>> {
  const added = after.tags.filter((one) => !before.tags.includes(one)).length;
  const removed = before.tags.filter((one) => !after.tags.includes(one)).length;
  return {
    ...(added > 0 && { tagsAdded: added }),
    ...(removed > 0 && { tagsRemoved: removed }),
    ...(before.note !== after.note && { note: after.note === null ? 'removed' : 'changed' }),
    ...((before.resolvedAt === null) !== (after.resolvedAt === null) && {
      resolved: after.resolvedAt !== null,
    }),
  };
}
