/** Downloads of a custom channel: links, and ids that a declared address leads from. */
import { valueAt } from '../../domain/embedded.js';
import { AppError } from '../../domain/errors.js';
import type { Downloads, Http, HttpResponse, ResolvedLink } from '../../domain/provider.js';
import { address } from '../kit/lenient.js';
import { headerOf } from './header.js';

export interface DownloadSettings {
  readonly mediaHosts: readonly string[];
  /** `Name: value`, for the media hosts and the lookup. */
  readonly mediaHeader?: string | undefined;
  /** The address that answers with the link of a file, with `{id}`. */
  readonly mediaLookupUrl?: string | undefined;
  /** The JSON Pointer to the link in the answer. */
  readonly mediaLookupPointer: string;
  /** Replaces the host of the link. */
  readonly mediaLookupHost?: string | undefined;
}

export function downloadsOf(settings: DownloadSettings): Downloads {
  const { mediaHosts, mediaHeader, mediaLookupUrl } = settings;
  return {
    trustedHosts: mediaHosts,
    ...(mediaHeader !== undefined && { authorize: () => headerOf(mediaHeader) }),
    ...(mediaLookupUrl !== undefined && {
      resolve: (id: string, http: Http) => lookUp({ ...settings, mediaLookupUrl }, id, http),
    }),
  };
}

type LookupSettings = DownloadSettings & { readonly mediaLookupUrl: string };

async function lookUp(settings: LookupSettings, id: string, http: Http): Promise<ResolvedLink> {
  const { mediaHeader, mediaLookupUrl, mediaLookupPointer, mediaLookupHost } = settings;
  // These would lead to another place of the API, whatever their encoding.
  if (id === '.' || id === '..')
    throw new AppError('media.invalid_url', 'the id of the file cannot be part of an address');
  const url = mediaLookupUrl.replaceAll('{id}', () => encodeURIComponent(id));
  const response = await http({ method: 'GET', url, headers: headerOf(mediaHeader) });
  refuseFailure(response);
  const link = address(valueAt(response.body, mediaLookupPointer));
  if (link === undefined || !URL.canParse(link))
    throw new AppError('media.http_status', 'the lookup of the file has answered without a link');
  return { url: withHost(link, mediaLookupHost), needsCredentials: true };
}

/** Only an answer that names the file as unknown is final. */
function refuseFailure({ status }: HttpResponse): void {
  if (status >= 200 && status < 300) return;
  if (status === 404 || status === 410)
    throw new AppError('media.gone', `the lookup of the file has answered ${String(status)}`);
  const code = status === 429 ? 'media.rate_limited' : 'media.http_status';
  throw new AppError(code, `the lookup of the file has answered ${String(status)}`);
}

function withHost(link: string, host: string | undefined): string {
  if (host === undefined) return link;
  const url = new URL(link);
  url.host = host;
  return url.href;
}
