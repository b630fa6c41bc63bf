/**
 * Makes one attempt to download and store an attachment. Safe to run twice: steps that are already done are
 * skipped.
 */
import { Readable } from 'node:stream';

import { matchesHost, type Channel, type Channels } from '../../domain/channel.js';
import { embeddedPlaceOf, looksEmbedded } from '../../domain/embedded.js';
import { AppError, type MediaErrorCode } from '../../domain/errors.js';
import type { HeldBlob } from '../../domain/media.js';
import type { Downloads, HeaderRecord, Http, MaybePromise, ResolvedLink } from '../../domain/provider.js';
import { asMediaError, decideAfterFailure, type Decision } from '../../domain/retry.js';
import type { StagedFile, Staging } from '../../infra/files/staging.js';
import type { StorageWatch } from '../../infra/files/storage-watch.js';
import { failureName } from '../../infra/logging/failure-name.js';
import { createFaultLog } from '../../infra/logging/fault-log.js';
import type { Logger } from '../../infra/logging/logger.js';
import { createRateLimitedLog } from '../../infra/logging/rate-limited-log.js';
import type { SafeFetch } from '../../infra/net/safe-fetch.js';
import { siteOf } from '../../infra/net/site.js';
import { isDatabaseFailure } from '../../infra/postgres/errors.js';
import type { PendingMedia } from '../../infra/tables/media/attempts.js';
import type { MediaTable } from '../../infra/tables/media/media.js';
import type { Discard } from './discard.js';
import type { ReadEmbedded } from './embedded.js';
import type { HostGate, DownloadRequest, Passed } from './host-gate.js';
import type { Store } from './store.js';

export interface FetchOptions {
  readonly table: MediaTable;
  readonly channels: Channels;
  readonly download: SafeFetch;
  /** Returns the HTTP client for the provider of a channel. */
  readonly http: (channel: Channel) => Http;
  /** Reads a file that a webhook itself contains. */
  readonly embedded: ReadEmbedded;
  readonly staging: Staging;
  readonly store: Store;
  readonly discard: Discard;
  readonly gate: HostGate;
  readonly logger: Logger;
  /** Reports whether files can be written, and checks again after a file could not be stored. */
  readonly storage: Pick<StorageWatch, 'problem' | 'recheck'>;
  /** Called with the outcome of each attempt: `ready` or the error code. */
  readonly observe: (attempt: {
    readonly outcome: string;
    readonly bytes: number;
    readonly host: string;
  }) => void;
  readonly now: () => Date;
  readonly chance: () => number;
  readonly maxBytes: number;
  readonly maxAttempts: number;
  /** Returns whether the process is shutting down. */
  readonly stopping: () => boolean;
}

export interface FetchJob {
  readonly mediaId: string;
  /** How often this job was started. More than once means that a process died while it ran the job. */
  readonly starts: number;
}

/**
 * A picture whose processing ended with the death of a process is decoded in the isolated process. If that
 * brings down this process as well, for example because the whole container runs out of memory, this many
 * unfinished decodings are allowed. The limit is high because processes may also die for unrelated reasons
 * (measured: nine times, on a machine that was too slow to decode anything in between).
 */
const maxUnfinishedDecodings = 25;
/**
 * This many attempts wait for a busy decoder, about a minute and a half; later attempts store the file
 * without previews.
 */
const attemptsWithPreviews = 4;
const minLinkLifetimeMs = 600_000;
/** How often the same storage failure is logged. */
const logIntervalMs = 60_000;
/** The retry delay after a statement failed for reasons other than its data. */
const databaseRetryMs = 2_000;

