/** Determines which hosts belong together, as far as their names and addresses show it. */
import { isIP } from 'node:net';

import ipaddr from 'ipaddr.js';
import { getDomain } from 'tldts';

/** The size of a network whose addresses usually belong to one customer. */
const networkBits = { ipv4: 24, ipv6: 48 } as const;

/**
 * The site of a URL's host: its registrable domain according to the public suffix list, because its owner can
 * create any number of names below it, or the network of an address. A name without a registrable domain is
 * its own site. Empty if the text is not a URL.
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
