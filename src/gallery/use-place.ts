import { useEffect } from 'preact/hooks';

import { addressWith, navigate, path } from './router.js';

/** Scrolling has stopped if nothing moved for this long. */
const pauseMs = 250;
/** Within this distance from the top, in pixels, the place is the beginning of the list. */
const nearTop = 120;

interface PlaceOptions {
  /** Selects the entries of the list, whose ids are `KIND-` and the id of their item. */
  readonly entries: string;
  /** Whether the list begins with its newest item, so that its top needs no place in the address. */
  readonly isWhole: boolean;
  /** The path of the page. Nothing is written while a dialog has an address of its own. */
  readonly page: string;
}

/** Writes the first entry in sight into the address whenever scrolling stops, so that a reload returns to it. */
export function usePlaceInAddress({ entries, isWhole, page }: PlaceOptions): void {
  useEffect(() => {
    let timer: number | undefined;
    const write = (): void => {
      if (path.value !== page) return;
      const at = isWhole && window.scrollY < nearTop ? null : idInSight(entries);
      const address = addressWith({ at });
      if (address !== addressWith({})) navigate(address, { replace: true });
    };
    const wait = (): void => {
      window.clearTimeout(timer);
      timer = window.setTimeout(write, pauseMs);
    };
    window.addEventListener('scroll', wait, { passive: true });
    return () => {
      window.clearTimeout(timer);
      window.removeEventListener('scroll', wait);
    };
  }, [entries, isWhole, page]);
}

function idInSight(entries: string): string | null {
  const shown = [...document.querySelectorAll(entries)];
  const first = shown.find((entry) => entry.getBoundingClientRect().bottom > 0);
  return first ? first.id.slice(first.id.indexOf('-') + 1) : null;
}
