import type { MediaState, PreviewSize } from '../domain/media.js';
import type { Direction, MediaKind } from '../domain/provider.js';
import type { ErasedView, MediaHistory, MediaView } from '../http/shapes/media.js';
import { listOf, type List } from './pages.js';
import { path, sleep, type Transport } from './transport.js';

export interface MediaQuery {
  readonly channel?: string;
  readonly provider?: string;
  readonly direction?: Direction;
  readonly kind?: MediaKind;
  readonly state?: MediaState;
  /** The person, as in `message.from`. */
  readonly from?: string;
  readonly chat?: string;
  readonly messageId?: string;
  readonly sha256?: string;
  /** By time of receipt; `until` is exclusive. */
  readonly since?: Date | string;
  readonly until?: Date | string;
  /** Part of the caption. */
  readonly q?: string;
  /** Items in a page, 1 to 200. */
  readonly limit?: number;
  readonly cursor?: string;
}

export interface Link {
  readonly url: string;
  readonly expiresAt: string;
}

interface Stop {
  readonly signal?: AbortSignal;
}

export interface MediaClient {
  readonly list: (query?: MediaQuery) => List<MediaView>;
  /** With `waitSeconds` it answers as soon as the media has left `pending`, or when the time is over. */
  readonly get: (id: string, options?: { readonly waitSeconds?: number } & Stop) => Promise<MediaView>;
  readonly history: (id: string) => Promise<MediaHistory>;
  /** The bytes as they came. `range` as in HTTP: `bytes=0-1023`. */
  readonly content: (id: string, options?: { readonly range?: string } & Stop) => Promise<Response>;
  readonly preview: (id: string, size?: PreviewSize, options?: Stop) => Promise<Response>;
  /** A link that needs no token. */
  readonly link: (
    id: string,
    options?: { readonly expiresInSeconds?: number; readonly size?: PreviewSize },
  ) => Promise<Link>;
  /** Fetches again what is rejected or failed. */
  readonly retry: (id: string) => Promise<MediaView>;
  /** With `dryRun`, nothing is erased: the answer counts what would be. */
  readonly erase: (id: string, options?: { readonly dryRun?: boolean }) => Promise<ErasedView>;
  /** Keeps a file, for sending. */
  readonly upload: (
    file: Blob,
    about: { readonly channel: string; readonly kind?: MediaKind; readonly filename?: string },
  ) => Promise<MediaView>;
}

/** What the service waits at most in one call. */
const longestWaitSeconds = 30;
const lookAgainMs = 100;

export function mediaClient(transport: Transport): MediaClient {
  const { json, answer } = transport;
  return {
    list: (query) => listOf<MediaView>(transport, '/v1/media', { ...query }),
    get: async (id, { waitSeconds = 0, signal } = {}) => {
      const deadline = Date.now() + waitSeconds * 1000;
      for (;;) {
        const left = Math.max(0, Math.ceil((deadline - Date.now()) / 1000));
        const wait = left === 0 ? undefined : Math.min(left, longestWaitSeconds);
        const media = await json<MediaView>({
          method: 'GET',
          path: path`/v1/media/${id}`,
          query: { wait },
          signal,
        });
        if (media.state !== 'pending' || Date.now() >= deadline) return media;
        // Usually the service has waited by now; should it answer at once, it must not be asked in a tight loop.
        await sleep(lookAgainMs, signal);
      }
    },
    history: (id) => json({ method: 'GET', path: path`/v1/media/${id}/history` }),
    content: (id, { range, signal } = {}) =>
      answer({
        method: 'GET',
        path: path`/v1/media/${id}/content`,
        signal,
        ...(range !== undefined && { headers: { range } }),
      }),
    preview: (id, size = 'small', { signal } = {}) =>
      answer({ method: 'GET', path: path`/v1/media/${id}/preview`, query: { size }, signal }),
    link: (id, { expiresInSeconds: expiresIn, size } = {}) =>
      json({
        method: 'POST',
        path: path`/v1/media/${id}/link`,
        json: { expiresIn, size },
        // Another link like it does no harm.
        repeatable: true,
      }),
    retry: (id) => json({ method: 'POST', path: path`/v1/media/${id}/retry` }),
    erase: (id, { dryRun } = {}) => {
      const query = { dryRun: dryRun === true ? 'true' : undefined };
      return json({ method: 'DELETE', path: path`/v1/media/${id}`, query, repeatable: true });
    },
    upload: (file, { channel, kind, filename }) => {
      const form = new FormData();
      // Fields first: the service knows what the file is for before it reads it.
      form.set('channel', channel);
      if (kind !== undefined) form.set('kind', kind);
      form.set('file', file, filename ?? 'file');
      return json({ method: 'POST', path: '/v1/media', form });
    },
  };
}
