import { useSignal } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';

import { mediaStates } from '../../domain/media.js';
import { directions, mediaKinds } from '../../domain/provider.js';
import { api } from '../api.js';
import { at } from '../base.js';
import { filterNames, type FilterName, type Filters } from '../filters.js';
import { isMessageId, t, type MessageId } from '../languages/text.js';
import type { MediaList } from '../media-list.js';
import { Icon } from '../parts/icon.js';
import { addressWith, navigate, query } from '../router.js';
import { PeriodChoice } from '../search/period-choice.js';
import { SavedViews } from '../search/saved-views.js';
import { SearchField } from '../search/search-field.js';
import { TagInput } from '../tags/tag-input.js';
import { useLoad } from '../use-load.js';

/** Other filters make another list, in which the place is another one. */
function setFilter(name: FilterName, value: string): void {
  navigate(addressWith({ [name]: value, at: null }), { replace: name === 'q' });
}

export function FilterBar({ list }: { readonly list: MediaList }) {
  const open = useSignal(false);
  const views = useSignal(false);
  const { filters } = list;
  const count = Object.keys(filters).filter((name) => name !== 'q' && name !== 'kind').length;
  return (
    <search class="filters" aria-label={t('filters.label')}>
      <div class="filter-row">
        <SearchField
          value={filters.q ?? ''}
          search={(text) => {
            if (text !== (filters.q ?? '')) setFilter('q', text);
          }}
          chooseTag={(tag) => {
            navigate(addressWith({ tag, q: null, at: null }));
          }}
        />
        <PeriodChoice
          since={filters.since}
          until={filters.until}
          choose={({ since, until }) => {
            navigate(addressWith({ since, until, at: null }));
          }}
        />
        <button
          type="button"
          class="button"
          aria-expanded={open.value}
          aria-controls="more-filters"
          onClick={() => {
            open.value = !open.value;
          }}
        >
          <Icon name="filter" size={18} />
          {count > 0 ? t('filters.counted', { count }) : t('filters.label')}
        </button>
        <button
          type="button"
          class="button"
          aria-expanded={views.value}
          aria-controls="saved-views"
          onClick={() => {
            views.value = !views.value;
          }}
        >
          <Icon name="star" size={18} /> {t('views.title')}
        </button>
        <KindSwitch kind={filters.kind} />
      </div>
      <div id="more-filters" hidden={!open.value}>
        {open.value && <FilterFields filters={filters} />}
      </div>
      <div id="saved-views" hidden={!views.value}>
        {views.value && <SavedViews filters={filters} />}
      </div>
      <Chips filters={filters} />
    </search>
  );
}

function KindSwitch({ kind }: { readonly kind: string | undefined }) {
  return (
    <div class="segments" role="group" aria-label={t('filters.kind')}>
      {(['', ...mediaKinds] as const).map((value) => (
        <button
          key={value}
          type="button"
          aria-pressed={(kind ?? '') === value}
          onClick={() => {
            setFilter('kind', value);
          }}
        >
          {value === '' ? t('common.all') : t(`kinds.${value}`)}
        </button>
      ))}
    </div>
  );
}

function FilterFields({ filters }: { readonly filters: Filters }) {
  const channels = useLoad(api.channels.list).value ?? [];
  const channelNames = channels.map(({ id, name }): Option => [id, name ?? id]);
  return (
    <div class="filter-fields">
      <Choice name="channel" label={t('filters.channel')} filters={filters} options={channelNames} />
      <Choice
        name="state"
        label={t('filters.state')}
        filters={filters}
        options={mediaStates.map((id) => [id, t(`state.${id}`)])}
      />
      <Choice
        name="direction"
        label={t('filters.direction')}
        filters={filters}
        options={directions.map((id) => [id, t(`direction.${id}`)])}
      />
      <Entry name="from" label={t('filters.person')} filters={filters} placeholder="5511999990000" />
      <Entry name="chat" label={t('filters.chat')} filters={filters} />
      <Choice
        name="favourite"
        label={t('filters.favourite')}
        filters={filters}
        options={[['true', t('favourite.only')]]}
      />
      <TagEntry tag={filters.tag ?? ''} />
      <Day name="since" label={t('filters.from_day')} filters={filters} />
      <Day name="until" label={t('filters.to_day')} filters={filters} />
    </div>
  );
}

