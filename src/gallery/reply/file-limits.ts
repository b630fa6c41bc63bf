/** What a channel would do with a file, told before it is sent. */
import type { ChannelLimits, MediaView } from '../api.js';
import { bytes, typeLabel } from '../format.js';
import { t } from '../languages/text.js';

/** The kind that the browser reports for the file. The service detects the real type from the bytes. */
export function kindOf(file: File): MediaView['kind'] {
  const [group] = file.type.split('/');
  return group === 'image' || group === 'video' || group === 'audio' ? group : 'document';
}

export interface Forecast {
  /** Why the file cannot be sent. */
  readonly refusal?: string;
  /** What happens to it before it is sent. */
  readonly note?: string;
  /** In characters; null if there is no limit, or none is known. */
  readonly maxCaption: number | null;
}

export function forecastOf(file: File, limits: ChannelLimits): Forecast {
  const variant = limits.limits['default'] ?? Object.values(limits.limits)[0];
  const kind = kindOf(file);
  const limit = variant?.media[kind];
  if (!limit) return { refusal: t('reply.kind_refused', { kind: t(`kind.${kind}`) }), maxCaption: null };
  const { types, maxBytes, maxCaption } = limit;
  const isTooLarge = file.size > maxBytes;
  const isForeign = file.type !== '' && !types.includes(file.type);
  if (kind === 'image')
    return { ...((isTooLarge || isForeign) && { note: t('reply.converted') }), maxCaption };
  if (isTooLarge) return { refusal: t('reply.too_large', { size: bytes(maxBytes) }), maxCaption };
  if (isForeign) return { refusal: t('reply.type_refused', { types: labelsOf(types) }), maxCaption };
  return { maxCaption };
}

function labelsOf(types: readonly string[]): string {
  return [...new Set(types.map(typeLabel))].join(', ');
}
