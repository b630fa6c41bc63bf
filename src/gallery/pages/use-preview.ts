import { useEffect, useState } from 'preact/hooks';

import { api, type PreviewView } from '../api.js';
import { filledIn, type Draft } from './custom-draft.js';

/** The pause after the last change, so that not every key asks the service. */
const pauseMs = 400;

export interface PreviewState {
  readonly value: PreviewView | undefined;
  readonly error: unknown;
  /** Whether the value belongs to an earlier draft. */
  readonly isOld: boolean;
}

/** What the service makes of the sample, soon after each change. */
export function usePreview(provider: string, draft: Draft): PreviewState {
  const [state, setState] = useState<PreviewState>({ value: undefined, error: undefined, isOld: false });
  useEffect(() => {
    if (draft.payload.trim() === '') {
      setState({ value: undefined, error: undefined, isOld: false });
      return undefined;
    }
    let isLatest = true;
    setState((before) => ({ ...before, isOld: true }));
    const timer = window.setTimeout(() => {
      const { payload, contentType } = draft;
      api.providers.preview(provider, { settings: filledIn(draft), payload, contentType }).then(
        (value) => {
          if (isLatest) setState({ value, error: undefined, isOld: false });
        },
        (error: unknown) => {
          if (isLatest) setState({ value: undefined, error, isOld: false });
        },
      );
    }, pauseMs);
    return () => {
      isLatest = false;
      window.clearTimeout(timer);
    };
  }, [provider, draft]);
  return state;
}
