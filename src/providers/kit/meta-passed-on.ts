/** For providers that pass on payloads of Meta. They give no access token of Meta to their customers. */
import type { Downloads } from '../../domain/provider.js';
import { apiUrl as addressOfApi, credential } from './define-provider.js';
import { linkTo, mediaIdOnly, referenceTo } from './events.js';
import { identifier, isAbsent } from './lenient.js';
import { graphUrl } from './meta-graph.js';
import { isAtHosts, metaDownloads, metaHosts, metaSource } from './meta-media.js';
import type { MetaDialect } from './meta-message.js';

export const metaAccessToken = credential(
  "For files of which a webhook contains only Meta's own id: an access token of Meta for the same WhatsApp account, if you have one",
).optional();

export const metaApiUrl = addressOfApi(graphUrl, "Meta's API, which the access token of Meta is for,");

interface MediaSettings {
  readonly mediaHosts: readonly string[];
  readonly metaAccessToken?: string | undefined;
  readonly metaApiUrl: string;
}

/**
 * Without a token, an id is of no use. With one, it leads to the file, and so does a link to Meta. The
 * provider's own links are downloaded as they are, because nobody knows for how long Meta keeps the same
 * file.
 */
export function passedOn(
  { mediaHosts, metaAccessToken: accessToken, metaApiUrl: apiUrl }: MediaSettings,
  now: () => Date,
): { readonly dialect: MetaDialect; readonly downloads: Downloads } {
  if (accessToken === undefined) {
    const sourceOf: MetaDialect['sourceOf'] = ({ url, id }) =>
      isAbsent(url) && identifier(id) !== undefined ? mediaIdOnly : linkTo(url);
    return { dialect: { sourceOf }, downloads: { trustedHosts: mediaHosts } };
  }
  const hosts = metaHosts(apiUrl);
  const downloads = metaDownloads({ accessToken, apiUrl, now }, hosts);
  const sourceOf: MetaDialect['sourceOf'] = (file) => {
    if (isAtHosts(file.url, hosts)) return metaSource(file, hosts);
    return isAbsent(file.url) ? referenceTo(identifier(file.id)) : linkTo(file.url);
  };
  return { dialect: { sourceOf }, downloads: { trustedHosts: [...mediaHosts, ...hosts], ...downloads } };
}
