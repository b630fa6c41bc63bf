/** One attempt to bring the bytes of one attachment home. Safe to run twice: whatever is done already is left alone. */
import { matchesHost, type Channel, type Channels } from '../../domain/channel.js';
import { AppError } from '../../domain/errors.js';
import type { HeldBlob } from '../../domain/media.js';
import type { Downloads, HeaderRecord, Http, MaybePromise } from '../../domain/provider.js';
import { asMediaError, decideAfterFailure } from '../../domain/retry.js';
import type { StagedFile, Staging } from '../../infra/files/staging.js';
import type { StorageWatch } from '../../infra/files/storage-watch.js';
import { failureName } from '../../infra/logging/failure-name.js';
import { createFaultLog } from '../../infra/logging/fault-log.js';
import type { Logger } from '../../infra/logging/logger.js';
import { createSeldom } from '../../infra/logging/seldom.js';
import type { SafeFetch } from '../../infra/net/safe-fetch.js';
import { siteOf } from '../../infra/net/site.js';
import { isDatabaseFailure } from '../../infra/postgres/errors.js';
import type { MediaTable, PendingMedia } from '../../infra/tables/media/media.js';
import type { Discard } from './discard.js';
import type { HostGate, Wanted } from './host-gate.js';
import type { Store } from './store.js';

