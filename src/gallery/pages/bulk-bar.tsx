import type { Bulk } from './use-bulk.js';

interface BulkBarProps {
  readonly bulk: Bulk;
  /** Everything that is listed. */
  readonly ids: readonly string[];
  readonly action: string;
  readonly onDone: () => void;
}

/** Chooses all or none, does it to those that are chosen, and says how far it is. */
export function BulkBar({ bulk, ids, action, onDone }: BulkBarProps) {
  const { selected, progress, isRunning } = bulk;
  const chosen = ids.filter((id) => selected.has(id));
  const isAll = ids.length > 0 && chosen.length === ids.length;
  return (
    <div class="bulk">
      <label class="check">
        <input
          type="checkbox"
          checked={isAll}
          ref={(box) => {
            if (box) box.indeterminate = chosen.length > 0 && !isAll;
          }}
          onChange={() => {
            bulk.select(isAll ? [] : ids);
          }}
        />
        <span>{chosen.length === 0 ? `All ${String(ids.length)}` : `${String(chosen.length)} chosen`}</span>
      </label>
      <button
        type="button"
        class="button primary"
        disabled={chosen.length === 0 || isRunning}
        onClick={() => void bulk.run(chosen).then(onDone)}
      >
        {action}
      </button>
      {progress && (
        <span class="bulk-progress">
          <progress value={progress.done} max={progress.of} aria-label={`${action}: progress`} />
          {progress.done} of {progress.of}
          {progress.failed > 0 && <span class="error-text">, {progress.failed} refused</span>}
        </span>
      )}
    </div>
  );
}
