/** Line drawings of 24 by 24, in the colour of the text around them. */
const paths = {
  gallery: 'M4 5.5h16v13H4zM4 15l4.5-4 4 3.5L16 11l4 4M9 9.2h.01',
  send: 'M4 11.500 20 4.500l-6.500 15.500-2.800-6zM10.700 14 20 4.500',
  attention: 'M12 4 3 19.5h18zM12 10v4.5M12 17.2h.01',
  overview: 'M4.5 20V11M10 20V4M15.5 20v-7M20.5 20H3.5',
  channels: 'M5 12a7 7 0 0 1 7-7M5 19h.01M5 8.5A10.5 10.5 0 0 1 15.5 19M5 13.500A5.5 5.5 0 0 1 10.5 19',
  subscriptions: 'M6 16V10.500a6 6 0 0 1 12 0V16l1.500 2h-15zM10 20.500h4',
  tokens:
    'M14.500 13a4.500 4.500 0 1 0-4.200-2.900L4 16.500V20h3.500v-2.500H10V15l1.200-1.200a4.500 4.500 0 0 0 3.300-.8M16 7.800h.01',
  audit: 'M6 4h9l3.500 3.500V20H6zM9 10h6M9 13.500h6M9 17h3.500',
  more: 'M5.500 12h.01M12 12h.01M18.500 12h.01',
  search: 'M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14M20 20l-4-4',
  filter: 'M4 7h16M7 12h10M10 17h4',
  close: 'M6 6l12 12M18 6 6 18',
  left: 'M14.500 5.500 8 12l6.500 6.500',
  right: 'M9.500 5.500 16 12l-6.500 6.500',
  play: 'M8 5.500v13l10.500-6.500z',
  sound: 'M4 10v4M8 7v10M12 4.500v15M16 8v8M20 10.500v3',
  document: 'M6 3.500h8l4.500 4.500v12.500H6zM13.500 3.500V8.500h5',
  sticker: 'M5 5h14v8.500L13.500 19H5zM19 13.500h-5.500V19',
  clock: 'M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16M12 8v4.500l3 1.800',
  failed: 'M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16M12 8v4.500M12 15.500h.01',
  rejected: 'M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16M6.500 6.500l11 11',
  erased: 'M5 7h14M10 4h4M7 7l1 13h8l1-13M10 11v5M14 11v5',
  download: 'M12 4v11M7.500 11l4.500 4.500 4.500-4.500M5 19.500h14',
  link: 'M10 14a4 4 0 0 0 5.700 0l3-3A4 4 0 0 0 13 5.300l-1 1M14 10a4 4 0 0 0-5.700 0l-3 3A4 4 0 0 0 11 18.700l1-1',
  retry: 'M19.500 12a7.500 7.500 0 1 1-2.200-5.300L19.500 9M19.500 4.500V9H15',
  person: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8M4.500 20a7.500 7.500 0 0 1 15 0',
  copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
  check: 'M5 12.500l4.500 4.500L19 7.500',
  plus: 'M12 5v14M5 12h14',
  minus: 'M5 12h14',
  sun: 'M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8M12 3v1.500M12 19.500V21M3 12h1.500M19.500 12H21M5.600 5.600l1.100 1.100M17.300 17.300l1.100 1.100M5.600 18.400l1.100-1.100M17.300 6.700l1.100-1.100',
  moon: 'M20 14.500A8 8 0 0 1 9.500 4a8 8 0 1 0 10.500 10.500',
  system: 'M4 5h16v11H4zM9 20h6M12 16v4',
  leave: 'M10 4H5v16h5M9.500 12H20M16 8l4 4-4 4',
  up: 'M12 19V5M6 11l6-6 6 6',
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name, size = 20 }: { readonly name: IconName; readonly size?: number }) {
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={paths[name]} />
    </svg>
  );
}
