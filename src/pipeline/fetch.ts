/** One attempt to bring the bytes of one attachment home. Safe to run twice: whatever is done already is left alone. */
import { matchesHost, type Channel, type Channels } from '../domain/channel.js';
import { AppError } from '../domain/errors.js';
import type { BlobFacts } from '../domain/media.js';
import type { Downloads, HeaderRecord, Http, MaybePromise } from '../domain/provider.js';
import { asMediaError, decideAfterFailure } from '../domain/retry.js';
import type { BlobStore } from '../infra/blob-store.js';
import type { Logger } from '../infra/logger.js';
import type { MediaTable, PendingMedia } from '../infra/media-table.js';
import type { SafeFetch } from '../infra/safe-fetch.js';
import type { StagedFile, Staging } from '../infra/staging.js';
import type { Discard } from './discard.js';
import type { HostGate } from './host-gate.js';
import { isStored, type Store } from './store.js';

export interface FetchOptions {
  readonly table: MediaTable;
  readonly channels: Channels;
  readonly download: SafeFetch;
  /** By which a channel's provider is called. */
  readonly http: (channel: Channel) => Http;
  readonly staging: Staging;
  readonly store: Store;
  readonly blobs: Pick<BlobStore, 'has'>;
  readonly discard: Discard;
  readonly gate: HostGate;
  readonly logger: Logger;
  /** Hears how each attempt ended: `ready`, or the code of the error. */
  readonly observe: (attempt: {
    readonly outcome: string;
    readonly bytes: number;
    readonly host: string;
  }) => void;
  readonly now: () => Date;
  readonly chance: () => number;
  readonly maxBytes: number;
  readonly maxAttempts: number;
  /** Whether the process is on its way out. */
  readonly stopping: () => boolean;
}

export interface FetchJob {
  readonly mediaId: string;
  /** How often this job was started; more than once means that a process died with it in its hands. */
  readonly starts: number;
}

/**
 * A picture that a process had in its hands when it died is decoded where it can do no harm to the next one. What ends that
 * process and this one at once, as when a whole container runs out of memory, is bounded by this number of decodings that begin and
 * have no end. It is high, since chance may end a process as often (measured: nine times, with a machine that was too slow to
 * decode anything in between).
 */
const mostDecodings = 25;
/** Attempts that wait for a place at a slow decoder, about a minute and a half; then the bytes go before the previews. */
const attemptsForPreviews = 4;
const surelyFetchedAgainMs = 600_000;

export function createFetch(options: FetchOptions): (job: FetchJob) => Promise<void> {
  const { table, now, logger } = options;

  const settle = async (media: PendingMedia, error: unknown): Promise<void> => {
    const { code, message, retryAt, cause } = asMediaError(error);
    const moment = now();
    const decision = decideAfterFailure({
      ...{ code, retryAt, now: moment, chance: options.chance() },
      ...{ attempts: media.attempts + 1, maxAttempts: options.maxAttempts },
      // The end of a link that can be renewed is no end for the picture.
      expiresAt: refreshOf(options, media) ? null : media.expiresAt,
    });
    options.observe({ outcome: code, bytes: 0, host: hostOf(media.url) });
    logger.info(
      { media: media.id, channel: media.channel, code, state: decision.state },
      'an attempt failed',
    );
    if (code === 'media.storage_failed')
      logger.error({ media: media.id, err: cause ?? error }, 'an internal failure');
    if (decision.state === 'pending')
      await table.scheduleRetry(media.id, { at: decision.nextAttemptAt, now: moment }, { code, message });
    else await table.markRefused(media.id, decision.state, { code: decision.code, message });
  };

  return async ({ mediaId, starts }) => {
    const media = await table.findPending(mediaId);
    if (!media) return;
    try {
      const store = starts > 1 ? suspecting(options, mediaId) : options.store;
      const comeBackIn = await attempt({ ...options, store }, media);
      if (comeBackIn !== undefined) await table.postpone(mediaId, comeBackIn);
    } catch (error) {
      // Its end was no fault of the picture's, and whoever goes on takes it up at once.
      if (options.stopping()) await table.postpone(mediaId, 0);
      else await settle(media, error);
    }
  };
}

/** Stores as usual, but takes care of itself while it decodes. */
function suspecting({ table, store }: FetchOptions, mediaId: string): Store {
  const beforeDecoding = async (): Promise<void> => {
    if ((await table.countDecoding(mediaId)) > mostDecodings)
      throw new AppError('media.crashed', 'the service ended again and again while it was decoded');
  };
  return (file, expected) => store(file, { ...expected, suspicion: { beforeDecoding } });
}

