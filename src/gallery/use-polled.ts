import { useEffect, useRef, useState } from 'preact/hooks';

interface Polling<Value> {
  /** The pause between two loads, in milliseconds. */
  readonly everyMs: number;
  /** Whether a value is the last one; by default none is. */
  readonly isLast?: (value: Value) => boolean;
}

/**
 * Loads a value when the component appears, and again and again while the page is visible. A failed load is
 * followed by the next one. Undefined until the first value is there; another key begins again.
 */
export function usePolled<Value>(
  key: string,
  load: () => Promise<Value>,
  { everyMs, isLast = () => false }: Polling<Value>,
): Value | undefined {
  const [found, setFound] = useState<{ readonly key: string; readonly value: Value } | undefined>();
  const latest = useRef({ load, isLast });
  latest.current = { load, isLast };
  useEffect(() => {
    let timer: number | undefined;
    let isOver = false;
    const next = async (): Promise<void> => {
      window.clearTimeout(timer);
      // A page in the background asks again when it is shown.
      if (document.hidden) return;
      const value = await latest.current.load().catch(() => undefined);
      if (isOver) return;
      if (value !== undefined) setFound({ key, value });
      if (value === undefined || !latest.current.isLast(value))
        timer = window.setTimeout(() => void next(), everyMs);
    };
    const shown = (): void => void next();
    document.addEventListener('visibilitychange', shown);
    void next();
    return () => {
      isOver = true;
      window.clearTimeout(timer);
      document.removeEventListener('visibilitychange', shown);
    };
  }, [key, everyMs]);
  return found?.key === key ? found.value : undefined;
}
