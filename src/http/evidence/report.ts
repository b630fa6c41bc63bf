/** Gathers everything that is known of one media item. */
import { createHash } from 'node:crypto';

import { visibleChannels, type Access } from '../../domain/access.js';
import { AppError } from '../../domain/errors.js';
import { blobKey } from '../../infra/files/blob-store.js';
import type { MediaRecord } from '../../infra/tables/media/lookup.js';
import type { RouteServices } from '../services.js';
import type { EvidenceView } from '../shapes/evidence.js';
import { mediaView } from '../views/media.js';

export type ReportServices = Pick<
  RouteServices,
  'audit' | 'blobs' | 'evidenceSource' | 'holds' | 'lookup' | 'now' | 'version'
>;

const mostEntries = 200;
const mostHolds = 50;

const meaning =
  'A SHA-256 hash proves that the stored bytes are the bytes that Inlet received at the time of the hash: any change would give another hash. ' +
  'It proves neither who took or wrote the file, nor when, nor that what it shows is true; and messengers may have changed the file before Inlet received it. ' +
  'The names, numbers and times of the sender are those that the provider has reported.';

export async function gatherEvidence(
  services: ReportServices,
  media: MediaRecord,
  access: Access,
): Promise<EvidenceView> {
  const { audit, evidenceSource, holds, lookup, now, version } = services;
  const { id, channel, message, sourceDeliveryId } = media;
  const channels = visibleChannels(access, undefined);
  const [history, deliveries, full, copies, kept, entries, hash] = await Promise.all([
    lookup.mediaHistory(id),
    evidenceSource.deliveries([message?.deliveryId, sourceDeliveryId].filter((one) => one != null)),
    message ? lookup.message(channel, message.messageId) : null,
    media.sha256 === null
      ? { count: 0, first: null }
      : evidenceSource.copies({ id, sha256: media.sha256 }, channels),
    holds.list({ media: id }, { limit: mostHolds }),
    audit.list({ target: id, channels }, { limit: mostEntries }),
    hashOf(services, media),
  ]);
  return {
    reportedAt: now().toISOString(),
    version,
    media: mediaView(media),
    hash,
    attempts: history.attempts.map(({ at, errorCode, errorMessage }) => ({
      at: at.toISOString(),
      error: errorCode === null ? null : { code: errorCode, message: errorMessage },
    })),
    deliveries: deliveries.map(({ receivedAt, erasedAt, ...delivery }) => ({
      ...delivery,
      receivedAt: receivedAt.toISOString(),
      erasedAt: erasedAt?.toISOString() ?? null,
    })),
    statuses: (full?.statuses ?? []).map(({ status, at, receivedAt }) => ({
      status,
      at: at?.toISOString() ?? null,
      receivedAt: receivedAt.toISOString(),
    })),
    copies: {
      count: copies.count,
      first: copies.first && { ...copies.first, receivedAt: copies.first.receivedAt.toISOString() },
    },
    holds: kept.map(({ id: hold, type, createdAt, actorName }) => ({
      id: hold,
      type,
      createdAt: createdAt.toISOString(),
      createdByName: actorName,
    })),
    audit: entries.map((entry) => ({ ...entry, at: entry.at.toISOString() })),
    meaning,
  };
}

/** Reads the stored file once more, piece by piece, so that the report does not only repeat the row. */
async function hashOf(
  { blobs }: Pick<ReportServices, 'blobs'>,
  { state, blob, readyAt }: MediaRecord,
): Promise<EvidenceView['hash']> {
  if (state !== 'ready' || !blob) return null;
  const { sha256, bytes } = blob;
  const stored = { sha256, computedAt: readyAt?.toISOString() ?? null };
  try {
    const size = await blobs.size(blobKey(sha256));
    if (size === undefined) return { ...stored, check: 'missing' };
    if (size !== bytes) return { ...stored, check: 'different' };
    const hash = createHash('sha256');
    for await (const piece of blobs.read(blobKey(sha256), { start: 0, end: bytes - 1 }))
      hash.update(piece as Buffer);
    return { ...stored, check: hash.digest('hex') === sha256 ? 'same' : 'different' };
  } catch (cause) {
    throw new AppError('service.unavailable', 'the stored file cannot be read now', { cause });
  }
}
