/**
 * The filters of the gallery. They are part of the address, so that a view can be shared and survives a
 * reload.
 */
import { digitsOf } from '../domain/person.js';
import type { MediaQuery, MediaView, NewView } from './api.js';
import { favourites } from './favourites.js';
import { plain } from './plain.js';

export const filterNames = [
  'channel',
  'kind',
  'state',
  'direction',
  'from',
  'chat',
  'tag',
  'favourite',
  'since',
  'until',
  'q',
] as const;
export type FilterName = (typeof filterNames)[number];
export type Filters = Readonly<Partial<Record<FilterName, string>>>;

export function readFilters(query: URLSearchParams): Filters {
  return Object.fromEntries(
    filterNames.flatMap((name) => {
      const value = query.get(name)?.trim() ?? '';
      return value === '' || (isDay(name) && !dayStart(value)) ? [] : [[name, value]];
    }),
  );
}

/** The filters as a query string in a fixed order, so that the same view always has the same text. */
export function filterText(filters: Filters): string {
  return new URLSearchParams(Object.entries(filters).sort()).toString();
}

/**
 * The filters as a query of the API. Days are those of the browser's time zone, and the last day is included.
 */
export function toApiQuery({ since, until, favourite, ...rest }: Filters): MediaQuery {
  const from = dayStart(since);
  const to = dayStart(until, 1);
  return {
    // A user may write anything into the address, so the service checks the values.
    ...(rest as MediaQuery),
    favourite: favourite === undefined ? undefined : true,
    since: from,
    until: to,
  };
}

/** The filters as a saved view has them: days become moments, since other browsers have other time zones. */
export function toViewFilters({ since, until, ...rest }: Filters): NewView['filters'] {
  return {
    // The service checks the values.
    ...(rest as NewView['filters']),
    since: dayStart(since)?.toISOString(),
    until: dayStart(until, 1)?.toISOString(),
  };
}

/** The filters of a saved view; undefined if it has some that these pages do not have. */
export function filtersOfView({
  since,
  until,
  ...rest
}: Readonly<Record<string, string>>): Filters | undefined {
  const isKnown = Object.keys(rest).every((name) => (filterNames as readonly string[]).includes(name));
  if (!isKnown) return undefined;
  return {
    ...rest,
    ...(since !== undefined && { since: dayOf(new Date(since)) }),
    // The end is exclusive, and the last day of the pages is included.
    ...(until !== undefined && { until: dayOf(new Date(new Date(until).getTime() - 1)) }),
  };
}

/** The day of the browser's time zone. */
function dayOf(moment: Date): string {
  const pad = (value: number, length: number): string => String(value).padStart(length, '0');
  return [pad(moment.getFullYear(), 4), pad(moment.getMonth() + 1, 2), pad(moment.getDate(), 2)].join('-');
}

/** Whether a media item from an event belongs in the view. */
export function matches(filters: Filters, media: MediaView): boolean {
  const { message } = media;
  const facts: Readonly<Record<string, string | null | undefined>> = {
    channel: media.channel,
    kind: media.kind,
    state: media.state,
    direction: media.direction,
    from: message?.from,
    chat: message?.chat,
  };
  const exact = Object.entries(facts).every(([name, value]) => {
    const filter = filters[name as FilterName];
    return filter === undefined || filter === value;
  });
  const hasTag = filters.tag === undefined || media.annotations.tags.includes(filters.tag);
  const isStarred = filters.favourite === undefined || favourites.value.has(media.id);
  return (
    exact && hasTag && isStarred && isFound(filters.q ?? '', media) && isWithin(filters, media.receivedAt)
  );
}

/** Whether the filters look for something, so that the results are few and of many days. */
export function isSearch({ q, from, chat, tag, favourite }: Filters): boolean {
  return [q, from, chat, tag, favourite].some((filter) => filter !== undefined);
}

/** As the service searches, except that it also knows the names of groups and former names. */
function isFound(q: string, { filename, message }: MediaView): boolean {
  const digits = digitsOf(q);
  const ids = [message?.from, message?.to];
  if (digits !== undefined && ids.some((id) => id?.includes(digits))) return true;
  const wanted = plain(q);
  return [message?.caption, message?.senderName, message?.chat, filename, ...ids].some((text) =>
    plain(text ?? '').includes(wanted),
  );
}

function isWithin({ since, until }: Filters, receivedAt: string): boolean {
  const at = new Date(receivedAt);
  const from = dayStart(since);
  const to = dayStart(until, 1);
  return (!from || at >= from) && (!to || at < to);
}

const isDay = (name: FilterName): boolean => name === 'since' || name === 'until';

/** Midnight at the start of a day in the browser's time zone, or of a later day. */
function dayStart(text: string | undefined, daysLater = 0): Date | undefined {
  const [, year, month, day] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text ?? '') ?? [];
  if (year === undefined) return undefined;
  const date = new Date(Number(year), Number(month) - 1, Number(day) + daysLater);
  return Number.isNaN(date.getTime()) ? undefined : date;
}
