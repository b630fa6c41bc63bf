import { useState } from 'preact/hooks';

export interface Submission {
  readonly busy: boolean;
  /** The error of the last attempt. */
  readonly error: unknown;
  /** Runs the work; true if it succeeded. */
  readonly submit: () => Promise<boolean>;
}

/** The state of a form that calls the service. */
export function useSubmit(work: () => Promise<void>): Submission {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const submit = async (): Promise<boolean> => {
    setBusy(true);
    setError(undefined);
    try {
      await work();
      return true;
    } catch (problem) {
      setError(problem);
      return false;
    } finally {
      setBusy(false);
    }
  };
  return { busy, error, submit };
}
