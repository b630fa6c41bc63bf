/** `GET /v1/alerts`: what is wrong now. */
import { z } from 'zod';

import type { AlertRecord } from '../../infra/tables/alerts.js';
import { cursor, pageLimit, toPage } from '../input.js';
import { route } from '../routing/route.js';
import type { RouteServices } from '../services.js';
import { alert, type AlertView } from '../shapes/alert.js';
import { pageOf } from '../shapes/page.js';

export const listAlerts = route(
  {
    method: 'get',
    path: '/v1/alerts',
    scope: 'media:read',
    operationId: 'listAlerts',
    summary: 'List what is wrong now, newest first',
    description:
      'An alert is listed from the event that tells of its beginning to the one that tells of its end. A token that is limited to channels sees only the alerts about these.',
    query: z.strictObject({ limit: pageLimit, cursor: cursor.optional() }),
    answers: { 200: { description: 'A page of alerts', schema: pageOf(alert) } },
  },
  ({ openAlerts }: Pick<RouteServices, 'openAlerts'>) =>
    async ({ query: { limit: size, cursor: after }, access }) =>
      toPage(
        await openAlerts.list(access.channels ?? undefined, { limit: size + 1, after }),
        size,
        alertView,
      ),
);

function alertView({ id, type, subject, channel, since, message }: AlertRecord): AlertView {
  return { id, type, subject, channel, since: since.toISOString(), message };
}