export function createFetch(options: FetchOptions): (job: FetchJob) => Promise<void> {
  const { table, now, logger } = options;
  // A failing store fails for all pictures, so the failure is logged only now and then.
  const isDue = createRateLimitedLog(logIntervalMs);
  const reportFault = createFaultLog(logger);

  const recordFailure = async (media: PendingMedia, error: unknown): Promise<void> => {
    const { code, message, retryAt, mayRecover, cause } = asMediaError(error);
    const failedAt = now();
    const decision = await decide(options, media, { code, retryAt, mayRecover, failedAt });
    options.observe({ outcome: code, bytes: 0, host: hostOf(media) });
    logger.info(
      { media: media.id, channel: media.channel, code, state: decision.state },
      'a download attempt failed',
    );
    if (code === 'media.storage_failed') options.storage.recheck();
    if (code === 'media.storage_failed' && isDue(failureName(error)))
      logger.error(
        { media: media.id, err: cause ?? error },
        `a file could not be stored: ${failureName(error)}`,
      );
    if (code === 'media.internal') reportFault('an internal failure', cause ?? error, { media: media.id });
    if (decision.state === 'pending')
      await table.scheduleRetry(media, { at: decision.nextAttemptAt, now: failedAt }, { code, message });
    else await table.markRefused(media, decision.state, { code: decision.code, message });
  };

  return async ({ mediaId, starts }) => {
    const media = await table.findPending(mediaId);
    if (!media) return;
    try {
      const store = starts > 1 ? isolatedStore(options, mediaId) : options.store;
      const retryInMs = await attempt({ ...options, store }, media);
      if (retryInMs !== undefined) await table.postpone(media, retryInMs);
    } catch (error) {
      // The attempt ended because of the shutdown, not because of the picture. Another process takes it up at
      // once.
      if (options.stopping()) await table.postpone(media, 0);
      // A database failure is not the picture's fault either. If even this statement fails, the queue keeps
      // the job.
      else if (isDatabaseFailure(error)) await table.postpone(media, databaseRetryMs);
      else await recordFailure(media, error);
    }
  };
}

interface Failure {
  readonly code: MediaErrorCode;
  readonly retryAt: Date | undefined;
  readonly mayRecover: boolean;
  readonly failedAt: Date;
}

/** Decides about the next attempt. */
async function decide(
  options: FetchOptions,
  media: PendingMedia,
  { code, retryAt, mayRecover, failedAt }: Failure,
): Promise<Decision> {
  const sameFailures = mayRecover ? (await options.table.countFailures(media.id, code)) + 1 : undefined;
  return decideAfterFailure({
    code,
    retryAt,
    mayRecover,
    now: failedAt,
    chance: options.chance(),
    attempts: media.attempts + 1,
    maxAttempts: options.maxAttempts,
    sameFailures,
    isEarly: code === 'media.gone' && mayComeLater(options, media),
    // The expiry of a link that can be renewed does not end the retries.
    expiresAt: refreshOf(options, media) || media.reference !== null ? null : media.expiresAt,
  });
}

/** Stores as usual, but decodes in the isolated process. */
function isolatedStore({ table, store }: FetchOptions, mediaId: string): Store {
  const beforeDecoding = async (): Promise<void> => {
    if ((await table.countDecoding(mediaId)) > maxUnfinishedDecodings)
      throw new AppError('media.crashed', 'the service crashed repeatedly while it decoded this file');
  };
  return (file, expected) => store(file, { ...expected, suspicion: { beforeDecoding } });
}

/** Returns undefined if the file was stored, or the milliseconds to wait because its host is busy. */
async function attempt(options: FetchOptions, media: PendingMedia): Promise<number | undefined> {
  const storageProblem = options.storage.problem();
  // A file that cannot be stored is not downloaded, because the hosts would receive the same request again
  // and again.
  if (storageProblem) {
    const message = `files cannot be written: ${storageProblem.reason}`;
    throw new AppError('media.storage_failed', message, { cause: storageProblem });
  }
  const { url } = media;
  if (url === null || hasDeadLink(options, media)) return downloadAndStore(options, { ...media, url: null });
  const source = await refreshIfExpired(options, { ...media, url });
  try {
    return await downloadAndStore(options, source);
  } catch (error) {
    if (isRefused(error) && media.reference !== null)
      return downloadAndStore(options, { ...media, url: null });
    if (isUnusable(error) && isRenewable(options, media))
      return downloadAndStore(options, { ...media, url: null }).catch((later: unknown) => {
        throw isGone(later) ? error : later;
      });
    const fresh = await refreshIfRefused(options, source, error);
    if (!fresh) throw error;
    return downloadAndStore(options, fresh);
  }
}

async function downloadAndStore(options: FetchOptions, media: PendingMedia): Promise<number | undefined> {
  const { store } = options;
  const passed = await obtain(options, media);
  if ('retryInMs' in passed) return passed.retryInMs;
  const file = await withAnnouncedDigest(options, media, passed.done);
  const canRefetch = canBeRefetched(options, media);
  const blob = await store(file, { kind: media.kind, canRefetch, mediaId: media.id });
  return recordStored(options, media, blob);
}

/**
 * The file of this attempt. Only a download occupies a place at the gate. Files that wait for a decoder are
 * on disk.
 */
