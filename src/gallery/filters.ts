/** The filters of the gallery. They are part of the address, so that a view can be shared and survives a reload. */
import type { MediaQuery, MediaView } from './api.js';

export const filterNames = [
  'channel',
  'kind',
  'state',
  'direction',
  'from',
  'chat',
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

/** The filters as a query of the API. Days are those of the browser's time zone, and the last day is included. */
export function toApiQuery({ since, until, ...rest }: Filters): MediaQuery {
  const from = dayStart(since);
  const to = dayStart(until, 1);
  return {
    // A user may write anything into the address, so the service checks the values.
    ...(rest as MediaQuery),
    since: from,
    until: to,
  };
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
  const text = message?.caption?.toLowerCase() ?? '';
  return exact && text.includes(filters.q?.toLowerCase() ?? '') && isWithin(filters, media.receivedAt);
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
