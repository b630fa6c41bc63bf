import { useState } from 'preact/hooks';

import { t } from './languages/text.js';
import { announcement } from './live.js';
import { messageOf } from './problem-text.js';

/** Number of parallel calls: fast enough for a person, and a small load for the service. */
const parallelCalls = 4;

export interface Bulk {
  readonly selected: ReadonlySet<string>;
  readonly toggle: (id: string) => void;
  readonly select: (ids: readonly string[]) => void;
  /** Progress of the last run; null before the first. */
  readonly progress: { readonly done: number; readonly of: number; readonly failed: number } | null;
  readonly isRunning: boolean;
  /** The result of each item as a sentence, by id. */
  readonly results: ReadonlyMap<string, { readonly ok: boolean; readonly words: string }>;
  readonly run: (ids: readonly string[]) => Promise<void>;
}

/** Runs one task for many items, a few at a time, and collects the results. */
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
    await Promise.all(Array.from({ length: parallelCalls }, work));
    setSelected(new Set());
    announcement.value = t('bulk.finished', { count: ids.length });
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