export interface FetchOptions {
  readonly table: MediaTable;
  readonly channels: Channels;
  readonly download: SafeFetch;
  /** By which a channel's provider is called. */
  readonly http: (channel: Channel) => Http;
  readonly staging: Staging;
  readonly store: Store;
  readonly discard: Discard;
  readonly gate: HostGate;
  readonly logger: Logger;
  /** Knows what keeps files from being written now, and hears of files that could not be kept. */
  readonly storage: Pick<StorageWatch, 'trouble' | 'doubt'>;
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
/** How often the same failure of the store is logged. */
const repeatMs = 60_000;
/** After a statement has failed that was no fault of its values. */
const databasePauseMs = 2_000;

export function createFetch(options: FetchOptions): (job: FetchJob) => Promise<void> {
  const { table, now, logger } = options;
  // A store that fails does so for all pictures.
  const isDue = createSeldom(repeatMs);
  const reportFault = createFaultLog(logger);

  const settle = async (media: PendingMedia, error: unknown): Promise<void> => {
    const { code, message, retryAt, mayPass, cause } = asMediaError(error);
    const moment = now();
    const alike = mayPass ? (await table.countFailures(media.id, code)) + 1 : undefined;
    const decision = decideAfterFailure({
      code,
      retryAt,
      mayPass,
      now: moment,
      chance: options.chance(),
      attempts: media.attempts + 1,
      maxAttempts: options.maxAttempts,
      alike,
      // The end of a link that can be renewed is no end for the picture.
      expiresAt: refreshOf(options, media) ? null : media.expiresAt,
    });
    options.observe({ outcome: code, bytes: 0, host: hostOf(media.url) });
    logger.info(
      { media: media.id, channel: media.channel, code, state: decision.state },
      'an attempt failed',
    );
    if (code === 'media.storage_failed') options.storage.doubt();
    if (code === 'media.storage_failed' && isDue(failureName(error)))
      logger.error(
        { media: media.id, err: cause ?? error },
        `a file could not be kept: ${failureName(error)}`,
      );
    if (code === 'media.internal') reportFault('an internal failure', cause ?? error, { media: media.id });
    if (decision.state === 'pending')
      await table.scheduleRetry(media, { at: decision.nextAttemptAt, now: moment }, { code, message });
    else await table.markRefused(media, decision.state, { code: decision.code, message });
  };

  return async ({ mediaId, starts }) => {
    const media = await table.findPending(mediaId);
    if (!media) return;
    try {
      const store = starts > 1 ? suspecting(options, mediaId) : options.store;
      const comeBackIn = await attempt({ ...options, store }, media);
      if (comeBackIn !== undefined) await table.postpone(media, comeBackIn);
    } catch (error) {
      // Its end was no fault of the picture's, and the process that goes on takes it up at once.
      if (options.stopping()) await table.postpone(media, 0);
      // Nor was this. While the database does not take even that, the queue itself keeps the job.
      else if (isDatabaseFailure(error)) await table.postpone(media, databasePauseMs);
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
  const trouble = options.storage.trouble();
  // What cannot be kept is not fetched: hosts would be asked for the same again and again.
  if (trouble) {
    const message = `no file can be written: ${trouble.reason}`;
    throw new AppError('media.storage_failed', message, { cause: trouble });
  }
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
  const passed = await gate.pass(wantedBy(media), (signal) => downloadFile(options, media, signal));
  if ('comeBackIn' in passed) return passed.comeBackIn;
  const file = await asAnnounced(options, media, passed.done);
  const comesBack = mayComeBack(options, media);
  const blob = await store(file, { kind: media.kind, comesBack, mediaId: media.id });
  return keep(options, media, blob);
}

/**
 * The file, or another one when its digest is not the announced one and a second download brings that. What is here is not given away for
 * the hope: where the second is no better, the first is kept.
 */
async function asAnnounced(
  options: FetchOptions,
  media: PendingMedia,
  file: StagedFile,
): Promise<StagedFile> {
  if (media.sha256 === null || media.sha256 === file.sha256) return file;
  const second = await options.gate
    .pass(wantedBy(media), (signal) => downloadFile(options, media, signal))
    .catch(() => undefined);
  if (!second || !('done' in second)) return file;
  const isRight = second.done.sha256 === media.sha256;
  await (isRight ? file : second.done).discard();
  return isRight ? second.done : file;
}

/** Stored bytes become those of the media. Both may have been erased in the meantime, the media or another one with these bytes. */
async function keep(
  { table, discard, observe }: FetchOptions,
  { id, url }: PendingMedia,
  blob: HeldBlob,
): Promise<number | undefined> {
  const outcome = await table.markReady(id, blob);
  if (outcome === 'not pending') await discard([blob.sha256]);
  // The files were removed after they were found or written, and nobody was told that they are there: they are fetched once more.
  if (outcome === 'bytes gone') return 0;
  if (outcome === 'ready') observe({ outcome, bytes: blob.bytes, host: hostOf(url) });
  return undefined;
}

/** Bytes that are here are not given back when they might not be had again. */
function mayComeBack({ maxAttempts, now }: FetchOptions, { attempts, expiresAt }: PendingMedia): boolean {
  if (expiresAt !== null && expiresAt.getTime() < now().getTime() + surelyFetchedAgainMs) return false;
  return attempts < Math.min(attemptsForPreviews, maxAttempts - 1);
}

function wantedBy({ id, url, channel, sender, chat, lastError }: PendingMedia): Wanted {
  const people = [sender, chat].filter((one) => one !== null && one !== '').map(String);
  return {
    media: id,
    host: hostOf(url),
    site: siteOf(url),
    channel,
    people: [...new Set(people)],
    wasSlow: lastError === 'media.timeout',
  };
}

async function downloadFile(
  { download, staging, channels, maxBytes }: FetchOptions,
  media: PendingMedia,
  signal: AbortSignal,
): Promise<StagedFile> {
  const channel = channels.known(media.channel);
  const answer = await download.open({
    url: media.url,
    credentials: (url) => credentialsFor(channel, media, url),
    extraPorts: (url) => channel !== undefined && matchesHost(url, channel.adapter.downloads.trustedHosts),
    maxBytes,
    signal,
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
  // A page in place of a picture is how some hosts say that a link has ended.
  const refused = error instanceof AppError && ['media.refused', 'media.type_mismatch'].includes(error.code);
  return refused ? refresh(options, media) : undefined;
}

/** The media with a fresh link, where the provider has a way to get one. */
async function refresh(options: FetchOptions, media: PendingMedia): Promise<PendingMedia | undefined> {
  const { http, table, channels } = options;
  const channel = channels.known(media.channel);
  const renew = refreshOf(options, media);
  if (!channel || !renew) return undefined;
  const { url, expiresAt } = await renew(media.url, http(channel));
  await table.replaceSource(media, url, expiresAt);
  return { ...media, url, expiresAt };
}

function refreshOf({ channels }: FetchOptions, media: PendingMedia): Downloads['refresh'] {
  return channels.known(media.channel)?.adapter.downloads.refresh;
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : '';
}
