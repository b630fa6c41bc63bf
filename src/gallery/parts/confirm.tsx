import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';

import { Rich } from '../languages/rich.js';
import { t } from '../languages/text.js';
import { Dialog } from './dialog.js';
import { Problem } from './problem.js';

interface ConfirmProps {
  readonly title: string;
  /** Explains the consequences. */
  readonly children: ComponentChildren;
  /** The label of the button that confirms. */
  readonly action: string;
  /** A text that the user must type to confirm. */
  readonly typed?: string;
  readonly onConfirm: () => Promise<void>;
  readonly onClose: () => void;
}

/** Asks for confirmation before an action that cannot be undone. */
export function Confirm({ title, children, action, typed, onConfirm, onClose }: ConfirmProps) {
  const [text, setText] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const confirm = async (): Promise<void> => {
    setBusy(true);
    setError(undefined);
    try {
      await onConfirm();
      onClose();
    } catch (problem) {
      setError(problem);
      setBusy(false);
    }
  };
  return (
    <Dialog label={title} onClose={onClose}>
      <form
        class="dialog-body"
        onSubmit={(event) => {
          event.preventDefault();
          void confirm();
        }}
      >
        <h2>{title}</h2>
        {children}
        {typed !== undefined && (
          <label class="field">
            <span>
              <Rich id="confirm.type" values={{ typed }} />
            </span>
            <input
              class="input"
              value={text}
              autocomplete="off"
              spellcheck={false}
              onInput={(event) => {
                setText(event.currentTarget.value);
              }}
            />
          </label>
        )}
        {error !== undefined && <Problem error={error} />}
        <div class="dialog-actions">
          <button type="button" class="button" onClick={onClose}>
            {t('common.cancel')}
          </button>
          <button
            type="submit"
            class="button danger"
            disabled={busy || (typed !== undefined && text !== typed)}
          >
            {action}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
