import { t } from '../languages/text.js';
import type { Bulk } from '../use-bulk.js';

interface BulkBarProps {
  readonly bulk: Bulk;
  /** The ids of all listed items that the action applies to. */
  readonly ids: readonly string[];
  readonly action: string;
  readonly onDone: () => void;
}

/** Selects all items or none, runs the action for the selected ones, and shows the progress. */
export function BulkBar({ bulk, ids, action, onDone }: BulkBarProps) {
  const { selected, progress, isRunning } = bulk;
  const selectedIds = ids.filter((id) => selected.has(id));
  const isAll = ids.length > 0 && selectedIds.length === ids.length;
  return (
    <div class="bulk">
      <label class="check">
        <input
          type="checkbox"
          checked={isAll}
          ref={(box) => {
            if (box) box.indeterminate = selectedIds.length > 0 && !isAll;
          }}
          onChange={() => {
            bulk.select(isAll ? [] : ids);
          }}
        />
        <span>
          {selectedIds.length === 0
            ? t('bulk.all', { count: ids.length })
            : t('bulk.selected', { count: selectedIds.length })}
        </span>
      </label>
      <button
        type="button"
        class="button primary"
        disabled={selectedIds.length === 0 || isRunning}
        onClick={() => void bulk.run(selectedIds).then(onDone)}
      >
        {action}
      </button>
      {progress && (
        <span class="bulk-progress">
          <progress value={progress.done} max={progress.of} aria-label={t('bulk.progress', { action })} />
          {t('bulk.done_of', { done: progress.done, all: progress.of })}
          {progress.failed > 0 && (
            <span class="error-text">{t('bulk.failed', { count: progress.failed })}</span>
          )}
        </span>
      )}
    </div>
  );
}
