import { useEffect } from 'preact/hooks';

import { KeyboardHelp, type KeyHelp } from '../parts/keyboard-help.js';
import { useOpen } from '../use-open.js';

const gridKeys: readonly KeyHelp[] = [
  { keys: ['←', '→', '↑', '↓'], meaning: 'keys.move' },
  { keys: ['↵'], meaning: 'keys.open' },
  { keys: ['␣'], meaning: 'keys.select' },
  { keys: ['⇧', '→'], meaning: 'keys.select_next' },
  { keys: ['Ctrl', 'A'], meaning: 'keys.select_all' },
  { keys: ['S'], meaning: 'favourite.action' },
  { keys: ['Esc'], meaning: 'selection.clear' },
  { keys: ['?'], meaning: 'tools.help' },
];

/** The keys of the grid, which `?` lists unless somebody is writing or looks at something above the grid. */
export function GridHelp() {
  const help = useOpen();
  useEffect(() => {
    const listen = ({ key, target }: KeyboardEvent): void => {
      if (key !== '?' || isField(target) || document.querySelector('dialog[open]')) return;
      help.open();
    };
    window.addEventListener('keydown', listen);
    return () => {
      window.removeEventListener('keydown', listen);
    };
  }, []);
  return help.isOpen ? <KeyboardHelp keys={gridKeys} onClose={help.close} /> : null;
}

function isField(target: EventTarget | null): boolean {
  return target instanceof Element && target.matches('input:not([type="checkbox"]), select, textarea');
}
