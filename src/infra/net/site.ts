/** Which hosts belong together, as far as their names and addresses show it. */
import { isIP } from 'node:net';

import ipaddr from 'ipaddr.js';
import { getDomain } from 'tldts';

/** A network of which one customer usually has all addresses. */
const networkBits = { ipv4: 24, ipv6: 48 } as const;

/**
 * What the host of a URL belongs to: its registrable domain, by the public suffix list, since its owner can make any number of names
 * below it; the network of an address. Names without a registrable domain stand for themselves. Empty for what is no URL.
 */
export function siteOf(url: string): string {
  if (!URL.canParse(url)) return '';
  const { hostname } = new URL(url);
  const address = hostname.replace(/^\[|\]$/g, '');
  if (isIP(address) !== 0) return networkOf(address);
  return getDomain(hostname, { allowPrivateDomains: true }) ?? hostname;
}

function networkOf(address: string): string {
  const parsed = ipaddr.process(address);
  const bits = networkBits[parsed.kind()];
  const bytes = parsed.toByteArray().map((byte, place) => (place < bits / 8 ? byte : 0));
  return `${ipaddr.fromByteArray(bytes).toString()}/${String(bits)}`;
}
