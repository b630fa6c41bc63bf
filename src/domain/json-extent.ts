/**
 * How much work a JSON text makes for a parser, found out without parsing. A few megabytes of brackets become a hundred megabytes of
 * lists, and keep the only thread busy for most of a second.
 */
export interface JsonExtent {
  /** Objects and lists within each other. */
  readonly depth: number;
  /** Objects and lists in all. */
  readonly containers: number;
  /** Commas between their members. */
  readonly separators: number;
}

/**
 * The most that is parsed of a webhook. Statuses are the smallest things that one may have many of, 50 000, and each of them has a few
 * objects and members.
 */
export const mostParsed: JsonExtent = { depth: 500, containers: 250_000, separators: 600_000 };

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const openings = new Set([0x5b, 0x7b]);
const closings = new Set([0x5d, 0x7d]);

/**
 * Of a text in UTF-8. A text that is not JSON has an extent, too. Counting ends as soon as the extent exceeds `most`: to read on through
 * 25 MB of brackets would keep the only thread busy for most of a second.
 */
export function jsonExtentOf(text: Buffer, most: JsonExtent): JsonExtent {
  const extent = { depth: 0, containers: 0, separators: 0 };
  let depth = 0;
  for (let at = 0; at < text.length && !exceeds(extent, most); at += 1) {
    const byte = text[at] ?? 0;
    if (byte === quote) at = endOfString(text, at);
    else if (byte === comma) extent.separators += 1;
    else if (openings.has(byte)) {
      extent.containers += 1;
      depth += 1;
      if (depth > extent.depth) extent.depth = depth;
    } else if (closings.has(byte)) depth -= 1;
  }
  return extent;
}

export function exceeds(extent: JsonExtent, most: JsonExtent): boolean {
  return (
    extent.depth > most.depth || extent.containers > most.containers || extent.separators > most.separators
  );
}

/** Where the quote is that ends the string; behind the text for one without an end. */
function endOfString(text: Buffer, start: number): number {
  for (let end = text.indexOf(quote, start + 1); end !== -1; end = text.indexOf(quote, end + 1)) {
    let before = end - 1;
    while (before > start && text[before] === backslash) before -= 1;
    const isEscaped = (end - 1 - before) % 2 === 1;
    if (!isEscaped) return end;
  }
  return text.length;
}
