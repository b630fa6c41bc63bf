/** The theme, light or dark. */
import { store, stored } from './storage.js';

export type Theme = 'system' | 'light' | 'dark';

const key = 'inlet-theme';

export function storedTheme(): Theme {
  const theme = stored(key);
  return theme === 'light' || theme === 'dark' ? theme : 'system';
}

export function applyTheme(theme: Theme): void {
  if (theme === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = theme;
}

export function keepTheme(theme: Theme): void {
  applyTheme(theme);
  store(key, theme);
}
