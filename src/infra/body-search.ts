/** Finds the raw webhooks that speak of somebody, or of a message: what is in them was never taken apart further. */

export interface BodyCondition {
  /** A condition on the column `body`; its parameters begin at the number that was asked for. */
  readonly sql: string;
  readonly values: readonly unknown[];
}

/** A shorter id is found as a whole only: as a part it would be in nearly every body. */
const shortestPart = 5;

/** Bodies that hold the id of a person, also as a part of something longer: `5511999990000@s.whatsapp.net`. */
export function speaksOfPerson(id: string, firstParameter: number): BodyCondition {
  if (id.length < shortestPart) return holdsWhole(id, firstParameter);
  const spellings = spellingsInJson(id);
  const conditions = spellings.map((_, at) => holds(firstParameter + at));
  if (!/^\d+$/.test(id)) return { sql: any(conditions), values: spellings };
  // Phone numbers are known by their digits, whichever way a provider decorates them. PostgreSQL's `escape` makes text of all bytes.
  const pattern = Array.from(id).join(String.raw`(?:[\s()+-]|\\302\\240)*`);
  conditions.push(`encode(body, 'escape') ~ $${String(firstParameter + spellings.length)}`);
  return { sql: any(conditions), values: [...spellings, pattern] };
}

/** Bodies that hold an id as a whole: as a JSON text, or as a part of one that ends where an id does. */
export function holdsWhole(id: string, firstParameter: number): BodyCondition {
  const spellings = spellingsInJson(id);
  const conditions = spellings.map((_, at) => {
    const [plain, pattern] = [firstParameter + 2 * at, firstParameter + 2 * at + 1];
    return `(${holds(plain)} and encode(body, 'escape') ~ $${String(pattern)})`;
  });
  const values = spellings.flatMap((spelling) => {
    // The bytes as PostgreSQL's `escape` writes them: backslashes are doubled, what is not ASCII becomes octal.
    const escaped = [...Buffer.from(spelling)].map((byte) => {
      if (byte === 0x5c) return String.raw`\\`;
      return byte < 0x80 ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, '0')}`;
    });
    return [spelling, `["+:/]${escapePattern(escaped.join(''))}["@:/\\\\]`];
  });
  return { sql: any(conditions), values };
}

const holds = (parameter: number): string =>
  `position(convert_to($${String(parameter)}, 'UTF8') in body) > 0`;

const any = (conditions: readonly string[]): string => `(${conditions.join(' or ')})`;

/** All the ways in which senders are known to write a text into JSON: any of these habits, and any of them together. */
function spellingsInJson(text: string): string[] {
  const lower = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  const upper = (character: string): string => `\\u${lower(character).slice(2).toUpperCase()}`;
  const habits: ((spelling: string) => string)[] = [
    (spelling) => spelling.replaceAll('/', String.raw`\/`), // PHP
    (spelling) => spelling.replace(/[\u0080-\uffff]/g, lower), // PHP, Python
    (spelling) => spelling.replace(/[\u0080-\uffff]/g, upper), // .NET
    (spelling) => spelling.replace(/[<>&]/g, lower), // Go
    (spelling) => spelling.replace(/[<>&'+]/g, upper), // .NET
  ];
  let spellings = [JSON.stringify(text).slice(1, -1)];
  for (const habit of habits)
    spellings = [...new Set(spellings.flatMap((spelling) => [spelling, habit(spelling)]))];
  return spellings;
}

function escapePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);
}
