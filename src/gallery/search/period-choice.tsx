import { monthName } from '../format.js';
import { t } from '../languages/text.js';
import { latestMonths, monthPeriod, presetPeriod, presets, type Period } from './periods.js';

interface PeriodChoiceProps {
  readonly since: string | undefined;
  readonly until: string | undefined;
  /** Empty texts mean all times. */
  readonly choose: (period: Period) => void;
}

/** A jump to a recent period or to a month. Other days are entered in the filters. */
export function PeriodChoice({ since = '', until = '', choose }: PeriodChoiceProps) {
  const now = new Date();
  const recent = presets.map((preset) => ({
    name: t(`period.${preset}`),
    value: textOf(presetPeriod(preset, now)),
  }));
  const months = latestMonths(now).map((first) => ({
    name: monthName(first),
    value: textOf(monthPeriod(first)),
  }));
  const chosen = textOf({ since, until });
  const isOther = chosen !== '/' && ![...recent, ...months].some(({ value }) => value === chosen);
  return (
    <label class="period">
      <span class="unseen">{t('period.label')}</span>
      <select
        class="input"
        value={chosen}
        onChange={({ currentTarget }) => {
          const [first = '', last = ''] = currentTarget.value.split('/');
          choose({ since: first, until: last });
        }}
      >
        <option value="/">{t('period.any')}</option>
        {isOther && <option value={chosen}>{t('period.other')}</option>}
        {recent.map(({ name, value }) => (
          <option key={name} value={value}>
            {name}
          </option>
        ))}
        <optgroup label={t('period.months')}>
          {months.map(({ name, value }) => (
            <option key={name} value={value}>
              {name}
            </option>
          ))}
        </optgroup>
      </select>
    </label>
  );
}

const textOf = ({ since, until }: Period): string => `${since}/${until}`;
