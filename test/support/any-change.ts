/** A text with one change: a character is replaced, inserted or removed. */
import fc from 'fast-check';

export function anyChangeOf(text: string): fc.Arbitrary<string> {
  return fc
    .tuple(
      fc.nat(text.length),
      fc.constantFrom('put', 'add', 'drop'),
      fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
    )
    .map(([place, how, character]) => {
      const rest = how === 'add' ? text.slice(place) : text.slice(place + 1);
      return text.slice(0, place) + (how === 'drop' ? '' : character) + rest;
    })
    .filter((changed) => changed !== text);
}
