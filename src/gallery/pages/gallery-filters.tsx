import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';

import { mediaStates } from '../../domain/media.js';
import { ownValue } from '../../domain/own-value.js';
import { directions, mediaKinds } from '../../domain/provider.js';
import { api } from '../api.js';
import { at } from '../base.js';
import { filterNames, type FilterName, type Filters } from '../filters.js';
import { directionNames, kindNames, stateNames } from '../format.js';
import type { MediaList } from '../media-list.js';
import { Icon } from '../parts/icon.js';
import { addressWith, navigate, query } from '../router.js';
import { useLoad } from '../use-load.js';

function setFilter(name: FilterName, value: string): void {
  navigate(addressWith({ [name]: value }), { replace: name === 'q' });
}

export function FilterBar({ list }: { readonly list: MediaList }) {
  const open = useSignal(false);
  const { filters } = list;
  const count = Object.keys(filters).filter((name) => name !== 'q' && name !== 'kind').length;
  return (
    <search class="filters" aria-label="Filters">
      <div class="filter-row">
        <CaptionSearch value={filters.q ?? ''} />
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
          Filters{count > 0 ? ` (${String(count)})` : ''}
        </button>
        <KindSwitch kind={filters.kind} />
      </div>
      <div id="more-filters" hidden={!open.value}>
        {open.value && <FilterFields filters={filters} />}
      </div>
      <Chips filters={filters} />
    </search>
  );
}

const pauseMs = 300;

/** Searches after a pause in typing. */
function CaptionSearch({ value }: { readonly value: string }) {
  const text = useSignal(value);
  const timer = useRef<number>(undefined);
  useEffect(() => {
    text.value = value;
  }, [value, text]);
  useEffect(
    () => () => {
      window.clearTimeout(timer.current);
    },
    [],
  );
  return (
    <label class="search-field">
      <Icon name="search" size={18} />
      <span class="unseen">Search captions</span>
      <input
        class="input"
        type="search"
        placeholder="Search captions"
        maxLength={200}
        value={text.value}
        onInput={(event) => {
          text.value = event.currentTarget.value;
          window.clearTimeout(timer.current);
          timer.current = window.setTimeout(() => {
            setFilter('q', text.value.trim());
          }, pauseMs);
        }}
      />
    </label>
  );
}

function KindSwitch({ kind }: { readonly kind: string | undefined }) {
  return (
    <div class="segments" role="group" aria-label="Kind">
      {['', ...mediaKinds].map((value) => (
        <button
          key={value}
          type="button"
          aria-pressed={(kind ?? '') === value}
          onClick={() => {
            setFilter('kind', value);
          }}
        >
          {value === '' ? 'All' : pluralOf(value)}
        </button>
      ))}
    </div>
  );
}

function pluralOf(kind: string): string {
  const name = kindNames[kind as keyof typeof kindNames];
  return kind === 'audio' ? name : `${name}s`;
}

function FilterFields({ filters }: { readonly filters: Filters }) {
  const channels = useLoad(api.channels.list).value ?? [];
  const channelNames = channels.map(({ id, name }): Option => [id, name ?? id]);
  return (
    <div class="filter-fields">
      <Choice name="channel" label="Channel" filters={filters} options={channelNames} />
      <Choice
        name="state"
        label="State"
        filters={filters}
        options={mediaStates.map((id) => [id, stateNames[id]])}
      />
      <Choice
        name="direction"
        label="Direction"
        filters={filters}
        options={directions.map((id) => [id, directionNames[id]])}
      />
      <Entry name="from" label="Person" filters={filters} placeholder="5511999990000" />
      <Entry name="chat" label="Group or conversation" filters={filters} />
      <Day name="since" label="From day" filters={filters} />
      <Day name="until" label="To day" filters={filters} />
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
        <option value="">All</option>
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

const labels: Readonly<Record<FilterName, string>> = {
  channel: 'Channel',
  kind: 'Kind',
  state: 'State',
  direction: 'Direction',
  from: 'Person',
  chat: 'Group',
  since: 'From',
  until: 'To',
  q: 'Caption',
};

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
          <span class="unseen">Remove the filter </span>
          <span>{labels[name]}</span> {shown(name, filters[name])}
          <Icon name="close" size={14} />
        </button>
      ))}
      {names.length > 1 && (
        <a class="chip-clear" href={addressWith({}, { path: at('/admin'), query: withoutFilters() })}>
          Clear all
        </a>
      )}
    </div>
  );
}

function withoutFilters(): URLSearchParams {
  const rest = new URLSearchParams(query.value);
  for (const name of filterNames) rest.delete(name);
  return rest;
}

const words: Readonly<Record<string, string>> = { ...kindNames, ...stateNames, ...directionNames };

function shown(name: FilterName, value = ''): string {
  return name === 'kind' || name === 'state' || name === 'direction'
    ? (ownValue(words, value) ?? value)
    : value;
}
