import { useState } from 'preact/hooks';

import { announcement } from '../live.js';
import { messageOf } from '../session.js';

/** So many at once: quick for a person, and nothing for the service. */
const atOnce = 4;

export interface Bulk {
  readonly selected: ReadonlySet<string>;
  readonly toggle: (id: string) => void;
  readonly select: (ids: readonly string[]) => void;
  /** How far the last run got; null before the first. */
  readonly progress: { readonly done: number; readonly of: number; readonly failed: number } | null;
  readonly isRunning: boolean;
  /** What came of each, in words. */
  readonly results: ReadonlyMap<string, { readonly ok: boolean; readonly words: string }>;
  readonly run: (ids: readonly string[]) => Promise<void>;
}

/** Does the same to many: some at a time, with what came of each. */
export function useBulk(task: (id: string) => Promise<string>): Bulk {
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const [progress, setProgress] = useState<Bulk['progress']>(null);
  const [results, setResults] = useState<Bulk['results']>(new Map());
  const isRunning = progress !== null && progress.done < progress.of;

  const one = async (id: string): Promise<void> => {
    const result = await task(id).then(
      (words) => ({ ok: true, words }),
      (error: unknown) => ({ ok: false, words: messageOf(error) }),
    );
    setResults((before) => new Map(before).set(id, result));
    setProgress(
      (before) => before && { ...before, done: before.done + 1, failed: before.failed + (result.ok ? 0 : 1) },
    );
  };
  const run = async (ids: readonly string[]): Promise<void> => {
    if (isRunning || ids.length === 0) return;
    setProgress({ done: 0, of: ids.length, failed: 0 });
    const left = [...ids];
    const work = async (): Promise<void> => {
      for (let id = left.shift(); id !== undefined; id = left.shift()) await one(id);
    };
    await Promise.all(Array.from({ length: atOnce }, work));
    setSelected(new Set());
    announcement.value = `${String(ids.length)} done`;
  };
  return {
    selected,
    toggle: (id) => {
      setSelected((before) => {
        const next = new Set(before);
        if (!next.delete(id)) next.add(id);
        return next;
      });
    },
    select: (ids) => {
      setSelected(new Set(ids));
    },
    progress,
    isRunning,
    results,
    run,
  };
}
