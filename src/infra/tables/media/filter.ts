/** What the list of media can be filtered by. */
import type { MediaState } from '../../../domain/media.js';

/** Members that are undefined demand nothing. */
export interface MediaFilter {
  /** A token that is limited to channels narrows this. */
  readonly channels?: readonly string[] | undefined;
  readonly provider?: string | undefined;
  readonly direction?: string | undefined;
  readonly kind?: string | undefined;
  readonly state?: MediaState | undefined;
  readonly from?: string | undefined;
  readonly chat?: string | undefined;
  readonly messageId?: string | undefined;
  readonly sha256?: string | undefined;
  /** By time of receipt. */
  readonly since?: Date | undefined;
  /** By time of receipt, exclusive. */
  readonly until?: Date | undefined;
  /** Part of the caption, in any case. */
  readonly q?: string | undefined;
}

/** What each member of a filter demands; `?` stands for its value. `q` is left to the caller. */
export const conditions = {
  channels: 'media.channel = any(?)',
  provider: 'media.provider = ?',
  direction: 'media.direction = ?',
  kind: 'media.kind = ?',
  state: 'media.state = ?',
  sha256: 'media.sha256 = ?',
  since: 'media.received_at >= ?',
  until: 'media.received_at < ?',
  from: 'media.person = ?',
  chat: 'media.conversation = ?',
  messageId:
    'exists (select from message as named where named.id = media.message_row_id and named.message_id = ?)',
} as const satisfies Readonly<Record<Exclude<keyof MediaFilter, 'q'>, string>>;
