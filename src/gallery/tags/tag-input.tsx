import { useId, useState } from 'preact/hooks';

import { useFound } from '../use-found.js';
import { findTags, longestTag } from './find-tags.js';

interface TagInputProps {
  readonly value: string;
  /** The name of the field, unless an element around it has one. */
  readonly label?: string;
  /** Only the tags of this channel are suggested. */
  readonly channel?: string;
  /** Tags that are not suggested. */
  readonly without?: readonly string[];
  readonly disabled?: boolean;
  readonly onType: (text: string) => void;
  /** Is called when the user has written a tag to its end: with the Enter key, or by leaving the field. */
  readonly onCommit?: (text: string) => void;
}

/** A field for one tag. While it is used, it suggests the tags that media have. */
export function TagInput(props: TagInputProps) {
  const { value, label, channel, without = [], disabled = false, onType, onCommit } = props;
  const [isUsed, setUsed] = useState(false);
  const list = useId();
  const found = useFound(
    isUsed ? value.trim() : null,
    (text, signal) => findTags(text, { channel, signal }),
    channel,
  );
  return (
    <>
      <input
        class="input"
        list={list}
        aria-label={label}
        placeholder={label ?? ''}
        maxLength={longestTag}
        autocomplete="off"
        value={value}
        disabled={disabled}
        onFocus={() => {
          setUsed(true);
        }}
        onBlur={() => {
          setUsed(false);
          onCommit?.(value.trim());
        }}
        onInput={(event) => {
          onType(event.currentTarget.value);
        }}
        onKeyDown={(event) => {
          if (event.key === 'Enter') onCommit?.(value.trim());
        }}
      />
      <datalist id={list}>
        {found
          .filter((tag) => !without.includes(tag))
          .map((tag) => (
            <option key={tag} value={tag} />
          ))}
      </datalist>
    </>
  );
}
