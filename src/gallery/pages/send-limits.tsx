import type { ChannelLimits, MediaView } from '../api.js';
import { bytes, typeLabel } from '../format.js';
import { serviceText } from '../languages/service-text.js';
import { t } from '../languages/text.js';
import { cannotSend } from '../reply/cannot-send.js';

type Limits = ChannelLimits['limits'][string];
type Kind = MediaView['kind'];

/** The recipients and files that a channel accepts. */
export function SendLimitsText({ limits }: { readonly limits: ChannelLimits }) {
  if (!limits.sends) return <p class="error-text">{cannotSend(limits)}</p>;
  const variants = Object.entries(limits.limits);
  return (
    <div class="hint limits">
      {variants.map(([name, variant]) => (
        <div key={name}>
          {variants.length > 1 && <b>{name}: </b>}
          {t('limits.to', { recipient: serviceText(variant.recipient.description) })}
          <ul>
            {kindsOf(variant).map(([kind, text]) => (
              <li key={kind}>{text}</li>
            ))}
          </ul>
        </div>
      ))}
    </div>
  );
}

function kindsOf({ media }: Limits): (readonly [Kind, string])[] {
  return (Object.keys(media) as Kind[]).flatMap((kind) => {
    const limit = media[kind];
    if (!limit) return [];
    const types = [...new Set(limit.types.map(typeLabel))].join(', ');
    const text = t('limits.kind', { kind: t(`kind.${kind}`), types, size: bytes(limit.maxBytes) });
    return [[kind, text + captionOf(limit.maxCaption)] as const];
  });
}

function captionOf(maxLength: number | null): string {
  if (maxLength === null) return '';
  return maxLength === 0 ? t('limits.no_caption') : t('limits.caption', { count: maxLength });
}
