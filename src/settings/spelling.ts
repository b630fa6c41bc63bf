/** Names that look like those of settings and are none: somebody meant one of ours. */

/** How many letters may differ in a name; short names are near to those of many other programs. */
const mostDifferent = 2;
const shortestName = 8;
/** What is missing in the middle weighs less: `ZAPI_SECRET` means `ZAPI_WEBHOOK_SECRET`. */
const missingLetter = 0.25;
/** Kubernetes tells each container about its services: `S3_SERVICE_HOST`, `S3_PORT_9000_TCP`. */
const ofKubernetes = /_(SERVICE_(HOST|PORT)|PORT(_\d+_(TCP|UDP).*)?)(_\w+)?$/;

export interface Names {
  /** All names of settings. */
  readonly settings: readonly string[];
  /** Beginnings of names that nobody else uses, with the underscore. */
  readonly prefixes: readonly string[];
}

/** A sentence for each name that is probably a misspelled setting. Names of other programs are none of our business. */
export function misspelledNames(given: readonly string[], { settings, prefixes }: Names): string[] {
  const free = settings.filter((name) => !given.includes(name));
  return given
    .filter((name) => !settings.includes(name) && !ofKubernetes.test(name))
    .flatMap((name) => {
      const prefix = prefixes.find((one) => name.startsWith(one));
      const meant = prefix === undefined ? similarName(name, free) : closestName(name, free, prefix);
      if (prefix === undefined && meant === undefined) return [];
      return [`${name}: is not a setting${meant === undefined ? '' : `; did you mean ${meant}?`}`];
    })
    .sort();
}

function similarName(name: string, settings: readonly string[]): string | undefined {
  if (name.length < shortestName) return undefined;
  return settings.find(
    (setting) =>
      setting.length >= shortestName &&
      setting.includes('_') &&
      distance(name, setting, 1) <= Math.min(mostDifferent, setting.length / 5),
  );
}

function closestName(name: string, settings: readonly string[], prefix: string): string | undefined {
  const distances = settings
    .filter((setting) => setting.startsWith(prefix))
    .map((setting) => ({ setting, letters: distance(name, setting, missingLetter) }))
    .sort((a, b) => a.letters - b.letters);
  const [nearest] = distances;
  return nearest !== undefined && nearest.letters <= (name.length - prefix.length) / 2
    ? nearest.setting
    : undefined;
}

/**
 * How many letters of `name` have to be changed, removed or exchanged with their neighbour to get `wanted`; a letter that has to be added
 * counts `added`.
 */
function distance(name: string, wanted: string, added: number): number {
  const rows: number[][] = [Array.from({ length: wanted.length + 1 }, (_, at) => at * added)];
  const at = (row: number, column: number): number => rows[row]?.[column] ?? Infinity;
  for (let row = 1; row <= name.length; row += 1) {
    const next = [row];
    rows.push(next);
    for (let column = 1; column <= wanted.length; column += 1) {
      const isSame = name[row - 1] === wanted[column - 1];
      const isExchanged = name[row - 1] === wanted[column - 2] && name[row - 2] === wanted[column - 1];
      next.push(
        Math.min(
          at(row - 1, column) + 1,
          at(row, column - 1) + added,
          at(row - 1, column - 1) + (isSame ? 0 : 1),
          isExchanged ? at(row - 2, column - 2) + 1 : Infinity,
        ),
      );
    }
  }
  return at(name.length, wanted.length);
}
