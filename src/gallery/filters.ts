/** What the gallery is narrowed to. It lives in the page's address, so that a view can be shared and comes back after a reload. */
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

/** Only what filters, in an order of its own: the same view always has the same text. */
export function filterText(filters: Filters): string {
  return new URLSearchParams(Object.entries(filters).sort()).toString();
}

/** As the API wants it: days are those of the person who looks, and the last one is part of it. */
export function toApiQuery({ since, until, ...rest }: Filters): MediaQuery {
  const from = dayStart(since);
  const to = dayStart(until, 1);
  return {
    // The service checks what somebody has written into the address.
    ...(rest as MediaQuery),
    since: from,
    until: to,
  };
}

/** Whether a media that was told of belongs into the view. */
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
    const wanted = filters[name as FilterName];
    return wanted === undefined || wanted === value;
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

/** Midnight where the person is, of that day or of one after it. */
function dayStart(text: string | undefined, daysLater = 0): Date | undefined {
  const [, year, month, day] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text ?? '') ?? [];
  if (year === undefined) return undefined;
  const date = new Date(Number(year), Number(month) - 1, Number(day) + daysLater);
  return Number.isNaN(date.getTime()) ? undefined : date;
}
