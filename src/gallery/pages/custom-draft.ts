import type { ProviderView } from '../api.js';

/** A channel that does not exist yet, with the webhook that tries its settings. */
export interface Draft {
  readonly settings: Readonly<Record<string, string>>;
  readonly payload: string;
  readonly contentType: string;
}

export interface DraftProps {
  readonly provider: ProviderView;
  readonly draft: Draft;
  readonly onChange: (draft: Draft) => void;
}

const contentTypes: ReadonlyMap<string | undefined, string> = new Map([
  ['form', 'application/x-www-form-urlencoded'],
]);

export const emptyDraft: Draft = { settings: {}, payload: '', contentType: 'application/json' };

/**
 * The draft with another value of a setting. The format of webhooks decides the type of the sample as well.
 */
export function withSetting(draft: Draft, name: string, value: string): Draft {
  const settings = { ...draft.settings, [name]: value };
  if (name !== 'body') return { ...draft, settings };
  return { ...draft, settings, contentType: contentTypes.get(value.trim()) ?? emptyDraft.contentType };
}

/** The settings that have a value. */
export function filledIn({ settings }: Pick<Draft, 'settings'>): Record<string, string> {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value.trim() !== ''));
}
