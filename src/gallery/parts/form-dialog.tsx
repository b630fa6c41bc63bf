import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';

import { Dialog } from './dialog.js';
import { Problem } from './problem.js';

interface FormDialogProps {
  readonly title: string;
  readonly action: string;
  readonly children: ComponentChildren;
  readonly onSubmit: (values: FormData) => Promise<void>;
  readonly onClose: () => void;
}

/** A form above the page. It keeps its fields if the service refuses them. */
export function FormDialog({ title, action, children, onSubmit, onClose }: FormDialogProps) {
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
            Cancel
          </button>
          <button type="submit" class="button primary" disabled={busy}>
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