async function obtain(options: FetchOptions, media: PendingMedia): Promise<Passed<StagedFile>> {
  const { channels, embedded, gate, maxBytes, staging } = options;
  const place = media.url === null ? embeddedPlaceOf(media.reference ?? '') : undefined;
  if (!place) return gate.pass(downloadRequest(media), (signal) => downloadFile(options, media, signal));
  const bytes = await embedded(place, { channel: channels.any(media.channel), maxBytes });
  return { done: await staging.receive(Readable.from([bytes])) };
}

/**
 * Returns the file, or the result of a second download if the digest differs from the announced one and the
 * second download matches it. If the second download is no better, the first is kept.
 */
async function withAnnouncedDigest(
  options: FetchOptions,
  media: PendingMedia,
  file: StagedFile,
): Promise<StagedFile> {
  if (media.sha256 === null || media.sha256 === file.sha256) return file;
  const second = await obtain(options, media).catch(() => undefined);
  if (!second || !('done' in second)) return file;
  const isRight = second.done.sha256 === media.sha256;
  await (isRight ? file : second.done).discard();
  return isRight ? second.done : file;
}

/**
 * Assigns stored bytes to the media item. Either the item or another item with the same bytes may have been
 * erased in the meantime.
 */
async function recordStored(
  { table, discard, observe }: FetchOptions,
  media: PendingMedia,
  blob: HeldBlob,
): Promise<number | undefined> {
  const outcome = await table.markReady(media.id, blob);
  if (outcome === 'not pending') await discard([blob.sha256]);
  // The files were deleted after they were found or written and before the row used them, so they are
  // downloaded again.
  if (outcome === 'bytes gone') return 0;
  if (outcome === 'ready') observe({ outcome, bytes: blob.bytes, host: hostOf(media) });
  return undefined;
}

/** A file is discarded only if it can surely be downloaded again. */
function canBeRefetched(
  { maxAttempts, now }: FetchOptions,
  { attempts, expiresAt, reference }: PendingMedia,
): boolean {
  if (reference === null && expiresAt !== null && expiresAt.getTime() < now().getTime() + minLinkLifetimeMs)
    return false;
  return attempts < Math.min(attemptsWithPreviews, maxAttempts - 1);
}

function downloadRequest(media: PendingMedia): DownloadRequest {
  const { id, url, channel, sender, chat, lastError } = media;
  const people = [sender, chat].filter((one) => one !== null && one !== '').map(String);
  return {
    media: id,
    host: hostOf(media),
    site: url === null ? hostOf(media) : siteOf(url),
    channel,
    people: [...new Set(people)],
    wasSlow: lastError === 'media.timeout',
  };
}

async function downloadFile(
  options: FetchOptions,
  media: PendingMedia,
  signal: AbortSignal,
): Promise<StagedFile> {
  const { download, staging, channels, maxBytes } = options;
  const channel = channels.any(media.channel);
  const { url, needsCredentials } = await linkOf(options, media);
  const answer = await download
    .open({
      url,
      credentials: (url) => credentialsFor(channel, needsCredentials, url),
      extraPorts: (url) => channel !== undefined && matchesHost(url, channel.adapter.downloads.trustedHosts),
      maxBytes,
      signal,
    })
    .catch((error: unknown) => {
      throw media.url === null ? asPassing(error) : error;
    });
  return staging.receive(answer.body);
}

/** The link of this attempt: the stored one, or the one to which the reference leads now. */
async function linkOf({ channels, http }: FetchOptions, media: PendingMedia): Promise<ResolvedLink> {
  if (media.url !== null) return { url: media.url, needsCredentials: media.needsCredentials };
  const channel = channels.any(media.channel);
  const resolve = channel?.adapter.downloads.resolve;
  if (!channel || !resolve || media.reference === null)
    throw new AppError(
      'media.busy',
      'the channel lacks the settings that it needs to ask the provider for the file',
    );
  return resolve(media.reference, askingForFiles(http(channel)));
}

/** An answer that cannot be read is no file that cannot be had: another one may be readable. */
const unreadable: readonly string[] = ['media.too_large', 'media.unsupported_encoding'];

/** For calls of a provider's API, whose answers are not the file itself. */
function askingForFiles(http: Http): Http {
  return (request) =>
    http(request).catch((error: unknown) => {
      throw error instanceof AppError && unreadable.includes(error.code)
        ? new AppError('media.http_status', error.message, { cause: error })
        : error;
    });
}

