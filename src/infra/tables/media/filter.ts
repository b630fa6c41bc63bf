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
  /** A whole tag; case and accents do not matter. */
  readonly tag?: string | undefined;
  /** Whether somebody said that it needs no attention any more. */
  readonly resolved?: boolean | undefined;
  /** Only the favourites of this user or token. */
  readonly favouriteOf?: string | undefined;
  /** The earliest time of receipt. */
  readonly since?: Date | undefined;
  /** The latest time of receipt, exclusive. */
  readonly until?: Date | undefined;
  /**
   * Part of the caption, of the file name, of a tag, of the words of a fact, or of the name or number of the
   * person or the group; case and accents do not matter.
   */
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
  tag: 'exists (select from media_tag where media_tag.media_id = media.id and media_tag.key = search_text(?))',
  resolved: '(media.resolved_at is not null) = ?',
  favouriteOf:
    'exists (select from favourite where favourite.media_id = media.id and favourite.owner = ?::uuid)',
  since: 'media.received_at >= ?',
  until: 'media.received_at < ?',
  from: 'media.person = ?',
  chat: 'media.conversation = ?',
  messageId:
    'exists (select from message as named where named.id = media.message_row_id and named.message_id = ?)',
} as const satisfies Readonly<Record<Exclude<keyof MediaFilter, 'q'>, string>>;
