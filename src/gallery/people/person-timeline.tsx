import { useEffect, useRef } from 'preact/hooks';

import type { PersonDetails, TimelineItem } from '../api.js';
import { dayName } from '../format.js';
import { headingKey } from '../heading-key.js';
import { t } from '../languages/text.js';
import { Empty } from '../parts/empty.js';
import { Problem } from '../parts/problem.js';
import { Entry } from './timeline-entry.js';
import { idOfEntry, type TimelineList } from './timeline-list.js';

interface PersonTimelineProps {
  readonly person: PersonDetails;
  readonly list: TimelineList;
  readonly hrefOf: (id: string) => string;
}

/** Both directions in one list, with a heading for each day. Scrolling loads more. */
export function PersonTimeline({ person, list, hrefOf }: PersonTimelineProps) {
  const { media: loading, entries } = list;
  const end = useRef<HTMLParagraphElement>(null);
  const status = loading.status.value;
  useEffect(() => {
    if (status !== 'idle' || !end.current) return undefined;
    const observer = new IntersectionObserver(
      ([seen]) => {
        if (seen?.isIntersecting) void loading.loadMore();
      },
      { rootMargin: '1200px' },
    );
    observer.observe(end.current);
    return () => {
      observer.disconnect();
    };
  }, [status, loading]);
  if (status === 'end' && entries.value.length === 0)
    return (
      <Empty icon="gallery" title={t('timeline.nothing')}>
        <p>{t('timeline.nothing_text')}</p>
      </Empty>
    );
  return (
    <>
      {daysOf(entries.value).map(({ key, first, entries: ofDay }) => (
        <section key={key} class="timeline-day">
          <h2>{dayName(first.at)}</h2>
          <ol class="entries">
            {ofDay.map((entry) => (
              <Entry
                key={idOfEntry(entry)}
                entry={entry}
                withSender={person.kind === 'group'}
                hrefOf={hrefOf}
              />
            ))}
          </ol>
        </section>
      ))}
      {status === 'error' ? (
        <Problem error={loading.error.value} retry={() => void loading.loadMore()} />
      ) : (
        <p ref={end} class="list-end">
          {status === 'end' ? t('gallery.end') : t('common.loading')}
        </p>
      )}
    </>
  );
}

interface Day {
  readonly key: string;
  readonly first: TimelineItem;
  readonly entries: TimelineItem[];
}

/** The order is that of receipt. A message that arrived late has a day of its own. */
function daysOf(entries: readonly TimelineItem[]): readonly Day[] {
  const days: Day[] = [];
  let day = '';
  for (const entry of entries) {
    const next = headingKey(entry.at, 'day');
    if (next !== day) days.push({ key: idOfEntry(entry), first: entry, entries: [] });
    day = next;
    days.at(-1)?.entries.push(entry);
  }
  return days;
}
