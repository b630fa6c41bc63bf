/** Which URLs are followed at all. Whether their address is public is for the connector to say. */
import { AppError } from '../../domain/errors.js';
import { listsHost, portOf } from './host-list.js';

const usualPorts: ReadonlySet<string> = new Set(['80', '443', '8080', '8443']);

export interface UrlRules {
  readonly allowPrivateHosts: readonly string[];
  readonly extraPorts?: ((url: URL) => boolean) | undefined;
}

/**
 * Reads a URL, relative to `base` if there is one. Throws `media.invalid_url` for anything but http(s) and for
 * URLs with a user in them, and `media.forbidden_port`.
 *
 * WHATWG parsing brings all spellings of an address (2130706433, 0x7f.1, full-width digits) into one form.
 */
export function parseDownloadUrl(text: string, rules: UrlRules, base?: URL): URL {
  // No `cause`: Node's error carries the whole text, signature and all.
  if (!URL.canParse(text, base?.href)) throw new AppError('media.invalid_url', 'The link is not a URL');
  const url = new URL(text, base);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new AppError('media.invalid_url', 'The link is neither http nor https');
  }
  if (url.username !== '' || url.password !== '') {
    throw new AppError('media.invalid_url', `The link to ${url.host} carries a user name`);
  }
  if (!mayUsePort(url, rules)) {
    throw new AppError('media.forbidden_port', `Port ${portOf(url)} of ${url.hostname} is not allowed`);
  }
  return url;
}

/** Other ports belong to services that were never meant to be talked to in HTTP. */
function mayUsePort(url: URL, rules: UrlRules): boolean {
  return (
    usualPorts.has(portOf(url)) ||
    listsHost(rules.allowPrivateHosts, url) ||
    (rules.extraPorts?.(url) ?? false)
  );
}
