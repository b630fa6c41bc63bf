import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

interface DialogProps {
  readonly label: string;
  readonly class?: string;
  readonly onClose: () => void;
  readonly onKeyDown?: (event: KeyboardEvent & { readonly currentTarget: HTMLElement }) => void;
  readonly children: ComponentChildren;
}

/** The browser's own dialog: it keeps the focus inside, makes the rest inert, and gives the focus back. */
export function Dialog({ label, class: name = '', onClose, onKeyDown, children }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = element.current;
    const before = document.activeElement;
    dialog?.showModal();
    // Screen readers announce the label first, unless a field inside requests the focus.
    if (!dialog?.querySelector('[autofocus]')) dialog?.focus();
    return () => {
      dialog?.close();
      placeOf(before)?.focus({ preventScroll: true });
    };
  }, []);
  return (
    <dialog
      ref={element}
      class={`dialog ${name}`}
      aria-label={label}
      tabIndex={-1}
      onKeyDown={onKeyDown}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => {
        // A click outside the dialog has the dialog itself as its target, a click inside has one of its
        // elements.
        if (event.target === event.currentTarget) onClose();
      }}
    >
      {children}
    </dialog>
  );
}

/**
 * The element, or its replacement: the grid draws a tile again when the proportions of its picture become
 * known.
 */
function placeOf(before: Element | null): HTMLElement | null {
  if (!(before instanceof HTMLElement)) return null;
  return before.isConnected ? before : document.getElementById(before.id);
}
