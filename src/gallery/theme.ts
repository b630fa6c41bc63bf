/** Light or dark. Loaded before anything is painted, so that nobody sees a flash of the other one. */
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
    // A browser that keeps nothing forgets this as well.
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
