/** Errors in words for people, and their technical details for support. */
import { InletError } from './api.js';
import { isMessageId, t } from './languages/text.js';

/** What went wrong, as a sentence in the language of the user. */
export function messageOf(error: unknown): string {
  if (error instanceof InletError) return messageOfCode(error.code) ?? t('error.other');
  return error instanceof Error ? sentence(error.message) : String(error);
}

/** What a code of the service means; undefined if these pages do not know it. */
export function messageOfCode(code: string): string | undefined {
  const id = `error.${code}`;
  return isMessageId(id) ? t(id) : undefined;
}

export interface ProblemDetails {
  /** The words of the service or of a provider, in English. */
  readonly lines: readonly string[];
  /** Whether the lines say what the user has to correct, and are therefore shown at once. */
  readonly isNeeded: boolean;
}

/** The technical details of an error; undefined if there are none. */
export function detailsOf(error: unknown): ProblemDetails | undefined {
  if (!(error instanceof InletError)) return undefined;
  const { code, detail, errors, requestId } = error;
  const lines = errors.length > 0 ? errors.map(({ field, message }) => `${field}: ${message}`) : [detail];
  return {
    lines: [
      ...lines.map(sentence),
      requestId === null ? code : `${code} · ${t('problem.request', { id: requestId })}`,
    ],
    isNeeded: correctable.has(code),
  };
}

const correctable: ReadonlySet<string> = new Set([
  'request.invalid',
  'message.refused',
  'upload.refused',
  'channel.not_connectable',
  'channel.provider_refused',
]);

/** The service writes details without capital and full stop. */
export function sentence(text: string): string {
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}