/** Answers nothing when the bytes are home, or the milliseconds after which its host may have time for it. */
async function attempt(options: FetchOptions, media: PendingMedia): Promise<number | undefined> {
  const source = await refreshIfExpired(options, media);
  try {
    return await bringHome(options, source);
  } catch (error) {
    const fresh = await refreshIfRefused(options, source, error);
    if (!fresh) throw error;
    return bringHome(options, fresh);
  }
}

async function bringHome(options: FetchOptions, media: PendingMedia): Promise<number | undefined> {
  const { gate, store } = options;
  // Only the download holds a place at the gate: what waits to be decoded lies on the disk.
  const passed = await gate.pass(hostOf(media.url), () => downloadFile(options, media));
  if ('comeBackIn' in passed) return passed.comeBackIn;
  const comesBack = mayComeBack(options, media);
  const blob = await store(passed.done, {
    kind: media.kind,
    sha256: media.sha256,
    comesBack,
    mediaId: media.id,
  });
  await keep(options, media, blob);
  return undefined;
}

/** Stored bytes become those of the media. Both may have been erased in the meantime, the media or another one with these bytes. */
async function keep(
  { table, blobs, discard, now, observe }: FetchOptions,
  { id, url }: PendingMedia,
  blob: BlobFacts,
): Promise<void> {
  if (!(await table.markReady(id, blob, now()))) await discard([blob.sha256]);
  // Files that were discarded after they were found, or written anew, and before the row was: they are fetched once more.
  // Nobody can remove them any more once the row is written, so that looking now is enough.
  else if (!(await isStored(blobs, blob))) await table.undoReady(id, blob, now());
  else observe({ outcome: 'ready', bytes: blob.bytes, host: hostOf(url) });
}

/** Bytes that are here are not given back when they might not be had again. */
function mayComeBack({ maxAttempts, now }: FetchOptions, { attempts, expiresAt }: PendingMedia): boolean {
  if (expiresAt !== null && expiresAt.getTime() < now().getTime() + surelyFetchedAgainMs) return false;
  return attempts < Math.min(attemptsForPreviews, maxAttempts - 1);
}

async function downloadFile(
  { download, staging, channels, maxBytes }: FetchOptions,
  media: PendingMedia,
): Promise<StagedFile> {
  const channel = channels.known(media.channel);
  const answer = await download.open({
    url: media.url,
    credentials: (url) => credentialsFor(channel, media, url),
    extraPorts: (url) => channel !== undefined && matchesHost(url, channel.adapter.downloads.trustedHosts),
    maxBytes,
  });
  return staging.receive(answer.body);
}

/** A channel's credentials go to that channel's media hosts, and to nobody else. */
function credentialsFor(
  channel: Channel | undefined,
  media: PendingMedia,
  url: URL,
): MaybePromise<HeaderRecord> {
  const downloads = channel?.adapter.downloads;
  if (!media.needsCredentials || !downloads?.authorize || !matchesHost(url, downloads.trustedHosts))
    return {};
  return downloads.authorize(url);
}

async function refreshIfExpired(options: FetchOptions, media: PendingMedia): Promise<PendingMedia> {
  if (media.expiresAt === null || media.expiresAt > options.now()) return media;
  const fresh = await refresh(options, media);
  // A clock that is ahead, or a provider that is generous: without a refresh the link itself gets to say no.
  return fresh ?? media;
}

async function refreshIfRefused(
  options: FetchOptions,
  media: PendingMedia,
  error: unknown,
): Promise<PendingMedia | undefined> {
  const refused = error instanceof AppError && error.code === 'media.refused';
  return refused ? refresh(options, media) : undefined;
}

/** The media with a fresh link, where the provider has a way to get one. */
async function refresh(options: FetchOptions, media: PendingMedia): Promise<PendingMedia | undefined> {
  const { http, table, channels } = options;
  const channel = channels.known(media.channel);
  const renew = refreshOf(options, media);
  if (!channel || !renew) return undefined;
  const { url, expiresAt } = await renew(media.url, http(channel));
  await table.replaceSource(media.id, url, expiresAt);
  return { ...media, url, expiresAt };
}

function refreshOf({ channels }: FetchOptions, media: PendingMedia): Downloads['refresh'] {
  return channels.known(media.channel)?.adapter.downloads.refresh;
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : '';
}
