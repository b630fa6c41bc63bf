/** Calls for saved views. */
import { path } from './addresses.js';
import type { SavedView } from './answers.js';
import type { MediaQuery } from './media.js';
import { itemsOf } from './pages.js';
import type { CallOptions, Transport } from './transport.js';

/** Filters under a name. */
export interface NewView {
  /** A view of the caller with the same name is replaced. */
  readonly name: string;
  readonly filters: Omit<MediaQuery, 'limit' | 'cursor' | 'resolved' | 'favourite'> & {
    readonly resolved?: 'true' | 'false' | undefined;
    readonly favourite?: 'true' | undefined;
  };
  /** Whether everybody sees it; needs the scope `media:manage`. */
  readonly shared?: boolean | undefined;
}

/** Named sets of filters of the list of media. */
export interface ViewClient {
  /** Those of the caller and those that are shared, by name. */
  readonly list: (options?: CallOptions) => Promise<readonly SavedView[]>;
  readonly save: (view: NewView, options?: CallOptions) => Promise<SavedView>;
  readonly remove: (id: string, options?: CallOptions) => Promise<void>;
}

export function viewClient(transport: Transport): ViewClient {
  const { json } = transport;
  return {
    list: (options) => itemsOf(transport, { path: '/v1/views', options }),
    save: (view, options) => json({ ...options, method: 'POST', path: '/v1/views', json: view }),
    remove: (id, options) => json({ ...options, method: 'DELETE', path: path`/v1/views/${id}` }),
  };
}
