import { useEffect, useRef, useState } from 'preact/hooks';

import type { PersonView } from '../api.js';
import { nameOf, phone } from '../format.js';
import { t } from '../languages/text.js';
import { Icon } from '../parts/icon.js';
import { personAddress } from '../person-address.js';
import { navigate } from '../router.js';
import { useSuggestions, type Suggestion } from './use-suggestions.js';

interface SearchFieldProps {
  readonly value: string;
  /** Is called after a pause in typing, and at once with the Enter key. */
  readonly search: (text: string) => void;
  /** Is called with a suggested tag that was chosen instead of a text. */
  readonly chooseTag: (tag: string) => void;
}

const pauseMs = 300;
const listId = 'suggestions-found';

/**
 * One field for names, numbers, file names, captions, groups and tags. It suggests people and tags: the arrow
 * keys choose one, and Enter opens the page of the person or filters by the tag.
 */
export function SearchField({ value, search, chooseTag }: SearchFieldProps) {
  const { text, type, now, drop } = useTyping(value, search);
  const choose = (suggestion: Suggestion): void => {
    drop();
    if (suggestion.type === 'tag') chooseTag(suggestion.tag);
    else navigate(personAddress(suggestion.person.channel, suggestion.person.id));
  };
  const { shown, chosen, open, close, onKeyDown } = useChoice(text.trim(), { search: now, choose });
  return (
    <div
      class="search-field"
      onFocusOut={({ currentTarget, relatedTarget }) => {
        if (!currentTarget.contains(relatedTarget as Node | null)) close();
      }}
    >
      <Icon name="search" size={18} />
      <input
        class="input"
        type="text"
        inputMode="search"
        enterKeyHint="search"
        role="combobox"
        aria-label={t('search.label')}
        aria-autocomplete="list"
        aria-expanded={shown.length > 0}
        aria-controls={listId}
        aria-activedescendant={chosen < 0 ? undefined : optionId(chosen)}
        placeholder={t('search.placeholder')}
        autocomplete="off"
        spellcheck={false}
        maxLength={200}
        value={text}
        onKeyDown={onKeyDown}
        onInput={(event) => {
          type(event.currentTarget.value);
          open();
        }}
      />
      <Suggestions
        shown={shown}
        chosen={chosen}
        choose={(suggestion) => {
          choose(suggestion);
          close();
        }}
      />
    </div>
  );
}

interface ChoiceActions {
  readonly search: () => void;
  readonly choose: (suggestion: Suggestion) => void;
}

/** What is suggested for a text, and the suggestion that the arrow keys have chosen. */
function useChoice(text: string, { search, choose }: ChoiceActions) {
  const [isOpen, setOpen] = useState(false);
  const [chosen, point] = useState(-1);
  const found = useSuggestions(isOpen ? text : '');
  const shown = isOpen ? found : [];
  const close = (): void => {
    setOpen(false);
    point(-1);
  };
  const onEnter = (): void => {
    const suggestion = shown[chosen];
    if (suggestion) choose(suggestion);
    else search();
    close();
  };
  const keys = new Map([
    [
      'ArrowDown',
      () => {
        point(chosen + 1 < shown.length ? chosen + 1 : -1);
      },
    ],
    [
      'ArrowUp',
      () => {
        point(chosen < 0 ? shown.length - 1 : chosen - 1);
      },
    ],
    ['Escape', close],
  ]);
  return {
    shown,
    chosen: chosen < shown.length ? chosen : -1,
    open: (): void => {
      setOpen(true);
      point(-1);
    },
    close,
    onKeyDown: (event: KeyboardEvent): void => {
      const act = event.key === 'Enter' ? onEnter : shown.length > 0 ? keys.get(event.key) : undefined;
      if (!act) return;
      act();
      event.preventDefault();
    },
  };
}

interface SuggestionsProps {
  readonly shown: readonly Suggestion[];
  readonly chosen: number;
  readonly choose: (suggestion: Suggestion) => void;
}

function Suggestions({ shown, chosen, choose }: SuggestionsProps) {
  return (
    <>
      <ul
        id={listId}
        class="suggestions"
        role="listbox"
        aria-label={t('search.suggestions')}
        hidden={shown.length === 0}
      >
        {shown.map((suggestion, index) => (
          <li
            key={keyOf(suggestion)}
            id={optionId(index)}
            role="option"
            aria-selected={index === chosen}
            // The field keeps the focus until the click has chosen the suggestion.
            onPointerDown={(event) => {
              event.preventDefault();
            }}
            onClick={() => {
              choose(suggestion);
            }}
          >
            {suggestion.type === 'tag' ? (
              <TagSuggestion tag={suggestion.tag} />
            ) : (
              <PersonSuggestion person={suggestion.person} />
            )}
          </li>
        ))}
      </ul>
      <p class="unseen" role="status">
        {shown.length > 0 ? t('search.found', { count: shown.length }) : ''}
      </p>
    </>
  );
}

const optionId = (index: number): string => `suggestion-found-${String(index)}`;

function keyOf(suggestion: Suggestion): string {
  if (suggestion.type === 'tag') return `tag ${suggestion.tag}`;
  return `person ${suggestion.person.channel} ${suggestion.person.id}`;
}

function TagSuggestion({ tag }: { readonly tag: string }) {
  return (
    <>
      <Icon name="tag" size={18} />
      <span class="suggestion-name">{tag}</span>
      <span class="soft">{t('filters.tag')}</span>
    </>
  );
}

function PersonSuggestion({ person }: { readonly person: PersonView }) {
  const { kind, number, channel } = person;
  return (
    <>
      <Icon name={kind === 'group' ? 'group' : 'person'} size={18} />
      <span class="suggestion-name">{nameOf(person)}</span>
      <span class="soft">
        {[number === null || person.name === null ? null : phone(number), channel]
          .filter((part) => part !== null)
          .join(' · ')}
      </span>
    </>
  );
}

/** The text in the field, which is searched for after a pause. */
function useTyping(value: string, search: (text: string) => void) {
  const [text, setText] = useState(value);
  const timer = useRef<number>(undefined);
  useEffect(() => {
    setText(value);
  }, [value]);
  useEffect(
    () => () => {
      window.clearTimeout(timer.current);
    },
    [],
  );
  return {
    text,
    type: (typed: string): void => {
      setText(typed);
      window.clearTimeout(timer.current);
      timer.current = window.setTimeout(() => {
        search(typed.trim());
      }, pauseMs);
    },
    now: (): void => {
      window.clearTimeout(timer.current);
      search(text.trim());
    },
    /** Something else was chosen than a search for the text. */
    drop: (): void => {
      window.clearTimeout(timer.current);
      setText('');
    },
  };
}
