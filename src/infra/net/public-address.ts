/**
 * Decides which addresses may be dialled on behalf of a message. Strangers choose the URLs, so everything
 * that is not clearly a host on the public internet is refused (fail closed).
 */
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/**
 * Azure's host agent (platform keys, certificates): an ordinary-looking address that only answers its own
 * machine. The metadata services of other clouds are in ranges that are refused anyway.
 */
const platformAddresses: ReadonlySet<string> = new Set(['168.63.129.16']);

/**
 * Whether `ip` is a host on the public internet.
 *
 * Only canonical spellings are understood (dotted decimal, RFC 4291); zone ids, octal, hexadecimal and short
 * forms are `false`, because the resolver and the kernel may interpret them differently.
 */
export function isPublicAddress(ip: string): boolean {
  if (ip.includes('%')) return false;
  if (isIP(ip) === 4) return isPublicV4(ipaddr.IPv4.parse(ip));
  return isIP(ip) === 6 && isPublicV6(ipaddr.IPv6.parse(inHexadecimal(ip)));
}

/**
 * ipaddr.js reads `::8.8.8.8` as `::ffff:8.8.8.8`, another address; without dots, it agrees with the kernel.
 */
function inHexadecimal(ipv6: string): string {
  return new URL(`http://[${ipv6}]`).hostname.slice(1, -1);
}

/**
 * Whether others can probably reach one of the service's URLs, judged by its host alone: the local resolver
 * says little about what others see.
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
 * IANA has assigned addresses in 2000::/3 only. This strictness also refuses forms that ipaddr.js calls
 * unicast, whatever IPv4 address they embed: v4-compatible (`::a9fe:a9fe`), v4-translated
 * (`::ffff:0:a.b.c.d`) and both NAT64 prefixes. 6to4 and Teredo are in 2000::/3, and ipaddr.js recognises
 * them there. No provider serves files from a tunnel, but a translator in the local network would connect to
 * the embedded address.
 */
function isGlobalUnicast(address: ipaddr.IPv6): boolean {
  return ((address.parts[0] ?? 0) & 0xe000) === 0x2000;
}

/** ISATAP embeds an IPv4 address behind the interface id 0:5efe or 200:5efe, below any prefix (RFC 5214). */
function isIsatap(address: ipaddr.IPv6): boolean {
  return ((address.parts[4] ?? 0) & ~0x0200) === 0 && address.parts[5] === 0x5efe;
}
