import type { RefObject } from 'preact';
import { useId, useState } from 'preact/hooks';

import { t } from '../languages/text.js';

interface PasswordFieldProps {
  readonly label: string;
  readonly autocomplete: 'current-password' | 'new-password';
  readonly value: string;
  readonly onInput: (value: string) => void;
  /** The rules, which the user reads before the first attempt. */
  readonly hint?: string;
  readonly error?: string | undefined;
  readonly field?: RefObject<HTMLInputElement | null>;
}

// The types of Preact have different attributes for each type of a field.
const visible = { type: 'text' } as const;
const hidden = { type: 'password' } as const;

/** A password, which the user can show in order to check it. */
export function PasswordField({ label, autocomplete, hint, error, field, ...text }: PasswordFieldProps) {
  const id = useId();
  const [isShown, setShown] = useState(false);
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <div class="copy-field">
        <input
          ref={field ?? null}
          id={id}
          class="input"
          {...(isShown ? visible : hidden)}
          name={autocomplete}
          required
          autocomplete={autocomplete}
          autocapitalize="off"
          spellcheck={false}
          value={text.value}
          aria-invalid={error !== undefined}
          aria-describedby={`${id}-hint ${id}-error`}
          onInput={(event) => {
            text.onInput(event.currentTarget.value);
          }}
        />
        <button
          type="button"
          class="button"
          aria-pressed={isShown}
          aria-controls={id}
          onClick={() => {
            setShown(!isShown);
          }}
        >
          {t('password.show')}
        </button>
      </div>
      {hint !== undefined && (
        <span id={`${id}-hint`} class="hint">
          {hint}
        </span>
      )}
      {error !== undefined && (
        <p id={`${id}-error`} class="error-text" role="alert">
          {error}
        </p>
      )}
    </div>
  );
}
