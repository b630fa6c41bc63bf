import type { MediaView, TimelineItem } from '../api.js';
import { at } from '../base.js';
import { bytes, clock, describe, fullTime, typeLabel } from '../format.js';
import { t } from '../languages/text.js';
import { Badges, WarningBadge } from '../parts/badge.js';
import { CopyButton } from '../parts/copy-button.js';
import { Icon } from '../parts/icon.js';
import { idOfEntry } from './timeline-list.js';

interface EntryProps {
  readonly entry: TimelineItem;
  /** Whether it must be said who sent it, as in a group. */
  readonly withSender: boolean;
  readonly hrefOf: (id: string) => string;
}

/** One file, text, location or contact card of a conversation. */
export function Entry({ entry, withSender, hrefOf }: EntryProps) {
  const { direction } = entry;
  const sender = direction === 'inbound' && withSender ? senderOf(entry) : '';
  return (
    <li id={`entry-${idOfEntry(entry)}`} class={`entry ${direction}`}>
      <p class="entry-head">
        <span class="unseen">{t(`direction.${direction}`)} </span>
        {sender !== '' && <b>{sender}</b>}
        <time dateTime={entry.at} title={fullTime(entry.at)}>
          {clock(entry.at)}
        </time>
      </p>
      {entry.type === 'media' ? <File media={entry.media} hrefOf={hrefOf} /> : <Said entry={entry} />}
    </li>
  );
}

function senderOf(entry: TimelineItem): string {
  const { from, senderName } = entry.type === 'media' ? (entry.media.message ?? nobody) : entry;
  return senderName ?? from ?? '';
}

const nobody = { from: null, senderName: null };

function File({ media, hrefOf }: { readonly media: MediaView; readonly hrefOf: EntryProps['hrefOf'] }) {
  const preview = media.previews.small;
  return (
    <>
      <a class="entry-file" href={hrefOf(media.id)} aria-label={describe(media)} data-over>
        {preview ? (
          <img src={at(preview.url)} alt="" loading="lazy" width={preview.width} height={preview.height} />
        ) : (
          <span class="entry-name">
            <Icon name={media.kind === 'document' ? 'document' : 'gallery'} size={26} />
            {media.filename ?? t(`kind.${media.kind}`)}
            <span class="soft">{sizeAndType(media)}</span>
          </span>
        )}
      </a>
      <p class="entry-badges">
        <Badges media={media} />
        <WarningBadge media={media} />
        {media.annotations.tags.map((tag) => (
          <span key={tag} class="badge">
            {tag}
          </span>
        ))}
      </p>
      {media.message?.caption != null && <p class="entry-text">{media.message.caption}</p>}
    </>
  );
}

function sizeAndType({ type, bytes: size }: MediaView): string {
  return [type === null ? null : typeLabel(type), size === null ? null : bytes(size)]
    .filter((text) => text !== null)
    .join(' · ');
}

function Said({ entry }: { readonly entry: Exclude<TimelineItem, { readonly type: 'media' }> }) {
  if (entry.type === 'text') return <p class="entry-text">{entry.text}</p>;
  const position =
    entry.type === 'location' && entry.latitude !== null && entry.longitude !== null
      ? `${String(entry.latitude)}, ${String(entry.longitude)}`
      : null;
  return (
    <div class="entry-text">
      <p class="entry-kind">
        <Icon name={entry.type === 'location' ? 'place' : 'person'} size={18} /> {t(`timeline.${entry.type}`)}
      </p>
      {entry.text !== null && <p>{entry.text}</p>}
      {position !== null && (
        <p class="with-button">
          <span>{position}</span>
          <CopyButton text={position} label={t('timeline.copy_position')} />
        </p>
      )}
    </div>
  );
}
