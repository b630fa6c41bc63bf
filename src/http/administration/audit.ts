import { Router, type Request, type RequestHandler, type Response } from 'express';
import { z } from 'zod';

import { visibleChannels } from '../../domain/access.js';
import type { Audit, AuditEntry } from '../../infra/tables/audit.js';
import type { Tokens } from '../../pipeline/tokens.js';
import type { ApiRoute } from '../api-route.js';
import { cursor, moment, pageLimit, parseInput, queryOf, searchText, toPage } from '../input.js';
import { accessOf, authenticate } from '../middleware/authenticate.js';
import { allowOnly } from '../middleware/errors.js';
import { auditEntry, type AuditEntryView } from '../shapes/administration.js';
import { pageOf } from '../shapes/page.js';

export interface AuditServices {
  readonly audit: Audit;
  readonly tokens: Tokens;
}

export const auditQuery = z.strictObject({
  action: searchText(255).optional(),
  actor: searchText(255).optional(),
  channel: searchText(255).optional(),
  since: moment.optional(),
  until: moment.optional(),
  limit: pageLimit,
  cursor: cursor.optional(),
});

export const auditApi: readonly ApiRoute[] = [
  {
    method: 'get',
    path: '/v1/audit',
    scope: 'admin',
    summary: 'List who did what, newest first',
    description: 'Persons are named by a keyed hash only.',
    query: auditQuery,
    answers: { 200: { description: 'A page of entries', schema: pageOf(auditEntry) } },
  },
];

export function auditRoutes({ audit, tokens }: AuditServices, limit: RequestHandler): Router {
  const router = Router();
  router.get(
    '/v1/audit',
    authenticate(tokens, 'admin'),
    limit,
    async (request: Request, response: Response) => {
      const { limit: size, cursor: after, channel, ...filter } = parseInput(auditQuery, queryOf(request));
      const channels = visibleChannels(accessOf(response), channel);
      const entries = await audit.list({ ...filter, channels }, { limit: size + 1, after });
      response.json(toPage(entries, size, auditView));
    },
  );
  router.all('/v1/audit', allowOnly('GET, HEAD'));
  return router;
}

function auditView(entry: AuditEntry): AuditEntryView {
  return { ...entry, at: entry.at.toISOString() };
}
