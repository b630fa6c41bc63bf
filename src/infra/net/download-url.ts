/** Decides which URLs may be followed. The connector checks whether their addresses are public. */
import { AppError } from '../../domain/errors.js';
import { listsHost, portOf } from '../../domain/host-list.js';

const standardPorts: ReadonlySet<string> = new Set(['80', '443', '8080', '8443']);

export interface UrlRules {
  readonly allowPrivateHosts: readonly string[];
  readonly extraPorts?: ((url: URL) => boolean) | undefined;
}

/**
 * Parses a URL, relative to `base` if given. Throws `media.invalid_url` for anything but http(s) and for URLs
 * with a user name, and `media.forbidden_port`.
 *
 * WHATWG parsing normalises all spellings of an address (2130706433, 0x7f.1, full-width digits).
 */
export function parseDownloadUrl(text: string, rules: UrlRules, base?: URL): URL {
  // No `cause`: Node's error contains the whole text, including signatures.
  if (!URL.canParse(text, base?.href)) throw new AppError('media.invalid_url', 'the link is not a valid URL');
  const url = new URL(text, base);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new AppError('media.invalid_url', 'the link must start with http:// or https://');
  }
  if (url.username !== '' || url.password !== '') {
    throw new AppError('media.invalid_url', `the link to ${url.host} contains a user name`);
  }
  if (!mayUsePort(url, rules)) {
    throw new AppError('media.forbidden_port', `port ${portOf(url)} of ${url.hostname} is not allowed`);
  }
  return url;
}

/** Other ports belong to services that do not expect HTTP. */
function mayUsePort(url: URL, rules: UrlRules): boolean {
  return (
    standardPorts.has(portOf(url)) ||
    listsHost(rules.allowPrivateHosts, url) ||
    (rules.extraPorts?.(url) ?? false)
  );
}
