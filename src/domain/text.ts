/**
 * What PostgreSQL cannot store in a text: NUL characters and lone surrogates. Only hostile input has them.
 */

/**
 * Whether the database can store the text unchanged. The engine's own check takes a tenth of the time of a
 * regular expression, and a webhook may have a hundred thousand texts.
 */
export function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}

/** The items of a list that is separated by commas, without blanks around them and without empty items. */
export function itemsOfList(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}
