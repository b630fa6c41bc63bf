/**
 * Detects IPv4 addresses inside IPv6 addresses. Networks that reach IPv4 hosts through a translator create
 * them (NAT64, RFC 6052; their names come from DNS64, RFC 6147). The translator connects to the embedded
 * address, so that one has to be checked.
 */
import ipaddr from 'ipaddr.js';

import { isPublicAddress } from './public-address.js';

interface Prefix {
  readonly bytes: readonly number[];
  readonly bits: number;
}

/** RFC 6052, 2.2: the positions of the four bytes for each prefix length. Byte 8 is never used. */
const positions: ReadonlyMap<number, readonly number[]> = new Map([
  [32, [4, 5, 6, 7]],
  [40, [5, 6, 7, 9]],
  [48, [6, 7, 9, 10]],
  [56, [7, 9, 10, 11]],
  [64, [9, 10, 11, 12]],
  [96, [12, 13, 14, 15]],
]);

/** 64:ff9b::/96, which every network may use. */
const wellKnownPrefix: Prefix = { bytes: [0x00, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0], bits: 96 };

/**
 * RFC 7050: this name has exactly these addresses, so an IPv6 address for it reveals how the network
 * translates.
 */
const testName = 'ipv4only.arpa';
const testAddresses: ReadonlySet<string> = new Set(['192.0.0.170', '192.0.0.171']);

/** Networks rarely change while the process runs. */
const cacheMs = 3_600_000;
/** The lookup is limited, because a resolver that does not know the name may be slow. */
const lookupTimeoutMs = 1_000;

/** Resolves a name to its addresses. */
type Resolve = (hostname: string) => Promise<readonly { readonly address: string }[]>;

/**
 * Returns a function that works like {@link isPublicAddress}, but checks the embedded address within the
 * prefix of a translator.
 */
export function createAddressCheck(resolve: Resolve): (ip: string) => Promise<boolean> {
  let cached: { readonly expiresAt: number; readonly prefixes: Promise<readonly Prefix[]> } | undefined;
  const prefixes = (): Promise<readonly Prefix[]> => {
    if (cached === undefined || cached.expiresAt < performance.now())
      cached = { expiresAt: performance.now() + cacheMs, prefixes: findPrefixes(resolve) };
    return cached.prefixes;
  };
  return async (ip) => {
    const bytes = bytesOf(ip);
    if (bytes === undefined) return isPublicAddress(ip);
    const translator = [wellKnownPrefix, ...(await prefixes())].find((prefix) => isWithin(bytes, prefix));
    return isPublicAddress(translator ? embedded(bytes, translator.bits) : ip);
  };
}

/** The bytes of an IPv6 address that is not IPv4-mapped; undefined for any other text. */
function bytesOf(ip: string): readonly number[] | undefined {
  if (ip.includes('%') || !ipaddr.IPv6.isValid(ip)) return undefined;
  const address = ipaddr.IPv6.parse(ip);
  return address.isIPv4MappedAddress() ? undefined : address.toByteArray();
}

function isWithin(bytes: readonly number[], prefix: Prefix): boolean {
  return prefix.bytes.every((byte, index) => bytes[index] === byte);
}

function embedded(bytes: readonly number[], bits: number): string {
  return (positions.get(bits) ?? []).map((place) => String(bytes[place])).join('.');
}

/** Returns no prefixes if the name cannot be resolved; addresses are then checked as they are. */
async function findPrefixes(resolve: Resolve): Promise<readonly Prefix[]> {
  const answers = await Promise.race([
    resolve(testName).catch(() => []),
    new Promise<[]>((resolve) => setTimeout(resolve, lookupTimeoutMs, []).unref()),
  ]);
  return answers.flatMap(({ address }) => prefixesOf(bytesOf(address)));
}

function prefixesOf(bytes: readonly number[] | undefined): Prefix[] {
  if (bytes === undefined) return [];
  return [...positions.keys()]
    .filter((bits) => testAddresses.has(embedded(bytes, bits)))
    .map((bits) => ({ bytes: bytes.slice(0, bits / 8), bits }));
}
