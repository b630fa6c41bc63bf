/**
 * Texts that must not be printed, and a search for them: unchanged, and in every encoding that preserves
 * them.
 */

export interface Secrets {
  /** Records a text that must not be printed, and returns it. */
  readonly add: (text: string) => string;
  /** Records every text in a JSON value, except words of the service's own code. */
  readonly addAllOf: (value: unknown) => void;
  readonly all: () => readonly string[];
  /** The recorded texts that occur in the output. */
  readonly foundIn: (printed: string) => string[];
  /** Whether the output contains this recorded text. */
  readonly isFoundIn: (printed: string, secret: string) => boolean;
}

/** `isOwnWord` recognizes words of the service's own, which it may print even if a sender used them. */
export function createSecrets(isOwnWord: (text: string) => boolean): Secrets {
  /** Each secret with its spellings. */
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
  const isFoundIn = (printed: string, secret: string): boolean =>
    secret.length < shortest
      ? holdsWord(printed, secret)
      : (secrets.get(secret) ?? []).some((spelling) => printed.includes(spelling));
  return {
    add,
    addAllOf: (value) => {
      for (const leaf of leavesOf(value)) addLeaf(leaf);
    },
    all: () => [...secrets.keys()],
    foundIn: (printed) => [...secrets.keys()].filter((secret) => isFoundIn(printed, secret)),
    isFoundIn,
  };
}

/** A number counts if it is long enough to identify a person. */
function leavesOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value === 'number') return value > 9_999_999 ? [String(value)] : [];
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return [];
  return Object.values(value).flatMap(leavesOf);
}

/** A shorter text is only found as a whole word, because it occurs by chance in longer ones. */
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

/**
 * Its Base64 inside a longer text, at any position: without the digits that also depend on the neighbouring
 * bytes.
 */
function base64Of(secret: string): string[] {
  return [0, 1, 2].flatMap((before) => {
    const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(secret)]);
    const from = Math.ceil((before * 8) / 6);
    const whole = Math.floor((bytes.length * 8) / 6);
    return (['base64', 'base64url'] as const).map((how) => bytes.toString(how).slice(from, whole));
  });
}
