/** Where we are, as the address bar says it. Links are ordinary links: a click on one stays in the page, everything else is the browser's. */
import { computed, signal } from '@preact/signals';

import { at } from './base.js';

const address = signal(new URL(window.location.href));

export const path = computed(() => address.value.pathname.replace(/\/+$/, '') || at('/admin'));
export const query = computed(() => address.value.searchParams);

interface Entry {
  readonly key: number;
  /** Whether an entry of ours is behind it, so that going back stays here. */
  readonly inside: boolean;
}

const scrollPositions = new Map<number, number>();
let lastKey = 0;

function entry(): Entry {
  const state: unknown = window.history.state;
  return typeof state === 'object' && state && 'key' in state ? (state as Entry) : { key: 0, inside: false };
}

interface Going {
  /** Takes the place of where we are, so that going back does not come here again. */
  readonly replace?: boolean;
  /** Something is put above the page, which stays as it is. */
  readonly keepScroll?: boolean;
}

export function navigate(to: string, { replace = false, keepScroll = false }: Going = {}): void {
  const before = entry();
  scrollPositions.set(before.key, window.scrollY);
  if (replace) window.history.replaceState(before, '', to);
  else window.history.pushState({ key: (lastKey += 1), inside: true } satisfies Entry, '', to);
  address.value = new URL(window.location.href);
  if (!replace && !keepScroll) window.scrollTo(0, 0);
}

/** Back to where one came from, or to the given place for somebody who came from elsewhere. */
export function goBack(otherwise: string): void {
  if (entry().inside) window.history.back();
  else navigate(otherwise, { replace: true });
}

/** The same page with other parameters; empty ones are left out. */
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
    const position = scrollPositions.get(key) ?? 0;
    // The page is drawn first; before that it may be too short to scroll.
    requestAnimationFrame(() => {
      requestAnimationFrame(() => {
        window.scrollTo(0, position);
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
