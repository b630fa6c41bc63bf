import { useCallback, useState } from 'preact/hooks';

interface Open {
  readonly isOpen: boolean;
  readonly open: () => void;
  readonly close: () => void;
}

/** Whether a dialog or a section is open. The two functions stay the same between renderings. */
export function useOpen(): Open {
  const [isOpen, setOpen] = useState(false);
  const open = useCallback(() => {
    setOpen(true);
  }, []);
  const close = useCallback(() => {
    setOpen(false);
  }, []);
  return { isOpen, open, close };
}
