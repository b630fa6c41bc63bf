/** Identifies callers by address: every spelling of an address counts as the same caller. */
import type { Request } from 'express';
import ipaddr from 'ipaddr.js';

/** The key for text that is not an address, so that an invented text is never a new caller. */
const notAnAddress = 'not an address';

/** Internet providers assign at least this prefix of IPv6 to one customer. */
const prefixBits = 56;

/**
 * The key of a caller behind the trusted proxies. If a proxy has omitted the address, the caller has none:
 * Express would take the address before it, which the caller has written.
 */
export function callerKeyOf(request: Request): string {
  const hops = Number(request.app.get('trust proxy'));
  const header = request.headers['x-forwarded-for'] ?? [];
  const named = [header].flat().flatMap((line) => line.split(','));
  const addresses = [request.socket.remoteAddress, ...named.reverse()];
  return addressKeyOf(addresses[Math.min(hops, addresses.length - 1)]);
}

/**
 * The key of a caller by address. Behind a proxy, the text comes from `X-Forwarded-For`. Some proxies append
 * the port (Azure Application Gateway, IIS), write IPv6 in brackets, or put everything in quotes.
 */
export function addressKeyOf(text: string | undefined): string {
  const address = parseAddress(text ?? '');
  if (!address) return notAnAddress;
  if (address.kind() === 'ipv4') return address.toString();
  const bytes = address.toByteArray().map((byte, index) => (index < prefixBits / 8 ? byte : 0));
  return `${ipaddr.fromByteArray(bytes).toString()}/${String(prefixBits)}`;
}

/**
 * Undefined if the text is not an address. IPv4 in IPv6 (`::ffff:203.0.113.1`, also in hexadecimal) becomes
 * IPv4.
 */
export function parseAddress(text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  const bare = withoutPort(text.trim().replace(/^"(.*)"$/, '$1'));
  // No proxy writes short, octal or hexadecimal spellings of IPv4.
  if (ipaddr.IPv4.isValidFourPartDecimal(bare)) return ipaddr.IPv4.parse(bare);
  return ipaddr.IPv6.isValid(bare) ? ipaddr.process(bare) : undefined;
}

function withoutPort(text: string): string {
  const [, inBrackets] = /^\[([^\]]*)\](?::\d{1,5})?$/.exec(text) ?? [];
  if (inBrackets !== undefined) return inBrackets;
  const [, before] = /^([\d.]+):\d{1,5}$/.exec(text) ?? [];
  return before ?? text;
}
