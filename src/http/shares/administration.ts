/** Shares: pages with files behind a link, for people without a token. */
import { z } from 'zod';

import { noSuchShare } from '../../pipeline/shares.js';
import type { ShareRecord } from '../../infra/tables/shares.js';
import { byId, cursor, pageLimit, toPage } from '../input.js';
import { requireBytes } from '../media/bytes.js';
import { noSuchMedia, requireVisible } from '../media/visible.js';
import { route } from '../routing/route.js';
import type { RouteServices } from '../services.js';
import { pageOf } from '../shapes/page.js';
import { share, shareWithLink, type ShareView } from '../shapes/share.js';
import { mostFiles } from './access.js';

const daySeconds = 86_400;
const standardSeconds = 7 * daySeconds;
const maxSeconds = 90 * daySeconds;

const shareRequest = z.strictObject({
  media: z
    .array(byId.shape.id)
    .min(1)
    .max(mostFiles)
    .meta({ description: 'The media in the order of the page; each must be `ready`' }),
  title: z.string().trim().min(1).max(200).nullish(),
  expiresIn: z
    .int()
    .min(1)
    .max(maxSeconds)
    .default(standardSeconds)
    .meta({ description: 'Seconds until the link ends; a week by default, 90 days at most' }),
  password: z
    .string()
    .min(8)
    .max(128)
    .nullish()
    .meta({ description: 'Asked for before anything is shown; none by default' }),
});

type Services = Pick<RouteServices, 'now' | 'shares'>;

export const listShares = route(
  {
    method: 'get',
    path: '/v1/shares',
    scope: 'media:manage',
    operationId: 'listShares',
    summary: 'List shares, newest first, including ended ones',
    query: z.strictObject({ limit: pageLimit, cursor: cursor.optional() }),
    answers: { 200: { description: 'A page of shares', schema: pageOf(share) } },
  },
  ({ shares, now }: Services) =>
    async ({ query, access }) => {
      const { limit: size, cursor: after } = query;
      const listed = await shares.list(access.channels ?? undefined, { limit: size + 1, after });
      return toPage(listed, size, (record) => shareView(record, now()));
    },
);

export const createShare = route(
  {
    method: 'post',
    path: '/v1/shares',
    scope: 'media:manage',
    operationId: 'createShare',
    summary: 'Create a page with files that people open by a link, without a token',
    description:
      'The page shows the files and their names, and nothing about who sent them or to whom. Only this answer contains the link.',
    body: shareRequest,
    answers: {
      201: {
        description: 'The share with its link',
        schema: shareWithLink,
        isSecret: true,
        hasLocation: true,
      },
    },
    errors: ['media.not_found', 'media.not_ready', 'media.no_bytes', 'media.erased'],
  },
  ({ lookup, publicUrl, shares, now }: Services & Pick<RouteServices, 'lookup' | 'publicUrl'>) =>
    async ({ body, access }) => {
      const { title = null, password = null, expiresIn } = body;
      const mediaIds = [...new Set(body.media)];
      const found = await lookup.mediaByIds(mediaIds);
      if (found.length < mediaIds.length) throw noSuchMedia();
      for (const media of found) requireBytes(requireVisible(media, access));
      const channels = [...new Set(found.map(({ channel }) => channel))];
      const wanted = { mediaIds, channels, title, password, expiresInSeconds: expiresIn };
      const { record, secret } = await shares.create(wanted, access.tokenId);
      return { ...shareView(record, now()), url: `${publicUrl}/shared/${secret}` };
    },
);

export const getShare = route(
  {
    method: 'get',
    path: '/v1/shares/{id}',
    scope: 'media:manage',
    operationId: 'getShare',
    summary: 'Get a share',
    params: byId,
    notFound: noSuchShare,
    answers: { 200: { description: 'The share, without its link', schema: share } },
    errors: ['share.not_found'],
  },
  ({ shares, now }: Services) =>
    async ({ params, access }) => {
      const found = await shares.find(params.id, access.channels ?? undefined);
      if (!found) throw noSuchShare();
      return shareView(found, now());
    },
);

export const revokeShare = route(
  {
    method: 'delete',
    path: '/v1/shares/{id}',
    scope: 'media:manage',
    operationId: 'revokeShare',
    summary: 'Revoke a share immediately in all processes',
    description: 'The media stay. Repeating the call changes nothing.',
    params: byId,
    notFound: noSuchShare,
    answers: { 200: { description: 'The revoked share', schema: share } },
    errors: ['share.not_found'],
  },
  ({ shares, now }: Services) =>
    async ({ params, access }) => {
      const { tokenId, channels } = access;
      const revoked = await shares.revoke(params.id, { actor: tokenId, channels: channels ?? undefined });
      if (!revoked) throw noSuchShare();
      return shareView(revoked, now());
    },
);

function shareView(record: ShareRecord, now: Date): ShareView {
  const { id, title, mediaIds, createdAt, actor, expiresAt, revokedAt, views, lastViewedAt } = record;
  const lasting = expiresAt <= now ? 'expired' : 'active';
  return {
    id,
    title,
    state: revokedAt ? 'revoked' : lasting,
    media: [...mediaIds],
    hasPassword: record.passwordHash !== null,
    createdAt: createdAt.toISOString(),
    createdBy: actor,
    expiresAt: expiresAt.toISOString(),
    revokedAt: revokedAt?.toISOString() ?? null,
    views,
    lastViewedAt: lastViewedAt?.toISOString() ?? null,
  };
}
