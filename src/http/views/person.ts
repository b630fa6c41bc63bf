/** Converts people and their timelines from database records to answers of the API. */
import { momentOf } from '../../domain/id.js';
import { isNumber } from '../../domain/person.js';
import type { PersonRecord } from '../../infra/tables/people/people.js';
import type { MediaRecord } from '../../infra/tables/media/lookup.js';
import type { ContextRecord, TimelineItem } from '../../infra/tables/people/timeline.js';
import type { PersonDetailsView, PersonView, TimelineItemView } from '../shapes/person.js';
import { mediaView } from './media.js';

export function personView(record: PersonRecord): PersonView {
  const { channel, person, kind, names, ids, firstId, lastId, received, sent, texts, pending, failed } =
    record;
  return {
    channel,
    id: person,
    kind,
    name: names[0] ?? null,
    names: [...names],
    number: kind === 'person' ? ([person, ...ids].find(isNumber) ?? null) : null,
    ids: [...ids],
    firstSeenAt: momentOf(firstId).toISOString(),
    lastSeenAt: momentOf(lastId).toISOString(),
    received,
    sent,
    texts,
    pending,
    failed,
  };
}

export function personDetailsView(record: PersonRecord, others: readonly PersonRecord[]): PersonDetailsView {
  return {
    ...personView(record),
    elsewhere: others.map((other) => {
      const { channel, id, name, lastSeenAt } = personView(other);
      return { channel, id, name, lastSeenAt };
    }),
  };
}

export function timelineItemView(item: TimelineItem): TimelineItemView {
  return 'media' in item ? mediaItemView(item.media) : contextView(item.context);
}

function contextView(context: ContextRecord): TimelineItemView {
  const { id, kind, messageId, direction, sender, name, chat, text, latitude, longitude } = context;
  const at = (context.sentAt ?? context.receivedAt).toISOString();
  const said = { id, at, direction, messageId, from: sender, senderName: name, chat, text };
  return kind === 'location' ? { type: kind, ...said, latitude, longitude } : { type: kind, ...said };
}

function mediaItemView(media: MediaRecord): TimelineItemView {
  const at = media.message?.sentAt ?? media.receivedAt;
  return { type: 'media', at: at.toISOString(), direction: media.direction, media: mediaView(media) };
}
