/**
 * Detects pictures in files of the MP4 family by their brands (ISO/IEC 23008-12, annex B; AVIF, section 8),
 * of which file-type knows only some.
 */

const avif = new Set(['avif', 'avis']);
const heicSequence = new Set(['hevc', 'hevx', 'hevm', 'hevs']);
const heic = new Set(['heic', 'heix', 'heim', 'heis']);
/** These brands announce pictures but not their coding. */
const pictures = new Set([
  'mif1',
  'mif2',
  'mif3',
  'miaf',
  'msf1',
  'avci',
  'avcs',
  'jpeg',
  'jpgs',
  'vvic',
  'vvis',
]);
const sequences = new Set(['msf1', 'avcs', 'jpgs', 'vvis']);
/** More brands than any program writes. */
const maxBrands = 64;

/** The type of a picture whose file begins with `head`; undefined for everything else. */
export function heifType(head: Buffer): string | undefined {
  if (head.length < 16 || head.toString('latin1', 4, 8) !== 'ftyp') return undefined;
  const end = Math.min(head.readUInt32BE(0), head.length, 16 + 4 * maxBrands);
  const major = head.toString('latin1', 8, 12);
  const brands: string[] = [];
  for (let at = 16; at + 4 <= end; at += 4) brands.push(head.toString('latin1', at, at + 4));
  if (!isPicture(major) && !(brands.some(isPicture) && beginsWithItems(head))) return undefined;
  return typeOf(major, brands);
}

function isPicture(brand: string): boolean {
  return [avif, heic, heicSequence, pictures].some((brands) => brands.has(brand));
}

/** Files with another major brand are videos, unless a box of pictures (`meta`) follows. */
function beginsWithItems(head: Buffer): boolean {
  const next = head.readUInt32BE(0);
  return head.toString('latin1', next + 4, next + 8) === 'meta';
}

function typeOf(major: string, brands: readonly string[]): string {
  if (avif.has(major)) return 'image/avif';
  if (heic.has(major)) return 'image/heic';
  if (heicSequence.has(major)) return 'image/heic-sequence';
  // A file whose major brand only announces a picture may name the coding among its other brands.
  if (brands.some((brand) => avif.has(brand)) && !brands.some((brand) => heic.has(brand)))
    return 'image/avif';
  return sequences.has(major) ? 'image/heif-sequence' : 'image/heif';
}
