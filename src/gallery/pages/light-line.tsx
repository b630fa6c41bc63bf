import type { Light } from './channel-light.js';

/** A coloured light beside its sentence, which says the same. */
export function LightLine({ light: { colour, words } }: { readonly light: Light }) {
  return (
    <p class="light-line">
      <i class={`light ${colour}`} aria-hidden="true" />
      <span>{words}</span>
    </p>
  );
}
