import { useCallback, useEffect, useRef, useState } from 'preact/hooks';

export interface Loaded<Value> {
  readonly value: Value | undefined;
  readonly error: unknown;
  readonly loading: boolean;
  readonly reload: () => void;
  /** Like `reload`; resolves when the value, or what is wrong, is known. */
  readonly reloaded: () => Promise<void>;
}

/**
 * Loads a value when the component appears and when the key changes. The previous value stays during a
 * reload.
 */
export function useLoad<Value>(load: () => Promise<Value>, key = ''): Loaded<Value> {
  const [state, setState] = useState<{ key: string; value?: Value; error?: unknown; loading: boolean }>({
    key,
    loading: true,
  });
  const latest = useRef(load);
  latest.current = load;
  const turn = useRef(0);
  const run = useCallback((): Promise<void> => {
    const mine = (turn.current += 1);
    const isLatest = (): boolean => turn.current === mine;
    setState((before) =>
      before.key === key ? { key, ...withValue(before), loading: true } : { key, loading: true },
    );
    return latest.current().then(
      (value) => {
        if (isLatest()) setState({ key, value, loading: false });
      },
      (error: unknown) => {
        if (isLatest()) setState((before) => ({ key, ...withValue(before), error, loading: false }));
      },
    );
  }, [key]);
  const reload = useCallback((): void => void run(), [run]);
  useEffect(() => {
    reload();
    return () => {
      turn.current += 1;
    };
  }, [reload]);
  const current = state.key === key ? state : undefined;
  return {
    value: current?.value,
    error: current?.error,
    loading: current?.loading ?? true,
    reload,
    reloaded: run,
  };
}

function withValue<Value>(before: { value?: Value }): { value?: Value } {
  return before.value === undefined ? {} : { value: before.value };
}
