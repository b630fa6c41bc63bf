import { z } from 'zod';

import { visibleChannels } from '../../domain/access.js';
import type { AuditEntry } from '../../infra/tables/audit.js';
import { cursor, moment, pageLimit, searchText, toPage } from '../input.js';
import { route } from '../routing/route.js';
import type { RouteServices } from '../services.js';
import { auditEntry, type AuditEntryView } from '../shapes/administration.js';
import { pageOf } from '../shapes/page.js';

export const listAudit = route(
  {
    method: 'get',
    path: '/v1/audit',
    scope: 'admin',
    operationId: 'listAuditEntries',
    summary: 'List who did what, newest first',
    description: 'People appear only as a keyed hash.',
    query: z.strictObject({
      action: searchText(255).optional(),
      actor: searchText(255).optional(),
      channel: searchText(255).optional(),
      since: moment.optional(),
      until: moment.optional(),
      limit: pageLimit,
      cursor: cursor.optional(),
    }),
    answers: { 200: { description: 'A page of entries', schema: pageOf(auditEntry) } },
  },
  ({ audit }: Pick<RouteServices, 'audit'>) =>
    async ({ query, access }) => {
      const { limit: size, cursor: after, channel, ...filter } = query;
      const channels = visibleChannels(access, channel);
      const entries = await audit.list({ ...filter, channels }, { limit: size + 1, after });
      return toPage(entries, size, auditView);
    },
);

function auditView(entry: AuditEntry): AuditEntryView {
  return { ...entry, at: entry.at.toISOString() };
}
