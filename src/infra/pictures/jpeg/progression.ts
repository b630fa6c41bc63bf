/**
 * Checks the passes of a progressive JPEG: each bit of each coefficient arrives exactly once. Otherwise a
 * pass could hold pixels that a later pass replaces.
 */
interface Pass {
  /** The first and the last coefficient. */
  readonly first: number;
  readonly last: number;
  /** The bit positions of the previous pass and of this pass, four bits each, as in the file. */
  readonly precision: number;
}

export interface Progression {
  /** Adds a pass over these components; false if it is not one that the previous passes call for. */
  readonly add: (components: readonly number[], pass: Pass) => boolean;
  /** Whether all bits of this number of components have arrived. */
  readonly isComplete: (components: number) => boolean;
}

const coefficients = 64;
const maxComponents = 3;
const missing = -1;
const maxPosition = 13;

export function createProgression(): Progression {
  /** The position of the lowest bit that has arrived, for each coefficient of each component. */
  const positions = Array.from({ length: maxComponents }, () => new Int8Array(coefficients).fill(missing));
  const addTo = (component: number, { first, last, precision }: Pass): boolean => {
    const previous = precision >> 4;
    const position = precision & 15;
    const expected = previous === 0 ? missing : previous;
    const known = positions[component]?.subarray(first, last + 1);
    if (!known?.every((one) => one === expected)) return false;
    known.fill(position);
    return true;
  };
  return {
    add: (components, pass) => isPossible(components, pass) && components.every((one) => addTo(one, pass)),
    isComplete: (components) =>
      positions.slice(0, components).every((known) => known.every((position) => position === 0)),
  };
}

/** The average of a block has passes of its own; each other pass is about one component. */
function isPossible(components: readonly number[], { first, last, precision }: Pass): boolean {
  const previous = precision >> 4;
  const position = precision & 15;
  const isAverage = first === 0 && last === 0;
  const isOther = first > 0 && first <= last && last < coefficients && components.length === 1;
  const isStep = previous === 0 ? position <= maxPosition : position === previous - 1;
  return (isAverage || isOther) && isStep;
}
