import { t } from '../languages/text.js';

interface RememberProps {
  readonly checked: boolean;
  readonly onChange: (checked: boolean) => void;
}

/** Whether the session lasts for thirty days instead of twelve hours. */
export function Remember({ checked, onChange }: RememberProps) {
  return (
    <label class="check">
      <input
        type="checkbox"
        checked={checked}
        onChange={(event) => {
          onChange(event.currentTarget.checked);
        }}
      />
      <span>{t('sign_in.remember')}</span>
    </label>
  );
}
