/**
 * IPv4 addresses inside IPv6 ones, as networks make them that reach IPv4 hosts through a translator (NAT64, RFC 6052; its names come
 * from DNS64, RFC 6147). The translator connects to what is inside, so that is what has to be judged.
 */
import ipaddr from 'ipaddr.js';

import { isPublicAddress } from './public-address.js';

interface Prefix {
  readonly bytes: readonly number[];
  readonly bits: number;
}

/** RFC 6052, 2.2: where the four bytes stand for each length that a prefix may have. Byte 8 is never used. */
const places: ReadonlyMap<number, readonly number[]> = new Map([
  [32, [4, 5, 6, 7]],
  [40, [5, 6, 7, 9]],
  [48, [6, 7, 9, 10]],
  [56, [7, 9, 10, 11]],
  [64, [9, 10, 11, 12]],
  [96, [12, 13, 14, 15]],
]);

/** 64:ff9b::/96, which every network may use. */
const wellKnown: Prefix = { bytes: [0x00, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0], bits: 96 };

/** RFC 7050: this name has these addresses and no others, so an IPv6 one shows how the network translates. */
const knownName = 'ipv4only.arpa';
const knownAddresses: ReadonlySet<string> = new Set(['192.0.0.170', '192.0.0.171']);

/** A network that is changed while the process runs is a rare thing. */
const rememberedMs = 3_600_000;
/** A resolver that does not know the name may take its time: nobody waits for it. */
const longestMs = 1_000;

/** The addresses of a name. */
type Resolve = (hostname: string) => Promise<readonly { readonly address: string }[]>;

/**
 * Judges the addresses that a resolver gives: as {@link isPublicAddress}, except that within a translator's prefix the
 * address inside decides.
 */
export function createAddressJudge(resolve: Resolve): (ip: string) => Promise<boolean> {
  let found: { readonly until: number; readonly prefixes: Promise<readonly Prefix[]> } | undefined;
  const prefixes = (): Promise<readonly Prefix[]> => {
    if (found === undefined || found.until < performance.now())
      found = { until: performance.now() + rememberedMs, prefixes: prefixesHere(resolve) };
    return found.prefixes;
  };
  return async (ip) => {
    const bytes = bytesOf(ip);
    if (bytes === undefined) return isPublicAddress(ip);
    const own = [wellKnown, ...(await prefixes())].find((prefix) => isWithin(bytes, prefix));
    return isPublicAddress(own ? embedded(bytes, own.bits) : ip);
  };
}

/** Of an IPv6 address that holds no IPv4 one by its nature; undefined for every other text. */
function bytesOf(ip: string): readonly number[] | undefined {
  if (ip.includes('%') || !ipaddr.IPv6.isValid(ip)) return undefined;
  const address = ipaddr.IPv6.parse(ip);
  return address.isIPv4MappedAddress() ? undefined : address.toByteArray();
}

function isWithin(bytes: readonly number[], prefix: Prefix): boolean {
  return prefix.bytes.every((byte, index) => bytes[index] === byte);
}

function embedded(bytes: readonly number[], bits: number): string {
  return (places.get(bits) ?? []).map((place) => String(bytes[place])).join('.');
}

/** None where the name cannot be resolved: addresses are judged as what they look like then. */
async function prefixesHere(resolve: Resolve): Promise<readonly Prefix[]> {
  const answers = await Promise.race([
    resolve(knownName).catch(() => []),
    new Promise<[]>((nothing) => setTimeout(nothing, longestMs, []).unref()),
  ]);
  return answers.flatMap(({ address }) => prefixesOf(bytesOf(address)));
}

function prefixesOf(bytes: readonly number[] | undefined): Prefix[] {
  if (bytes === undefined) return [];
  return [...places.keys()]
    .filter((bits) => knownAddresses.has(embedded(bytes, bits)))
    .map((bits) => ({ bytes: bytes.slice(0, bits / 8), bits }));
}
