/**
 * The arrow keys move the focus from tile to tile: left and right in order, up and down to the nearest tile
 * of the next row.
 */
export function moveFocus(event: KeyboardEvent & { readonly currentTarget: HTMLElement }): void {
  const from = document.activeElement;
  if (!(from instanceof HTMLElement) || !from.matches('.tile')) return;
  const tiles = [...event.currentTarget.querySelectorAll<HTMLElement>('.tile')];
  const target = targetOf(event.key, from, tiles);
  if (!target) return;
  event.preventDefault();
  target.focus({ preventScroll: true });
  target.scrollIntoView({ block: 'nearest' });
}

function targetOf(key: string, from: HTMLElement, tiles: readonly HTMLElement[]): HTMLElement | undefined {
  const at = tiles.indexOf(from);
  if (key === 'ArrowRight') return tiles[at + 1];
  if (key === 'ArrowLeft') return tiles[at - 1];
  if (key === 'ArrowDown') return nearest(from, tiles, 1);
  if (key === 'ArrowUp') return nearest(from, tiles, -1);
  return undefined;
}

function nearest(from: HTMLElement, tiles: readonly HTMLElement[], way: 1 | -1): HTMLElement | undefined {
  const here = from.getBoundingClientRect();
  const middle = here.left + here.width / 2;
  const beyond = tiles
    .map((tile) => ({ tile, box: tile.getBoundingClientRect() }))
    .filter(({ box }) => (box.top - here.top) * way > 1);
  const rowTop = beyond.reduce(
    (top, { box }) => (way > 0 ? Math.min(top, box.top) : Math.max(top, box.top)),
    way * Infinity,
  );
  return beyond
    .filter(({ box }) => Math.abs(box.top - rowTop) < 2)
    .sort((a, b) => distance(a.box, middle) - distance(b.box, middle))[0]?.tile;
}

const distance = (box: DOMRect, x: number): number => Math.abs(box.left + box.width / 2 - x);