/**
 * Only the provider's answer about a reference says that the file is gone. A link that it leads to may have
 * expired on the way, and the next attempt has another one.
 */
function asPassing(error: unknown): unknown {
  return isRefused(error) ? new AppError('media.http_status', error.message, { cause: error }) : error;
}

/** The credentials of a channel are sent to the media hosts of that channel only. */
function credentialsFor(
  channel: Channel | undefined,
  needsCredentials: boolean,
  url: URL,
): MaybePromise<HeaderRecord> {
  const downloads = channel?.adapter.downloads;
  if (!needsCredentials || !downloads?.authorize || !matchesHost(url, downloads.trustedHosts)) return {};
  return downloads.authorize(url);
}

/** A media item with a link. */
type LinkedMedia = PendingMedia & { readonly url: string };

/** Whether a link is not worth another attempt, because a reference leads to a new one. */
function hasDeadLink({ channels, now }: FetchOptions, media: PendingMedia): boolean {
  const { attempts, expiresAt } = media;
  if (!isRenewable({ channels }, media)) return false;
  return attempts > 0 || (expiresAt !== null && expiresAt <= now());
}

/** Whether a reference leads to another link. */
function isRenewable(
  { channels }: Pick<FetchOptions, 'channels'>,
  { channel, reference }: PendingMedia,
): boolean {
  return reference !== null && channels.any(channel)?.adapter.downloads.resolve !== undefined;
}

/** Whether the provider may not have the file yet. */
function mayComeLater({ channels, now }: FetchOptions, { channel, receivedAt }: PendingMedia): boolean {
  const notYetMs = channels.any(channel)?.adapter.downloads.notYetMs ?? 0;
  return notYetMs > 0 && now().getTime() - receivedAt.getTime() < notYetMs;
}

const refusals: readonly string[] = ['media.refused', 'media.gone', 'media.type_mismatch'];

/** Whether a host answers like one whose link has expired. */
function isRefused(error: unknown): error is AppError {
  return error instanceof AppError && refusals.includes(error.code);
}

/** A link may lead to a place that is never visited, while the provider still has the file. */
const unusable: readonly string[] = [
  'media.invalid_url',
  'media.forbidden_address',
  'media.forbidden_port',
  'media.too_many_redirects',
];

/** Whether a link is to blame, and not the file. */
function isUnusable(error: unknown): boolean {
  return error instanceof AppError && unusable.includes(error.code);
}

function isGone(error: unknown): boolean {
  return error instanceof AppError && error.code === 'media.gone';
}

async function refreshIfExpired(options: FetchOptions, media: LinkedMedia): Promise<LinkedMedia> {
  if (media.expiresAt === null || media.expiresAt > options.now()) return media;
  const fresh = await refresh(options, media);
  // The local clock may be ahead, or the provider may accept expired links: without a refresh, the link
  // itself is tried.
  return fresh ?? media;
}

async function refreshIfRefused(
  options: FetchOptions,
  media: LinkedMedia,
  error: unknown,
): Promise<LinkedMedia | undefined> {
  // Some hosts answer with a page instead of a picture when a link has expired.
  const refused = error instanceof AppError && ['media.refused', 'media.type_mismatch'].includes(error.code);
  return refused ? refresh(options, media) : undefined;
}

/** Returns the media item with a new link if the provider offers a way to renew it. */
async function refresh(options: FetchOptions, media: LinkedMedia): Promise<LinkedMedia | undefined> {
  const { http, table, channels } = options;
  const channel = channels.any(media.channel);
  const renew = refreshOf(options, media);
  if (!channel || !renew) return undefined;
  const { url, expiresAt } = await renew(media.url, askingForFiles(http(channel)));
  await table.replaceSource(media, url, expiresAt);
  return { ...media, url, expiresAt };
}

function refreshOf({ channels }: FetchOptions, media: PendingMedia): Downloads['refresh'] {
  return channels.any(media.channel)?.adapter.downloads.refresh;
}

/**
 * The host of the link, or a name for the channel's API, which is asked where the file of a reference is, or
 * for the webhooks of the channel, which contain the file.
 */
function hostOf({ url, reference, channel }: Pick<PendingMedia, 'url' | 'reference' | 'channel'>): string {
  if (url === null) return `${looksEmbedded(reference ?? '') ? 'webhooks' : 'api'} of ${channel}`;
  return URL.canParse(url) ? new URL(url).host : '';
}
