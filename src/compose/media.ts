/** Files: downloads, decoders, previews, and the store. */
import { availableParallelism } from 'node:os';

import type { Config } from '../config.js';
import { createMalwareScanner } from '../infra/files/malware-scanner.js';
import { createImageDecoder, type ImageDecoder } from '../infra/pictures/decoder.js';
import { createHeicDecoder, type HeicDecoder } from '../infra/pictures/heic.js';
import { createIsolatedDecoder } from '../infra/pictures/isolated-decoder.js';
import { readMetadata } from '../infra/pictures/metadata/read-metadata.js';
import { createFrameGrabber } from '../infra/pictures/video-frames.js';
import { watchMainThread } from '../infra/process/main-thread.js';
import { createFindDelivery } from '../infra/tables/deliveries.js';
import { createOrphans } from '../infra/tables/media/blobs.js';
import { createLimit } from '../pipeline/concurrency.js';
import { createAddUpload } from '../pipeline/media/add-upload.js';
import { createDiscard, type Discard } from '../pipeline/media/discard.js';
import { createDocumentPages } from '../pipeline/media/document-pages.js';
import { createReadEmbedded } from '../pipeline/media/embedded.js';
import { createFetch } from '../pipeline/media/fetch.js';
import { createHostGate } from '../pipeline/media/host-gate.js';
import { createLatePreviews } from '../pipeline/media/late-previews.js';
import { createMakePreviews } from '../pipeline/media/previews.js';
import { createStore, type Store } from '../pipeline/media/store.js';
import type { Calls } from './calls.js';
import type { Foundation } from './foundation.js';
import type { Receiving } from './receiving.js';

export type MediaPart = ReturnType<typeof createMedia>;

const maxWaitingDownloads = 32;

export interface MediaDependencies {
  readonly foundation: Foundation;
  readonly calls: Calls;
  readonly channels: Receiving['channels'];
}

export function createMedia(config: Config, { foundation, calls, channels }: MediaDependencies) {
  const { blobs, database, mediaTable, now, observers, quarantine, staging } = foundation;
  const decoders = createDecoders(config, observers);
  const scanner = config.clamd && createMalwareScanner(config.clamd);
  const store = createStore({
    blobs,
    makePreviews: decoders.makePreviews,
    readMetadata,
    table: mediaTable,
    now,
    scanning: scanner && { scan: scanner.scan, quarantine },
  });
  const orphans = createOrphans(database.work);
  const discard = createDiscard({ orphans, blobs });

  return {
    images: decoders.images,
    decodeHeic: decoders.decodeHeic,
    makePreviews: decoders.makePreviews,
    cores: decoders.cores,
    store,
    orphans,
    discard,
    addUpload: createAddUpload({ table: mediaTable, store, now }),
    fetch: createDownloads(config, { foundation, calls, channels }, { store, discard }),
    documentPages: createDocumentPages({ isolated: decoders.isolated, blobs, staging }),
    previewLate: createLatePreviews({ table: mediaTable, blobs, staging, store, discard }),
    /** Makes running scans fail. */
    abortScans: () => scanner?.close(),
    /** Leaves pictures that wait for a decoder to the next process. */
    stopWaiting: decoders.stopWaiting,
    close: decoders.close,
  };
}

/** The decoders of this process, and the number of pictures that they may decode at once. */
function createDecoders({ ffmpeg, maxImagePixels: maxPixels }: Config, observers: Foundation['observers']) {
  const images = timed(createImageDecoder({ maxPixels }), observers.previewed);
  const heic = createHeicDecoder({ maxPixels });
  // Shared by previews and sent pictures, because each decoding may need a lot of memory.
  const heicLimit = createLimit(1);
  const decodeHeic: HeicDecoder = (path) => heicLimit(() => heic(path));
  const isolated = createIsolatedDecoder({ maxPixels });
  const cores = availableParallelism();
  // Each picture sometimes waits for its file or for the main thread, so one more keeps the cores busy.
  // Callers that wait for a response come first.
  const isIdle = watchMainThread();
  const stopWaiting = new AbortController();
  const makePreviews = createMakePreviews({
    images,
    isolated,
    decodeHeic,
    grabFrame: ffmpeg === undefined ? undefined : createFrameGrabber({ ffmpeg }),
    decoders: () => (isIdle() ? cores + 1 : cores),
    stopSignal: stopWaiting.signal,
  });

  return {
    images,
    decodeHeic,
    cores,
    isolated,
    makePreviews,
    stopWaiting: () => {
      stopWaiting.abort();
    },
    close: () => {
      isolated.close();
    },
  };
}

function createDownloads(
  { fetch: limits, maxMediaBytes }: Config,
  { foundation, calls, channels }: MediaDependencies,
  { store, discard }: { readonly store: Store; readonly discard: Discard },
) {
  const { database, logger, mediaTable, now, observers, staging, stopping, storage } = foundation;
  return createFetch({
    table: mediaTable,
    channels,
    download: calls.download,
    http: calls.httpOf,
    embedded: createReadEmbedded(createFindDelivery(database.work)),
    staging,
    store,
    discard,
    storage,
    gate: createHostGate({
      total: limits.concurrency,
      maxPerSite: limits.concurrencyPerHost,
      maxWaiting: maxWaitingDownloads,
    }),
    observe: observers.fetched,
    logger,
    now,
    chance: Math.random,
    maxBytes: maxMediaBytes,
    maxAttempts: limits.maxAttempts,
    stopping: () => stopping.signal.aborted,
  });
}

function timed(images: ImageDecoder, previewed: (milliseconds: number) => void): ImageDecoder {
  return {
    ...images,
    preview: async (input, options) => {
      const began = performance.now();
      const made = await images.preview(input, options);
      previewed(performance.now() - began);
      return made;
    },
  };
}
