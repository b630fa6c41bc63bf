/** What external programs have found out about a media item. */
import { z } from 'zod';

import { AppError } from '../../domain/errors.js';
import { maxFactsOfMedia, type FactRecord } from '../../infra/tables/media/facts.js';
import { byId } from '../input.js';
import { route } from '../routing/route.js';
import type { RouteServices } from '../services.js';
import { fact as factShape, newFact, type FactView } from '../shapes/fact.js';
import { requireBytes } from './bytes.js';
import { findVisible, noSuchMedia } from './visible.js';

export const recordMediaFact = route(
  {
    method: 'post',
    path: '/v1/media/{id}/facts',
    scope: 'facts:write',
    operationId: 'recordMediaFact',
    summary: 'Record what a program has found out about a media item',
    description: `The text in a picture, a transcript, a description, labels or how blurred it is. A further fact of the same source and type replaces the earlier one, so that a call can be repeated. A media item has at most ${String(maxFactsOfMedia)} facts; they are erased with it.`,
    params: byId,
    notFound: noSuchMedia,
    body: newFact,
    answers: { 200: { description: 'The fact', schema: factShape } },
    errors: ['media.not_found', 'media.not_ready', 'media.no_bytes', 'media.erased', 'media.too_many_facts'],
  },
  ({ facts, lookup }: Pick<RouteServices, 'facts' | 'lookup'>) =>
    async ({ params, body, access }) => {
      requireBytes(await findVisible(lookup, params.id, access));
      const recorded = await facts.record({ mediaId: params.id, fact: body, actor: access.tokenId });
      if (recorded) return factView(recorded);
      requireBytes(await findVisible(lookup, params.id, access));
      throw new AppError(
        'media.too_many_facts',
        `the media item has ${String(maxFactsOfMedia)} facts; replace one of them by its source and type`,
      );
    },
);

export const listMediaFacts = route(
  {
    method: 'get',
    path: '/v1/media/{id}/facts',
    scope: 'media:read',
    operationId: 'listMediaFacts',
    summary: 'List what programs have found out about a media item',
    params: byId,
    notFound: noSuchMedia,
    answers: { 200: { description: 'All facts', schema: z.object({ items: z.array(factShape) }) } },
    errors: ['media.not_found'],
  },
  ({ facts, lookup }: Pick<RouteServices, 'facts' | 'lookup'>) =>
    async ({ params, access }) => {
      const { id } = await findVisible(lookup, params.id, access);
      const found = await facts.of([id]);
      return { items: (found.get(id) ?? []).map(factView) };
    },
);

/** A fact as answers and exports show it. */
export function factView({ recordedAt, ...fact }: FactRecord): FactView {
  return { ...fact, recordedAt: recordedAt.toISOString() } as FactView;
}
