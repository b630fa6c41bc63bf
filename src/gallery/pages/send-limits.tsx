import { typeName } from '../../domain/type-names.js';
import type { ChannelLimits } from '../api.js';
import { bytes, kindNames } from '../format.js';

type Limits = ChannelLimits['limits'][string];
type Kind = keyof typeof kindNames;

/** The recipients and files that a channel accepts. */
export function SendLimitsText({ limits }: { readonly limits: ChannelLimits }) {
  if (!limits.sends)
    return (
      <p class="error-text">
        This channel cannot send yet. It needs{' '}
        {limits.needs.map((group) => group.join(' and ')).join(', or ')}.
      </p>
    );
  const variants = Object.entries(limits.limits);
  return (
    <div class="hint limits">
      {variants.map(([name, variant]) => (
        <div key={name}>
          {variants.length > 1 && <b>{name}: </b>}
          To: {variant.recipient.description}.
          <ul>
            {kindsOf(variant).map(([kind, text]) => (
              <li key={kind}>
                {kindNames[kind]}: {text}
              </li>
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
    const types = [...new Set(limit.types.map(typeName))].join(', ');
    return [[kind, `${types}, up to ${bytes(limit.maxBytes)}${captionOf(limit.maxCaption)}`] as const];
  });
}

function captionOf(maxLength: number | null): string {
  if (maxLength === null) return '';
  return maxLength === 0 ? ', without a caption' : `, captions up to ${String(maxLength)} characters`;
}
