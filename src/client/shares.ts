import { path } from './addresses.js';
import type { Share, ShareWithLink } from './answers.js';
import { listOf, type List, type PageQuery } from './pages.js';
import type { CallOptions, Transport } from './transport.js';

/** A page with files to create, for people without a token. */
export interface NewShare {
  /** The ids of the media in the order of the page. */
  readonly media: readonly string[];
  readonly title?: string | null | undefined;
  /** Lifetime in seconds: a week by default, 90 days at most. */
  readonly expiresIn?: number | undefined;
  readonly password?: string | null | undefined;
}

/** Shares: pages with files behind a link. */
export interface ShareClient {
  readonly list: (query?: PageQuery, options?: CallOptions) => List<Share>;
  readonly get: (id: string, options?: CallOptions) => Promise<Share>;
  /** Only this answer contains the link. */
  readonly create: (share: NewShare, options?: CallOptions) => Promise<ShareWithLink>;
  /** Takes effect at once in all processes. The media stay. */
  readonly revoke: (id: string, options?: CallOptions) => Promise<Share>;
}

export function shareClient(transport: Transport): ShareClient {
  const { json } = transport;
  const at = (id: string) => path`/v1/shares/${id}`;
  return {
    list: (query, options) => listOf(transport, { path: '/v1/shares', query: { ...query }, options }),
    get: (id, options) => json({ ...options, method: 'GET', path: at(id) }),
    create: (share, options) => json({ ...options, method: 'POST', path: '/v1/shares', json: share }),
    revoke: (id, options) => json({ ...options, method: 'DELETE', path: at(id) }),
  };
}
