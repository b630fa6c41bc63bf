/**
 * The current address. Links are ordinary links: a click on a link of the gallery changes the page without a
 * reload.
 */
import { computed, signal } from '@preact/signals';

import { at } from './base.js';

const address = signal(new URL(window.location.href));

export const path = computed(() => address.value.pathname.replace(/\/+$/, '') || at('/admin'));
export const query = computed(() => address.value.searchParams);

interface Entry {
  readonly key: number;
  /** Whether the previous entry belongs to the gallery, so that going back stays in it. */
  readonly inside: boolean;
}

const scrollPositions = new Map<number, number>();
let lastKey = 0;

function entry(): Entry {
  const state: unknown = window.history.state;
  return typeof state === 'object' && state && 'key' in state ? (state as Entry) : { key: 0, inside: false };
}

interface NavigateOptions {
  /** Replaces the current entry of the history. */
  readonly replace?: boolean;
  /** Keeps the scroll position, for a dialog above the page. */
  readonly keepScroll?: boolean;
}

export function navigate(to: string, { replace = false, keepScroll = false }: NavigateOptions = {}): void {
  const before = entry();
  scrollPositions.set(before.key, window.scrollY);
  if (replace) window.history.replaceState(before, '', to);
  else window.history.pushState({ key: (lastKey += 1), inside: true } satisfies Entry, '', to);
  address.value = new URL(window.location.href);
  if (!replace && !keepScroll) window.scrollTo(0, 0);
}

/** Leaves the page at its top, for one that begins at the place in its address. */
export function forgetScrollPosition(): void {
  scrollPositions.delete(entry().key);
}

/** Goes back in the history, or to `otherwise` if the visitor did not come from the gallery. */
export function goBack(otherwise: string): void {
  if (entry().inside) window.history.back();
  else navigate(otherwise, { replace: true });
}

/** The address of the page with other parameters. Empty parameters are removed. */
export function addressWith(
  changes: Readonly<Record<string, string | null>>,
  base: { readonly path: string; readonly query: URLSearchParams } = { path: path.value, query: query.value },
): string {
  const next = new URLSearchParams(base.query);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === '') next.delete(name);
    else next.set(name, value);
  }
  const text = next.toString();
  return text === '' ? base.path : `${base.path}?${text}`;
}

export function startRouter(): void {
  window.history.scrollRestoration = 'manual';
  lastKey = entry().key;
  window.addEventListener('popstate', () => {
    const { key } = entry();
    address.value = new URL(window.location.href);
    // The page is drawn first; before that it may be too short to scroll.
    requestAnimationFrame(() => {
      requestAnimationFrame(() => {
        window.scrollTo(0, scrollPositions.get(key) ?? 0);
      });
    });
  });
  document.addEventListener('click', followLink);
}

function followLink(event: MouseEvent): void {
  const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  const link = event.target instanceof Element ? event.target.closest('a') : null;
  if (!plain || event.defaultPrevented || !link || !staysHere(link)) return;
  event.preventDefault();
  navigate(link.pathname + link.search, { keepScroll: 'over' in link.dataset });
}

function staysHere(link: HTMLAnchorElement): boolean {
  const home = at('/admin');
  const ours =
    link.origin === window.location.origin &&
    (link.pathname === home || link.pathname.startsWith(`${home}/`));
  return ours && link.target === '' && !link.hasAttribute('download');
}