type Option = readonly [value: string, name: string];
interface FieldProps {
  readonly name: FilterName;
  readonly label: string;
  readonly filters: Filters;
}

function Choice({ name, label, filters, options }: FieldProps & { readonly options: readonly Option[] }) {
  const chosen = filters[name] ?? '';
  const known = chosen === '' || options.some(([value]) => value === chosen);
  return (
    <label class="field">
      <span>{label}</span>
      <select
        class="input"
        value={chosen}
        onChange={(event) => {
          setFilter(name, event.currentTarget.value);
        }}
      >
        <option value="">{t('common.all')}</option>
        {[...(known ? [] : [[chosen, chosen] as const]), ...options].map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}

function Entry({ name, label, filters, placeholder = '' }: FieldProps & { readonly placeholder?: string }) {
  return (
    <label class="field">
      <span>{label}</span>
      <input
        class="input"
        maxLength={255}
        placeholder={placeholder}
        value={filters[name] ?? ''}
        onChange={(event) => {
          setFilter(name, event.currentTarget.value.trim());
        }}
      />
    </label>
  );
}

/** Filters by a whole tag only, when it has been written or chosen. */
function TagEntry({ tag }: { readonly tag: string }) {
  const [text, setText] = useState(tag);
  useEffect(() => {
    setText(tag);
  }, [tag]);
  return (
    <label class="field">
      <span>{t('filters.tag')}</span>
      <TagInput
        value={text}
        onType={setText}
        onCommit={(written) => {
          if (written !== tag) setFilter('tag', written);
        }}
      />
    </label>
  );
}

function Day({ name, label, filters }: FieldProps) {
  return (
    <label class="field">
      <span>{label}</span>
      <input
        class="input"
        type="date"
        value={filters[name] ?? ''}
        onChange={(event) => {
          setFilter(name, event.currentTarget.value);
        }}
      />
    </label>
  );
}

const labels = {
  channel: 'filters.channel',
  kind: 'filters.kind',
  state: 'filters.state',
  direction: 'filters.direction',
  from: 'filters.person',
  chat: 'filters.group',
  tag: 'filters.tag',
  favourite: 'filters.favourite',
  since: 'filters.from',
  until: 'filters.to',
  q: 'filters.text',
} as const satisfies Record<FilterName, MessageId>;

function Chips({ filters }: { readonly filters: Filters }) {
  const names = filterNames.filter((name) => filters[name] !== undefined);
  if (names.length === 0) return null;
  return (
    <div class="chips">
      {names.map((name) => (
        <button
          key={name}
          type="button"
          class="chip"
          onClick={() => {
            setFilter(name, '');
          }}
        >
          <span class="unseen">{t('filters.remove')}</span>
          <span>{t(labels[name])}</span> {shown(name, filters[name])}
          <Icon name="close" size={14} />
        </button>
      ))}
      {names.length > 1 && (
        <a class="chip-clear" href={addressWith({}, { path: at('/admin'), query: withoutFilters() })}>
          {t('filters.clear')}
        </a>
      )}
    </div>
  );
}

function withoutFilters(): URLSearchParams {
  const rest = new URLSearchParams(query.value);
  for (const name of [...filterNames, 'at']) rest.delete(name);
  return rest;
}

function shown(name: FilterName, value = ''): string {
  if (name === 'favourite') return '';
  const id = `${name}.${value}`;
  return isMessageId(id) ? t(id) : value;
}
