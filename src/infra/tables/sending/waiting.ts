/** A message to send, as the worker needs it. */
import type { MediaKind } from '../../../domain/provider.js';
import type { SendOptions } from '../../../domain/sending.js';
import { columnsOf } from '../../postgres/pages.js';

export interface Waiting {
  readonly id: string;
  readonly channel: string;
  readonly provider: string;
  readonly recipient: string;
  readonly kind: MediaKind;
  readonly mediaId: string | null;
  readonly link: string | null;
  readonly type: string | null;
  readonly bytes: number | null;
  readonly caption: string | null;
  readonly filename: string | null;
  readonly replyTo: string | null;
  readonly options: SendOptions;
  readonly attempts: number;
  readonly createdAt: Date;
  /** The SHA-256 of the media's bytes; null for a link, and if the bytes no longer exist. */
  readonly sha256: string | null;
}

const columns = columnsOf<Waiting>({
  id: 'o.id',
  channel: 'o.channel',
  provider: 'o.provider',
  recipient: 'o.recipient',
  kind: 'o.kind',
  mediaId: 'o.media_id',
  link: 'o.link',
  type: 'o.type',
  bytes: 'o.bytes::float8',
  caption: 'o.caption',
  filename: 'o.filename',
  replyTo: 'o.reply_to',
  options: 'o.options',
  attempts: 'o.attempts',
  createdAt: 'o.created_at',
  sha256: 'media.sha256',
});

/** Selects {@link Waiting} messages from `outbound`, named `o`. */
export const selectWaiting = `select ${columns} from outbound as o left join media on media.id = o.media_id and media.state = 'ready'`;
