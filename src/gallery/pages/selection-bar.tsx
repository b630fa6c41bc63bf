import { useState } from 'preact/hooks';

import { api } from '../api.js';
import { refreshAttention } from '../attention-count.js';
import { at } from '../base.js';
import { toggleFavourites } from '../favourites.js';
import { t } from '../languages/text.js';
import { sayProblem } from '../live.js';
import type { MediaList } from '../media-list.js';
import { Confirm } from '../parts/confirm.js';
import { Icon, type IconName } from '../parts/icon.js';
import type { Selection } from '../selection.js';
import { mayManage, maySend } from '../session.js';
import { ShareDialog } from '../share/share-dialog.js';
import { TagDialog } from '../tags/tag-dialog.js';
import { useOpen } from '../use-open.js';
import { useBulk, type Bulk } from '../use-bulk.js';

/** The most ids that one export takes. */
const maxExported = 200;

interface SelectionBarProps {
  readonly list: MediaList;
  readonly selection: Selection;
}

/** What can be done with the selected media items. */
export function SelectionBar({ list, selection }: SelectionBarProps) {
  const ids = [...selection.ids.value];
  const update = async (id: string): Promise<string> => {
    list.take(await api.media.get(id), true);
    return id;
  };
  const retrying = useBulk(async (id) => {
    await api.media.retry(id);
    return update(id);
  });
  const erasing = useBulk(async (id) => {
    await api.media.erase(id);
    return update(id);
  });
  if (ids.length === 0) return null;
  const progress = erasing.isRunning ? erasing.progress : retrying.progress;
  return (
    <div class="selection-bar" role="region" aria-label={t('selection.label')}>
      <button type="button" class="button small" aria-label={t('selection.clear')} onClick={selection.clear}>
        <Icon name="close" size={18} />
      </button>
      <b aria-live="polite">{t('bulk.selected', { count: ids.length })}</b>
      {progress && <span>{t('bulk.done_of', { done: progress.done, all: progress.of })}</span>}
      <BarButton
        icon="star"
        label={t('favourite.action')}
        onClick={() => void toggleFavourites(ids).catch(sayProblem)}
      />
      <Downloads ids={ids} />
      {maySend.value && <Tags list={list} ids={ids} />}
      {mayManage.value && (
        <ManagerActions list={list} selection={selection} retrying={retrying} erasing={erasing} />
      )}
    </div>
  );
}

function Tags({ list, ids }: { readonly list: MediaList; readonly ids: readonly string[] }) {
  const dialog = useOpen();
  return (
    <>
      <BarButton icon="tag" label={t('selection.tags')} onClick={dialog.open} />
      {dialog.isOpen && <TagDialog list={list} ids={ids} onClose={dialog.close} />}
    </>
  );
}

interface ManagerActionsProps extends SelectionBarProps {
  readonly retrying: Bulk;
  readonly erasing: Bulk;
}

function ManagerActions({ list, selection, retrying, erasing }: ManagerActionsProps) {
  const [shown, setShown] = useState<'share' | 'erase' | null>(null);
  const ids = [...selection.ids.value];
  const retryable = retryableOf(list, selection);
  const readable = readableOf(list, selection);
  const close = (): void => {
    setShown(null);
  };
  return (
    <>
      <BarButton
        icon="share"
        label={t('actions.share_page')}
        onClick={() => {
          setShown('share');
        }}
      />
      {retryable.length > 0 && (
        <BarButton
          icon="retry"
          label={t('common.try_again')}
          disabled={retrying.isRunning}
          onClick={() => void retrying.run(retryable).then(refreshAttention)}
        />
      )}
      <BarButton
        danger
        icon="erased"
        label={t('actions.erase')}
        disabled={erasing.isRunning}
        onClick={() => {
          setShown('erase');
        }}
      />
      {shown === 'share' && (
        <ShareDialog ids={readable} leftOut={ids.length - readable.length} onClose={close} />
      )}
      {shown === 'erase' && (
        <EraseSelected
          count={ids.length}
          onClose={close}
          onConfirm={async () => {
            await erasing.run(ids);
            selection.clear();
            await refreshAttention();
          }}
        />
      )}
    </>
  );
}

interface BarButtonProps {
  readonly icon: IconName;
  readonly label: string;
  readonly danger?: boolean;
  readonly disabled?: boolean;
  readonly onClick: () => void;
}

function BarButton({ icon, label, danger = false, disabled = false, onClick }: BarButtonProps) {
  return (
    <button
      type="button"
      class={danger ? 'button quiet-danger' : 'button'}
      disabled={disabled}
      onClick={onClick}
    >
      <Icon name={icon} size={18} /> {label}
    </button>
  );
}

interface EraseSelectedProps {
  readonly count: number;
  readonly onConfirm: () => Promise<void>;
  readonly onClose: () => void;
}

function EraseSelected({ count, onConfirm, onClose }: EraseSelectedProps) {
  return (
    <Confirm
      title={t('selection.erase_title', { count })}
      action={t('actions.erase')}
      onConfirm={onConfirm}
      onClose={onClose}
    >
      <p>{t('erase.text')}</p>
      <p>{t('erase.final')}</p>
    </Confirm>
  );
}

/** Ordinary links, so that the browser writes the download to its disk as it comes. */
function Downloads({ ids }: { readonly ids: readonly string[] }) {
  if (ids.length > maxExported) return <span>{t('selection.too_many', { count: maxExported })}</span>;
  const address = (format: 'zip' | 'csv') => at(`/v1/export?format=${format}&ids=${ids.join(',')}`);
  return (
    <>
      <a class="button" href={address('zip')} download>
        <Icon name="download" size={18} /> {t('selection.zip')}
      </a>
      <a class="button" href={address('csv')} download>
        <Icon name="download" size={18} /> {t('selection.csv')}
      </a>
    </>
  );
}

function retryableOf(list: MediaList, selection: Selection): readonly string[] {
  return list.items.value
    .filter(({ id, state }) => (state === 'failed' || state === 'rejected') && selection.ids.value.has(id))
    .map(({ id }) => id);
}

/** Media items that have a file, the oldest first, as people read a page. */
function readableOf(list: MediaList, selection: Selection): readonly string[] {
  return list.items.value
    .filter(({ id, contentUrl }) => contentUrl !== null && selection.ids.value.has(id))
    .map(({ id }) => id)
    .reverse();
}
