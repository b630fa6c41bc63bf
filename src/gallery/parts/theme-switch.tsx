import { useState } from 'preact/hooks';

import { t } from '../languages/text.js';
import { keepTheme, storedTheme, type Theme } from '../theme.js';
import { Icon } from './icon.js';

const next: Readonly<Record<Theme, Theme>> = { system: 'light', light: 'dark', dark: 'system' };
const icons = { system: 'system', light: 'sun', dark: 'moon' } as const;

export function ThemeSwitch() {
  const [theme, setTheme] = useState(storedTheme);
  return (
    <button
      type="button"
      class="nav-link"
      onClick={() => {
        keepTheme(next[theme]);
        setTheme(next[theme]);
      }}
    >
      <Icon name={icons[theme]} />
      <span>{t(`theme.${theme}`)}</span>
    </button>
  );
}
