import type { ComponentChildren } from 'preact';
import { useId, useRef, useState } from 'preact/hooks';

import { Icon } from './icon.js';

interface MenuProps {
  readonly label: string;
  /** What the menu belongs to, for screen readers, if the page has several menus with this label. */
  readonly subject?: string;
  /** Elements of {@link MenuItem} and {@link MenuLink}. */
  readonly children: ComponentChildren;
}

/**
 * A button with a menu. The browser's popover shows it above dialogs, and Escape or a click elsewhere closes
 * only the menu.
 */
export function Menu({ label, subject, children }: MenuProps) {
  const id = useId();
  const button = useRef<HTMLButtonElement>(null);
  const menu = useRef<HTMLDivElement>(null);
  const [isOpen, setOpen] = useState(false);
  const onToggle = (newState: string): void => {
    const opened = newState === 'open';
    setOpen(opened);
    if (!opened || !menu.current || !button.current) return;
    placeBelow(menu.current, button.current);
    itemsOf(menu.current)[0]?.focus();
  };
  return (
    <>
      <button
        ref={button}
        type="button"
        class="button"
        aria-haspopup="menu"
        aria-expanded={isOpen}
        popovertarget={id}
      >
        <Icon name="more" size={18} /> {label}
        {subject !== undefined && <span class="unseen"> {subject}</span>}
      </button>
      <div
        ref={menu}
        id={id}
        class="menu"
        role="menu"
        aria-label={label}
        popover="auto"
        onToggle={({ newState }) => {
          onToggle(newState);
        }}
        onKeyDown={moveInMenu}
        onClick={({ currentTarget }) => {
          currentTarget.hidePopover();
        }}
      >
        {children}
      </div>
    </>
  );
}

interface MenuItemProps {
  readonly danger?: boolean;
  readonly onChoose: () => void;
  readonly children: ComponentChildren;
}

export function MenuItem({ danger = false, onChoose, children }: MenuItemProps) {
  return (
    <button
      type="button"
      role="menuitem"
      tabIndex={-1}
      class={danger ? 'quiet-danger' : ''}
      onClick={onChoose}
    >
      {children}
    </button>
  );
}

interface MenuLinkProps {
  readonly href: string;
  readonly children: ComponentChildren;
}

/** An item that opens a page of its own. */
export function MenuLink({ href, children }: MenuLinkProps) {
  return (
    <a role="menuitem" tabIndex={-1} href={href} target="_blank" rel="noopener">
      {children}
    </a>
  );
}

const itemsOf = (menu: HTMLElement): HTMLElement[] => [
  ...menu.querySelectorAll<HTMLElement>('[role="menuitem"]'),
];

/** Below the button, or above it where there is no room. */
function placeBelow(menu: HTMLElement, button: HTMLElement): void {
  const around = button.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = menu;
  const below = around.bottom + 4;
  const fitsBelow = below + height <= window.innerHeight;
  menu.style.left = `${String(Math.max(8, Math.min(around.left, document.documentElement.clientWidth - width - 8)))}px`;
  menu.style.top = `${String(fitsBelow ? below : Math.max(8, around.top - height - 4))}px`;
}

/** The arrow keys move through the menu and go round at its ends; nobody else gets them. */
function moveInMenu(event: KeyboardEvent & { readonly currentTarget: HTMLElement }): void {
  const items = itemsOf(event.currentTarget);
  const here = items.findIndex((item) => item === document.activeElement);
  const targets = new Map([
    ['ArrowDown', here + 1],
    ['ArrowUp', here - 1],
    ['Home', 0],
    ['End', -1],
  ]);
  event.stopPropagation();
  if (event.key === 'Tab') event.currentTarget.hidePopover();
  const target = targets.get(event.key);
  if (target === undefined) return;
  event.preventDefault();
  items.at(target % items.length)?.focus();
}
