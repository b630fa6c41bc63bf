import type { KeyHelp } from '../parts/keyboard-help.js';

/** The keys of the viewer, for the help. */
export const viewerKeys: readonly KeyHelp[] = [
  { keys: ['←', '→'], meaning: 'keys.turn' },
  { keys: ['PgUp', 'PgDn'], meaning: 'keys.page' },
  { keys: ['+', '−'], meaning: 'keys.zoom' },
  { keys: ['0', '1'], meaning: 'keys.fit' },
  { keys: ['R'], meaning: 'zoom.rotate' },
  { keys: ['S'], meaning: 'favourite.action' },
  { keys: ['C'], meaning: 'tools.copy' },
  { keys: ['P'], meaning: 'tools.print' },
  { keys: ['O'], meaning: 'tools.open' },
  { keys: ['D'], meaning: 'viewer.download' },
  { keys: ['Esc'], meaning: 'common.close' },
  { keys: ['?'], meaning: 'tools.help' },
];
