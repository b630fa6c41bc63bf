import { useState } from 'preact/hooks';

import type { MediaView } from '../api.js';
import { t } from '../languages/text.js';
import type { MediaList } from '../media-list.js';
import { useBulk, type Bulk } from '../use-bulk.js';
import { Dialog } from '../parts/dialog.js';
import { changeTags, withoutTag, withTag } from './change-tags.js';
import { TagInput } from './tag-input.js';

interface TagDialogProps {
  readonly list: MediaList;
  /** The media items whose tags are changed. */
  readonly ids: readonly string[];
  readonly onClose: () => void;
}

/** Adds a tag to several media items, or removes it from them. */
export function TagDialog({ list, ids, onClose }: TagDialogProps) {
  const media = list.items.value.filter(({ id }) => ids.includes(id));
  const [text, setText] = useState('');
  const [isAdding, setAdding] = useState(true);
  const tag = text.trim();
  const change = useChange(list, tag);
  const { run, results, isRunning, progress } = isAdding ? change.adding : change.removing;
  const failed = ids.filter((id) => results.get(id)?.ok === false);
  const close = (): void => {
    if (!isRunning) onClose();
  };
  const begin = (adds: boolean): void => {
    setAdding(adds);
    void (adds ? change.adding : change.removing).run(ids);
  };
  return (
    <Dialog label={t('tags.title', { count: ids.length })} class="wide" onClose={close}>
      <form
        class="dialog-body"
        onSubmit={(event) => {
          event.preventDefault();
          if (tag !== '' && !isRunning) begin(true);
        }}
      >
        <h2>{t('tags.title', { count: ids.length })}</h2>
        <label class="field">
          <span>{t('filters.tag')}</span>
          <TagInput value={text} disabled={isRunning} onType={setText} />
        </label>
        <TagsOf media={media} choose={setText} />
        <div class="button-row">
          <button type="submit" class="button primary" disabled={tag === '' || isRunning}>
            {t('tags.add')}
          </button>
          <button
            type="button"
            class="button"
            disabled={tag === '' || isRunning}
            onClick={() => {
              begin(false);
            }}
          >
            {t('tags.remove')}
          </button>
        </div>
        <Outcome progress={progress} failed={failed} results={results} again={() => void run(failed)} />
        <div class="dialog-actions">
          <button type="button" class="button" disabled={isRunning} onClick={close}>
            {t('common.close')}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function useChange(list: MediaList, tag: string): { readonly adding: Bulk; readonly removing: Bulk } {
  const change =
    (next: (tags: readonly string[], tag: string) => readonly string[]) =>
    async (id: string): Promise<string> => {
      const media = list.items.value.find((one) => one.id === id);
      if (media) list.take(await changeTags(media, (tags) => next(tags, tag)), true);
      return tag;
    };
  return { adding: useBulk(change(withTag)), removing: useBulk(change(withoutTag)) };
}

/** More would not be looked through. */
const mostShown = 20;

interface TagsOfProps {
  readonly media: readonly MediaView[];
  readonly choose: (tag: string) => void;
}

/** The tags that the media items have; a click writes one of them into the field. */
function TagsOf({ media, choose }: TagsOfProps) {
  const counts = new Map<string, number>();
  for (const tag of media.flatMap(({ annotations }) => annotations.tags))
    counts.set(tag, (counts.get(tag) ?? 0) + 1);
  if (counts.size === 0) return null;
  const most = [...counts].sort(([, one], [, other]) => other - one).slice(0, mostShown);
  return (
    <div class="chips" role="group" aria-label={t('tags.present')}>
      {most.map(([tag, count]) => (
        <button
          key={tag}
          type="button"
          class="chip"
          onClick={() => {
            choose(tag);
          }}
        >
          {tag} <span>{t('tags.on', { count })}</span>
        </button>
      ))}
    </div>
  );
}

interface OutcomeProps extends Pick<Bulk, 'progress' | 'results'> {
  readonly failed: readonly string[];
  readonly again: () => void;
}

/** The progress, and why some media items could not be changed. */
function Outcome({ progress, results, failed, again }: OutcomeProps) {
  if (!progress) return null;
  const isOver = progress.done === progress.of;
  const reasons = new Set(failed.map((id) => results.get(id)?.words ?? ''));
  return (
    <div role="status">
      <p class="bulk-progress">
        <progress value={progress.done} max={progress.of} aria-label={t('tags.progress')} />
        {t('bulk.done_of', { done: progress.done, all: progress.of })}
      </p>
      {isOver && failed.length > 0 && (
        <div class="error-text">
          <p>{t('tags.failed', { count: failed.length })}</p>
          {[...reasons].map((reason) => (
            <p key={reason}>{reason}</p>
          ))}
          <button type="button" class="button small" onClick={again}>
            {t('common.try_again')}
          </button>
        </div>
      )}
    </div>
  );
}
