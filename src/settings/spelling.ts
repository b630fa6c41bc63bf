/** Finds names of settings that are probably misspelled. */

/** The number of letters that may differ. Short names resemble those of many other programs. */
const maxDifference = 2;
const minNameLength = 8;
/** Missing letters count less: `ZAPI_SECRET` means `ZAPI_WEBHOOK_SECRET`. */
const missingLetterCost = 0.25;
/** Kubernetes sets such variables for its services: `S3_SERVICE_HOST`, `S3_PORT_9000_TCP`. */
const kubernetesNames = /_(SERVICE_(HOST|PORT)|PORT(_\d+_(TCP|UDP).*)?)(_\w+)?$/;

export interface Names {
  /** All names of settings. */
  readonly settings: readonly string[];
  /** Prefixes that no other program uses, with the underscore. */
  readonly prefixes: readonly string[];
}

/** One sentence for each name that is probably a misspelled setting. Names of other programs are ignored. */
export function misspelledNames(given: readonly string[], { settings, prefixes }: Names): string[] {
  const free = settings.filter((name) => !given.includes(name));
  return given
    .filter((name) => !settings.includes(name) && !kubernetesNames.test(name))
    .flatMap((name) => {
      const prefix = prefixes.find((one) => name.startsWith(one));
      const meant = prefix === undefined ? similarName(name, free) : closestName(name, free, prefix);
      if (prefix === undefined && meant === undefined) return [];
      return [`${name}: is not a setting${meant === undefined ? '' : `; did you mean ${meant}?`}`];
    })
    .sort();
}

function similarName(name: string, settings: readonly string[]): string | undefined {
  if (name.length < minNameLength) return undefined;
  return settings.find(
    (setting) =>
      setting.length >= minNameLength &&
      setting.includes('_') &&
      distance(name, setting, 1) <= Math.min(maxDifference, setting.length / 5),
  );
}

function closestName(name: string, settings: readonly string[], prefix: string): string | undefined {
  const distances = settings
    .filter((setting) => setting.startsWith(prefix))
    .map((setting) => ({ setting, letters: distance(name, setting, missingLetterCost) }))
    .sort((a, b) => a.letters - b.letters);
  const [nearest] = distances;
  return nearest !== undefined && nearest.letters <= (name.length - prefix.length) / 2
    ? nearest.setting
    : undefined;
}

/**
 * The number of letters of `name` that must be changed, removed or swapped with their neighbour to get
 * `target`. A letter that must be added counts `added`.
 */
function distance(name: string, target: string, added: number): number {
  const rows: number[][] = [Array.from({ length: target.length + 1 }, (_, at) => at * added)];
  const at = (row: number, column: number): number => rows[row]?.[column] ?? Infinity;
  for (let row = 1; row <= name.length; row += 1) {
    const next = [row];
    rows.push(next);
    for (let column = 1; column <= target.length; column += 1) {
      const isSame = name[row - 1] === target[column - 1];
      const isExchanged = name[row - 1] === target[column - 2] && name[row - 2] === target[column - 1];
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
  return at(name.length, target.length);
}
