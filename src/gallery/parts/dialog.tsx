import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

interface DialogProps {
  readonly label: string;
  readonly class?: string;
  readonly onClose: () => void;
  readonly onKeyDown?: (event: KeyboardEvent) => void;
  readonly children: ComponentChildren;
}

/** The browser's own dialog: it keeps the focus inside, makes the rest inert, and gives the focus back. */
export function Dialog({ label, class: name = '', onClose, onKeyDown, children }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = element.current;
    const before = document.activeElement;
    dialog?.showModal();
    // Its label is read out first; a field in it that asks for the focus keeps it.
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
        // A click beside it lands on the dialog itself, one in it on what is inside.
        if (event.target === event.currentTarget) onClose();
      }}
    >
      {children}
    </dialog>
  );
}

/** The element, or what has taken its place: the grid draws its tiles anew when a picture's proportions become known. */
function placeOf(before: Element | null): HTMLElement | null {
  if (!(before instanceof HTMLElement)) return null;
  return before.isConnected ? before : document.getElementById(before.id);
}
