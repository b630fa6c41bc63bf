/** What this browser remembers. It may refuse to store anything; a choice then lasts until the page is closed. */
export function stored(key: string): string | null {
  try {
    return window.localStorage.getItem(key);
  } catch {
    return null;
  }
}

export function store(key: string, value: string): void {
  try {
    window.localStorage.setItem(key, value);
  } catch {
    // Nothing depends on it.
  }
}
