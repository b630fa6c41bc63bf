/** Who calls, for limits by address: every spelling of an address counts as the same caller. */
import type { Request } from 'express';
import ipaddr from 'ipaddr.js';

/** Everything that is no address counts under this key, so that a made-up text is never a new caller. */
const notAnAddress = 'not an address';

/** One customer of an internet provider has at least this much of IPv6. */
const prefixBits = 56;

/**
 * The key of a caller behind as many proxies as are trusted. An address that a proxy has left out counts as no address. Express would take
 * the one before it, which the caller has written.
 */
export function callerKeyOf(request: Request): string {
  const hops = Number(request.app.get('trust proxy'));
  const header = request.headers['x-forwarded-for'] ?? [];
  const named = [header].flat().flatMap((line) => line.split(','));
  const addresses = [request.socket.remoteAddress, ...named.reverse()];
  return addressKeyOf(addresses[Math.min(hops, addresses.length - 1)]);
}

/**
 * The key of a caller by its address, which is text of `X-Forwarded-For` behind a proxy. Some proxies write the port after it (Azure
 * Application Gateway, IIS), in brackets for IPv6, or all of it in quotes.
 */
export function addressKeyOf(text: string | undefined): string {
  const address = parseAddress(text ?? '');
  if (!address) return notAnAddress;
  if (address.kind() === 'ipv4') return address.toString();
  const bytes = address.toByteArray().map((byte, index) => (index < prefixBits / 8 ? byte : 0));
  return `${ipaddr.fromByteArray(bytes).toString()}/${String(prefixBits)}`;
}

/** IPv4 in IPv6 (`::ffff:203.0.113.1`, also in hexadecimal) is IPv4. Undefined: the text is no address. */
export function parseAddress(text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  const bare = withoutPort(text.trim().replace(/^"(.*)"$/, '$1'));
  // Short, octal and hexadecimal spellings of IPv4 come from no proxy.
  if (ipaddr.IPv4.isValidFourPartDecimal(bare)) return ipaddr.IPv4.parse(bare);
  return ipaddr.IPv6.isValid(bare) ? ipaddr.process(bare) : undefined;
}

function withoutPort(text: string): string {
  const [, inBrackets] = /^\[([^\]]*)\](?::\d{1,5})?$/.exec(text) ?? [];
  if (inBrackets !== undefined) return inBrackets;
  const [, before] = /^([\d.]+):\d{1,5}$/.exec(text) ?? [];
  return before ?? text;
}
