import { path } from './addresses.js';
import type { Hold } from './answers.js';
import { listOf, type List, type PageQuery } from './pages.js';
import type { CallOptions, Transport } from './transport.js';

/** A legal hold to begin. */
export interface NewHold {
  readonly type: Hold['type'];
  /** Required for a person and a chat; a tag without it is held in all channels. */
  readonly channel?: string | null | undefined;
  /** The id or the number of the person, the id of the chat, the tag, or the id of the media item. */
  readonly subject: string;
  readonly reason: string;
}

export interface HoldQuery extends PageQuery {
  /** Only the holds that keep this media item. */
  readonly media?: string | undefined;
}

/** Legal holds: what must not be erased. */
export interface HoldClient {
  readonly list: (query?: HoldQuery, options?: CallOptions) => List<Hold>;
  readonly get: (id: string, options?: CallOptions) => Promise<Hold>;
  readonly create: (hold: NewHold, options?: CallOptions) => Promise<Hold>;
  /** What no other hold keeps can be erased again. */
  readonly end: (id: string, options?: CallOptions) => Promise<void>;
}

export function holdClient(transport: Transport): HoldClient {
  const { json } = transport;
  const at = (id: string) => path`/v1/holds/${id}`;
  return {
    list: (query, options) => listOf(transport, { path: '/v1/holds', query: { ...query }, options }),
    get: (id, options) => json({ ...options, method: 'GET', path: at(id) }),
    create: (hold, options) => json({ ...options, method: 'POST', path: '/v1/holds', json: hold }),
    end: (id, options) => json({ ...options, method: 'DELETE', path: at(id) }),
  };
}
