import type { PersonView } from '../api.js';
import { monthName } from '../format.js';
import { t } from '../languages/text.js';
import { Icon } from '../parts/icon.js';

interface MonthJumpProps {
  readonly person: PersonView;
  /** Whether the list begins with the newest. */
  readonly isWhole: boolean;
  /** The list shall begin with what was received before this moment; null for the newest. */
  readonly jump: (before: Date | null) => void;
}

/** Leads to a month between the first and the last time that the person was seen. */
export function MonthJump({ person, isWhole, jump }: MonthJumpProps) {
  const months = monthsOf(person);
  return (
    <div class="month-jump">
      <select
        class="input"
        aria-label={t('timeline.jump')}
        value=""
        onChange={({ currentTarget }) => {
          const month = months[Number(currentTarget.value)];
          currentTarget.value = '';
          if (month) jump(new Date(month.getFullYear(), month.getMonth() + 1, 1));
        }}
      >
        <option value="" disabled>
          {t('timeline.jump')}
        </option>
        {months.map((month, index) => (
          <option key={month.getTime()} value={index}>
            {monthName(month)}
          </option>
        ))}
      </select>
      {!isWhole && (
        <button
          type="button"
          class="button"
          onClick={() => {
            jump(null);
          }}
        >
          <Icon name="up" size={16} /> {t('gallery.newest')}
        </button>
      )}
    </div>
  );
}

/** The newest first. */
function monthsOf({ firstSeenAt, lastSeenAt }: PersonView): readonly Date[] {
  const first = new Date(firstSeenAt);
  const last = new Date(lastSeenAt);
  const count = (last.getFullYear() - first.getFullYear()) * 12 + last.getMonth() - first.getMonth() + 1;
  return Array.from({ length: count }, (_, ago) => new Date(last.getFullYear(), last.getMonth() - ago, 1));
}
