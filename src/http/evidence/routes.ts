/** The report about one media item, for printing and for programs. */
import type { Access } from '../../domain/access.js';
import type { Preview } from '../../domain/media.js';
import { blobKey, previewKey, type BlobStore } from '../../infra/files/blob-store.js';
import { bytesIn, readRanges } from '../../infra/files/ranges.js';
import type { MediaRecord } from '../../infra/tables/media/lookup.js';
import { byId } from '../input.js';
import { findAgain, findVisible, noSuchMedia } from '../media/visible.js';
import { rawRoute } from '../routing/route.js';
import { evidence } from '../shapes/evidence.js';
import { storedPreviews } from '../views/media.js';
import { sendEvidence, type Look } from './page.js';
import { gatherEvidence, type ReportServices } from './report.js';

export const getMediaEvidence = rawRoute(
  {
    method: 'get',
    path: '/v1/media/{id}/evidence',
    // It shows entries of the audit trail, which readers of media do not see.
    scope: 'media:manage',
    // The stored file is read from its beginning to its end.
    limit: 'download',
    operationId: 'getMediaEvidence',
    summary: 'Get a report with hashes, times, attempts, webhooks, notes and holds of a media item',
    description:
      'A page for printing, without scripts and with everything in it; JSON with `Accept: application/json`. The stored file is read and hashed for the report. The audit trail records each report.',
    params: byId,
    notFound: noSuchMedia,
    answers: { 200: { description: 'The report', schema: evidence, hasPage: true } },
    errors: ['media.not_found'],
  },
  (services: ReportServices) =>
    async ({ params, access, request, response }) => {
      const media = await findVisible(services.lookup, params.id, access);
      const gathered = await gather(services, media, access);
      // Hashing a large file takes seconds. What was erased meanwhile is not to leave.
      const again = await findAgain(services.lookup, { id: media.id, access, response });
      const { report, look } = again.state === media.state ? gathered : await gather(services, again, access);
      const { id: target, channel } = media;
      // The caller of HEAD sees no report.
      if (request.method !== 'HEAD')
        await services.audit.record({ actor: access.tokenId, action: 'media.evidence', channel, target });
      response.vary('Accept').set('Cache-Control', 'no-store');
      if (request.accepts(['html', 'json']) === 'json') response.json(report);
      else sendEvidence(response, report, look);
    },
);

async function gather(services: ReportServices, media: MediaRecord, access: Access) {
  const report = await gatherEvidence(services, media, access);
  return { report, look: await lookOf(services.blobs, media) };
}

/** A report is to be opened and kept like a letter. */
const mostLookBytes = 500_000;

/** The small preview, if it can be read. */
async function lookOf(blobs: BlobStore, { state, blob }: MediaRecord): Promise<Look | undefined> {
  const small = storedPreviews(blob).find(({ size }) => size === 'small');
  if (state !== 'ready' || !small || !blob) return undefined;
  try {
    const bytes = await bytesOfPreview(blobs, blob.sha256, small);
    return bytes && { type: small.type, bytes };
  } catch {
    return undefined;
  }
}

/** Undefined if there are none, or too many. */
async function bytesOfPreview(
  blobs: BlobStore,
  sha256: string,
  { ranges }: Preview,
): Promise<Buffer | undefined> {
  const key = ranges ? blobKey(sha256) : previewKey(sha256, 'small');
  const size = ranges ? bytesIn(ranges) : await blobs.size(key);
  if (size === undefined || size > mostLookBytes) return undefined;
  const pieces: Buffer[] = [];
  for await (const piece of readRanges(blobs, key, ranges ?? [{ start: 0, end: size - 1 }]))
    pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}
