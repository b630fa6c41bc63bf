import { useState } from 'preact/hooks';

import { api, type SavedViewView } from '../api.js';
import { at } from '../base.js';
import { filtersOfView, filterText, toViewFilters, type Filters } from '../filters.js';
import { t } from '../languages/text.js';
import { Icon } from '../parts/icon.js';
import { Problem } from '../parts/problem.js';
import { mayManage } from '../session.js';
import { useLoad } from '../use-load.js';

/** The longest name that the service takes. */
const longestName = 80;

/** Saved views: to open, to delete, and to save the present filters as one. */
export function SavedViews({ filters }: { readonly filters: Filters }) {
  const [error, setError] = useState<unknown>();
  const views = useLoad(() => api.views.list());
  const work = async (task: () => Promise<unknown>): Promise<void> => {
    setError(undefined);
    await task().catch(setError);
    views.reload();
  };
  return (
    <section class="filter-fields saved-views" aria-label={t('views.title')}>
      {views.error !== undefined && <Problem error={views.error} retry={views.reload} />}
      {views.value && (
        <ViewList views={views.value} onDelete={(id) => void work(() => api.views.remove(id))} />
      )}
      <SaveView
        filters={filters}
        onSave={(view) => void work(() => api.views.save({ ...view, filters: toViewFilters(filters) }))}
      />
      {error !== undefined && <Problem error={error} />}
    </section>
  );
}

interface ViewListProps {
  readonly views: readonly SavedViewView[];
  readonly onDelete: (id: string) => void;
}

/** Without those that programs have saved with filters which these pages do not have. */
function ViewList({ views, onDelete }: ViewListProps) {
  const shown = views.flatMap((view) => {
    const filters = filtersOfView(view.filters);
    return filters ? [{ view, filters }] : [];
  });
  if (shown.length === 0) return <p class="hint">{t('views.none')}</p>;
  return (
    <ul class="chips" aria-label={t('views.title')}>
      {shown.map(({ view: { id, name, own, shared }, filters }) => (
        <li key={id} class="tag">
          <a href={`${at('/admin')}?${filterText(filters)}`}>{name}</a>
          {shared && <span class="soft">{t('views.shared')}</span>}
          {(own || mayManage.value) && (
            <button
              type="button"
              aria-label={t('views.delete', { name })}
              onClick={() => {
                onDelete(id);
              }}
            >
              <Icon name="close" size={14} />
            </button>
          )}
        </li>
      ))}
    </ul>
  );
}

interface SaveViewProps {
  readonly filters: Filters;
  readonly onSave: (view: { readonly name: string; readonly shared: boolean }) => void;
}

function SaveView({ filters, onSave }: SaveViewProps) {
  const [name, setName] = useState('');
  const [shared, setShared] = useState(false);
  if (Object.keys(filters).length === 0) return <p class="hint">{t('views.how')}</p>;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        onSave({ name: name.trim(), shared });
        setName('');
      }}
    >
      <label class="field">
        <span>{t('views.name')}</span>
        <input
          class="input"
          maxLength={longestName}
          required
          value={name}
          onInput={({ currentTarget }) => {
            setName(currentTarget.value);
          }}
        />
      </label>
      {mayManage.value && (
        <label class="check">
          <input
            type="checkbox"
            checked={shared}
            onChange={({ currentTarget }) => {
              setShared(currentTarget.checked);
            }}
          />
          <span>{t('views.share')}</span>
        </label>
      )}
      <button type="submit" class="button small" disabled={name.trim() === ''}>
        {t('views.save')}
      </button>
    </form>
  );
}
