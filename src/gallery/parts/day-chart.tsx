import { number, shortDay } from '../format.js';
import { t } from '../languages/text.js';

interface DayChartProps {
  readonly name: string;
  readonly days: readonly string[];
  readonly counts: readonly number[];
  /** The highest count of all charts in a group, so that they share one scale. */
  readonly max?: number;
  readonly large?: boolean;
}

const width = 600;

/** One bar for each day. */
export function DayChart({ name, days, counts, max, large = false }: DayChartProps) {
  const height = large ? 150 : 56;
  const highest = max ?? Math.max(1, ...counts);
  const step = width / Math.max(days.length, 1);
  const total = counts.reduce((all, count) => all + count, 0);
  return (
    <figure class="chart">
      <figcaption>
        <span>{name}</span>
        <b>{number(total)}</b>
      </figcaption>
      <svg
        viewBox={`0 0 ${String(width)} ${String(height)}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={t('chart.label', { name, total, days: days.length, most: Math.max(0, ...counts) })}
      >
        {large && (
          <path class="chart-line" d={`M0 .5H${String(width)}M0 ${String(height / 2)}H${String(width)}`} />
        )}
        <path class="chart-line" d={`M0 ${String(height - 0.5)}H${String(width)}`} />
        {counts.map((count, at) => {
          const bar = count === 0 ? 0 : Math.max(2, (count / highest) * (height - 4));
          const wide = Math.max(1, step - Math.min(4, step * 0.3));
          return (
            <rect
              key={days[at]}
              x={at * step + (step - wide) / 2}
              y={height - bar}
              width={wide}
              height={bar}
              rx="1.500"
            >
              <title>{`${shortDay(days[at])}: ${number(count)}`}</title>
            </rect>
          );
        })}
      </svg>
      {large && (
        <div class="chart-ends" aria-hidden="true">
          <span>{shortDay(days[0])}</span>
          <span>{t('chart.busiest', { count: highest })}</span>
          <span>{shortDay(days.at(-1))}</span>
        </div>
      )}
    </figure>
  );
}
