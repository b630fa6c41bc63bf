/** The theme, light or dark. This script runs before the first paint, so that the page does not flash in the other theme. */
export type Theme = 'system' | 'light' | 'dark';

const key = 'inlet-theme';

export function storedTheme(): Theme {
  const stored = read();
  return stored === 'light' || stored === 'dark' ? stored : 'system';
}

export function applyTheme(theme: Theme): void {
  if (theme === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = theme;
}

export function keepTheme(theme: Theme): void {
  applyTheme(theme);
  try {
    window.localStorage.setItem(key, theme);
  } catch {
    // A browser may refuse to store anything; the theme then lasts until the page is closed.
  }
}

function read(): string | null {
  try {
    return window.localStorage.getItem(key);
  } catch {
    return null;
  }
}

applyTheme(storedTheme());
