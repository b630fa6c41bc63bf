/** Texts of a provider that people are shown: shortened, and without the secrets of the channel. */
import { textOrNull } from './lenient.js';

const maxLength = 300;

/**
 * The text, or the number as text; undefined if there is neither. Secrets are replaced by `***`, because some
 * servers repeat the URL or the headers of the call.
 */
export function cleanText(value: unknown, secrets: readonly string[]): string | undefined {
  const text = typeof value === 'number' ? String(value) : textOrNull(value);
  if (text === null) return undefined;
  const clean = secrets
    .filter((secret) => secret !== '')
    .reduce(
      (rest, secret) => rest.replaceAll(secret, '***').replaceAll(encodeURIComponent(secret), '***'),
      text,
    );
  return textOrNull(clean.slice(0, maxLength)) ?? undefined;
}
