/** What must not be printed, and whether it was: as it is, and in every spelling in which it is still the same. */

export interface Secrets {
  /** Remembers a text that must not be printed, and answers it. */
  readonly add: (text: string) => string;
  /** Every text in something that came from JSON, except words that the service's own code has. */
  readonly addAllOf: (value: unknown) => void;
  readonly all: () => readonly string[];
  /** Those that were printed. */
  readonly foundIn: (printed: string) => string[];
}

/** `isOwnWord` knows words of the service's own, which it may print even if a sender used them. */
export function createSecrets(isOwnWord: (text: string) => boolean): Secrets {
  /** Each with its spellings. */
  const secrets = new Map<string, readonly string[]>();
  const add = (text: string): string => {
    secrets.set(text, spellings(text));
    return text;
  };
  const addLeaf = (leaf: string): void => {
    if (!URL.canParse(leaf) || !/^https?:/.test(leaf)) {
      if (leaf.length > 2 && !isOwnWord(leaf)) add(leaf);
      return;
    }
    const { pathname, search } = new URL(leaf);
    for (const part of [pathname, search]) if (part.length > 3) add(part);
  };
  return {
    add,
    addAllOf: (value) => {
      for (const leaf of leavesOf(value)) addLeaf(leaf);
    },
    all: () => [...secrets.keys()],
    foundIn: (printed) =>
      [...secrets]
        .filter(([secret, spelled]) =>
          secret.length < shortest
            ? holdsWord(printed, secret)
            : spelled.some((spelling) => printed.includes(spelling)),
        )
        .map(([secret]) => secret),
  };
}

/** Numbers count when they are long enough to be somebody's. */
function leavesOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value === 'number') return value > 9_999_999 ? [String(value)] : [];
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return [];
  return Object.values(value).flatMap(leavesOf);
}

/** A shorter one is found as a word only: it is a part of too many others, and of chance. */
const shortest = 6;

function holdsWord(printed: string, word: string): boolean {
  const isApart = (at: number): boolean => !/[\p{L}\d]/u.test(printed.charAt(at));
  for (let at = printed.indexOf(word); at >= 0; at = printed.indexOf(word, at + 1))
    if (isApart(at - 1) && isApart(at + word.length)) return true;
  return false;
}

export function spellings(secret: string): string[] {
  const inJson = JSON.stringify(secret).slice(1, -1);
  return [
    ...new Set([
      secret,
      inJson,
      JSON.stringify(inJson).slice(1, -1),
      encodeURIComponent(secret),
      Buffer.from(secret).toString('hex'),
      ...base64Of(secret),
    ]),
  ];
}

/** As it looks inside of something longer, wherever it begins there: without the digits that its neighbours have a part in. */
function base64Of(secret: string): string[] {
  return [0, 1, 2].flatMap((before) => {
    const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(secret)]);
    const from = Math.ceil((before * 8) / 6);
    const whole = Math.floor((bytes.length * 8) / 6);
    return (['base64', 'base64url'] as const).map((how) => bytes.toString(how).slice(from, whole));
  });
}
