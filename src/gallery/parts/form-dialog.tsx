import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';

import { t } from '../languages/text.js';
import { Dialog } from './dialog.js';
import { Problem } from './problem.js';

interface FormDialogProps {
  readonly title: string;
  readonly action: string;
  /** Whether the form cannot be sent as it is. */
  readonly disabled?: boolean;
  readonly children: ComponentChildren;
  readonly onSubmit: (values: FormData) => Promise<void>;
  readonly onClose: () => void;
}

/** A form above the page. It keeps its fields if the service refuses them. */
export function FormDialog(props: FormDialogProps) {
  const { title, action, disabled = false, children, onSubmit, onClose } = props;
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const submit = async (form: HTMLFormElement): Promise<void> => {
    setBusy(true);
    setError(undefined);
    try {
      await onSubmit(new FormData(form));
    } catch (problem) {
      setError(problem);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog label={title} class="wide" onClose={onClose}>
      <form
        class="dialog-body"
        autocomplete="off"
        onSubmit={(event) => {
          event.preventDefault();
          void submit(event.currentTarget);
        }}
      >
        <h2>{title}</h2>
        {children}
        {error !== undefined && <Problem error={error} />}
        <div class="dialog-actions">
          <button type="button" class="button" onClick={onClose}>
            {t('common.cancel')}
          </button>
          <button type="submit" class="button primary" disabled={busy || disabled}>
            {action}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

/** The trimmed text of a field; empty if the field does not exist. */
export function textOf(values: FormData, name: string): string {
  const value = values.get(name);
  return typeof value === 'string' ? value.trim() : '';
}

export function textsOf(values: FormData, name: string): string[] {
  return values.getAll(name).filter((value) => typeof value === 'string');
}
