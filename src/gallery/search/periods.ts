/** Periods to choose from, as days of the browser's time zone. */
export interface Period {
  /** The first day, as `2026-10-01`. */
  readonly since: string;
  /** The last day, which is included. */
  readonly until: string;
}

export const presets = ['today', 'yesterday', 'week', 'thirty_days'] as const;
type Preset = (typeof presets)[number];

/** How many months can be chosen by name; older ones are entered as days. */
const months = 24;

export function presetPeriod(preset: Preset, now: Date): Period {
  const dayBefore = (days: number) =>
    dayText(new Date(now.getFullYear(), now.getMonth(), now.getDate() - days));
  switch (preset) {
    case 'today':
      return { since: dayBefore(0), until: dayBefore(0) };
    case 'yesterday':
      return { since: dayBefore(1), until: dayBefore(1) };
    case 'week':
      return { since: dayBefore(6), until: dayBefore(0) };
    case 'thirty_days':
      return { since: dayBefore(29), until: dayBefore(0) };
  }
}

/** The first days of the latest months, the newest first. */
export function latestMonths(now: Date): Date[] {
  return Array.from({ length: months }, (_, ago) => new Date(now.getFullYear(), now.getMonth() - ago, 1));
}

export function monthPeriod(first: Date): Period {
  const last = new Date(first.getFullYear(), first.getMonth() + 1, 0);
  return { since: dayText(first), until: dayText(last) };
}

function dayText(date: Date): string {
  const two = (part: number) => String(part).padStart(2, '0');
  return `${String(date.getFullYear()).padStart(4, '0')}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}
