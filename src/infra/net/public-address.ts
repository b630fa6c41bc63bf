/**
 * Which addresses may be dialled on behalf of a message. Whoever writes to the business picks the URL, so
 * everything that is not plainly a host on the public internet is refused: fail closed.
 */
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/**
 * Azure's host agent (platform keys, certificates): an ordinary looking address that only ever answers the
 * machine it runs under. The metadata services of other clouds live in ranges that are refused anyway.
 */
const platformAddresses: ReadonlySet<string> = new Set(['168.63.129.16']);

/**
 * Whether `ip` is a host on the public internet.
 *
 * Only canonical spellings are understood (dotted decimal, RFC 4291); zone ids, octal, hexadecimal and short
 * forms are `false`, because the resolver and the kernel may read them differently from us.
 */
export function isPublicAddress(ip: string): boolean {
  if (ip.includes('%')) return false;
  if (isIP(ip) === 4) return isPublicV4(ipaddr.IPv4.parse(ip));
  return isIP(ip) === 6 && isPublicV6(ipaddr.IPv6.parse(inHexadecimal(ip)));
}

/** ipaddr.js reads `::8.8.8.8` as `::ffff:8.8.8.8`, another address; without dots it reads what the kernel reads. */
function inHexadecimal(ipv6: string): string {
  return new URL(`http://[${ipv6}]`).hostname.slice(1, -1);
}

/**
 * Whether others can be expected to reach a URL of ours, by its name alone: what it resolves to here says little about what it
 * does elsewhere.
 */
export function looksPublic(url: URL): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) !== 0) return isPublicAddress(host);
  return (
    host.includes('.') &&
    !/(^|\.)(localhost|local|internal|lan|test|example|invalid|home\.arpa)\.?$/.test(host)
  );
}

function isPublicV4(address: ipaddr.IPv4): boolean {
  return address.range() === 'unicast' && !platformAddresses.has(address.toString());
}

function isPublicV6(address: ipaddr.IPv6): boolean {
  // The kernel opens a plain IPv4 connection for ::ffff:a.b.c.d, so the IPv4 rules decide.
  if (address.isIPv4MappedAddress()) return isPublicV4(address.toIPv4Address());
  return isGlobalUnicast(address) && address.range() === 'unicast' && !isIsatap(address);
}

/**
 * 2000::/3 is all that IANA has given out. Being this strict refuses, whatever IPv4 address is inside, the
 * forms that ipaddr.js calls unicast: v4-compatible (`::a9fe:a9fe`), v4-translated (`::ffff:0:a.b.c.d`) and
 * both NAT64 prefixes. 6to4 and Teredo lie within 2000::/3, and there ipaddr.js knows them. No provider serves
 * files from a tunnel, while a translator on our own network would carry us to whatever is embedded.
 */
function isGlobalUnicast(address: ipaddr.IPv6): boolean {
  return ((address.parts[0] ?? 0) & 0xe000) === 0x2000;
}

/** ISATAP hides an IPv4 address behind the interface id 0:5efe or 200:5efe, below any prefix (RFC 5214). */
function isIsatap(address: ipaddr.IPv6): boolean {
  return ((address.parts[4] ?? 0) & ~0x0200) === 0 && address.parts[5] === 0x5efe;
}
