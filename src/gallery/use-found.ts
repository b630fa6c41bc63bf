import { useEffect, useState } from 'preact/hooks';

const pauseMs = 120;

/**
 * What is found for a text, after a pause in typing; nothing for null. Another place of the search, such as
 * another channel, begins again.
 */
export function useFound<Item>(
  text: string | null,
  find: (text: string, signal: AbortSignal) => Promise<readonly Item[]>,
  place = '',
): readonly Item[] {
  const [found, setFound] = useState<readonly Item[]>([]);
  useEffect(() => {
    if (text === null) {
      setFound([]);
      return undefined;
    }
    const stop = new AbortController();
    const timer = window.setTimeout(() => {
      find(text, stop.signal).then(
        (items) => {
          if (!stop.signal.aborted) setFound(items);
        },
        () => undefined, // Suggestions only help; the action itself shows what is wrong.
      );
    }, pauseMs);
    return () => {
      window.clearTimeout(timer);
      stop.abort();
    };
  }, [text, place]);
  return found;
}
