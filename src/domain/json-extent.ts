/**
 * Estimates how much work a JSON text is for the parser, without parsing it. A few megabytes of brackets
 * become a hundred megabytes of lists and block the only thread for most of a second.
 */
export interface JsonExtent {
  /** The nesting depth of objects and lists. */
  readonly depth: number;
  /** The total number of objects and lists. */
  readonly containers: number;
  /** The number of commas between their members. */
  readonly separators: number;
}

/**
 * The largest webhook that is parsed. Statuses are the smallest items; one webhook may have 50 000 of them,
 * each with a few objects and members.
 */
export const parseLimits: JsonExtent = { depth: 500, containers: 250_000, separators: 600_000 };

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const openings = new Set([0x5b, 0x7b]);
const closings = new Set([0x5d, 0x7d]);

/**
 * Measures a text in UTF-8, which need not be valid JSON. Counting stops once the extent exceeds `limits`,
 * because reading 25 MB of brackets would block the only thread for most of a second.
 */
export function jsonExtentOf(text: Buffer, limits: JsonExtent): JsonExtent {
  const extent = { depth: 0, containers: 0, separators: 0 };
  let depth = 0;
  for (let at = 0; at < text.length && !exceeds(extent, limits); at += 1) {
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

export function exceeds(extent: JsonExtent, limits: JsonExtent): boolean {
  return (
    extent.depth > limits.depth ||
    extent.containers > limits.containers ||
    extent.separators > limits.separators
  );
}

/** The position of the quote that ends the string, or the end of the text if there is none. */
function endOfString(text: Buffer, start: number): number {
  for (let end = text.indexOf(quote, start + 1); end !== -1; end = text.indexOf(quote, end + 1)) {
    let before = end - 1;
    while (before > start && text[before] === backslash) before -= 1;
    const isEscaped = (end - 1 - before) % 2 === 1;
    if (!isEscaped) return end;
  }
  return text.length;
}
