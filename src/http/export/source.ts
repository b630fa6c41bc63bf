/** Reads the media of an export page by page. No transaction is open while the client reads. */
import { seesChannel, type Access } from '../../domain/access.js';
import { AppError } from '../../domain/errors.js';
import type { MediaFilter } from '../../infra/tables/media/filter.js';
import type { Lookup, MediaRecord } from '../../infra/tables/media/lookup.js';
import type { TimelineItem } from '../../infra/tables/people/timeline.js';
import { noSuchMedia } from '../media/visible.js';
import type { RouteServices } from '../services.js';
import { timelineItemView } from '../views/person.js';

/** So many media are in memory at once. */
const pageSize = 100;

export type Pages = AsyncGenerator<readonly MediaRecord[], void>;

/** The media that match the filter, newest first. */
export async function* pagesOf(lookup: Pick<Lookup, 'listMedia'>, filter: MediaFilter): Pages {
  for (let after: string | undefined; ;) {
    const page = await lookup.listMedia(filter, { limit: pageSize, after });
    yield page.items;
    if (page.next === undefined) return;
    after = page.next;
  }
}

/** These media, in the given order. Throws `media.not_found` unless the caller may see all of them. */
export async function* pagesOfIds(
  lookup: Pick<Lookup, 'mediaByIds'>,
  ids: readonly string[],
  access: Access,
): Pages {
  const found = new Map((await lookup.mediaByIds(ids)).map((media) => [media.id, media]));
  yield [...new Set(ids)].map((id) => {
    const media = found.get(id);
    if (!media || !seesChannel(access, media.channel)) throw noSuchMedia();
    return media;
  });
}

/** What is to be exported. */
export interface Source {
  readonly pages: Pages;
  /** Of a person or a group also what was said beside the files, as JSON lines. */
  readonly texts?: AsyncGenerator<string, void>;
}

/** Everything that was exchanged with a person or in a group, under all ids. */
export function contactSource(
  services: ContactServices,
  contact: { readonly channel: string; readonly contact: string },
  access: Access,
): Source {
  const read = (): TimelinePages => timelineOf(services, contact, access);
  return { pages: mediaOf(read()), texts: textsOf(read()) };
}

type ContactServices = Pick<RouteServices, 'people' | 'timeline'>;
type TimelinePages = AsyncGenerator<readonly TimelineItem[], void>;

/** Throws `person.not_found`. */
async function* timelineOf(
  { people, timeline }: ContactServices,
  { channel, contact }: { readonly channel: string; readonly contact: string },
  access: Access,
): TimelinePages {
  const person = seesChannel(access, channel) ? await people.find(channel, contact) : undefined;
  if (!person) throw new AppError('person.not_found', 'no person or group in this channel has this id');
  for (let after: string | undefined; ;) {
    const page = await timeline(person, { limit: pageSize, after });
    yield page.items;
    if (page.next === undefined) return;
    after = page.next;
  }
}

async function* mediaOf(pages: TimelinePages): Pages {
  for await (const items of pages) yield items.flatMap((item) => ('media' in item ? [item.media] : []));
}

async function* textsOf(pages: TimelinePages): AsyncGenerator<string, void> {
  for await (const items of pages) {
    const said = items.filter((item) => !('media' in item));
    yield said.map((item) => `${JSON.stringify(timelineItemView(item))}\n`).join('');
  }
}
