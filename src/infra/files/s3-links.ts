/** Addresses at which a browser reads an object of a bucket without credentials, for a short time. */
import { GetObjectCommand } from '@aws-sdk/client-s3';

import type { LinkOptions } from './blob-store.js';
import { callStore, storeUnavailable, type Bucket } from './s3-calls.js';

/** Long enough to begin a download; a download that has begun continues. */
export const linkSeconds = 300;

/** A request as the SDK signs it: the signature is in the query. */
interface SignedRequest {
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
}

interface Signer {
  readonly presign: (request: object, options: { readonly expiresIn: number }) => Promise<SignedRequest>;
}

/**
 * A signed address of an object, with the headers that the store is to send with it. The SDK builds the
 * request and finds the credentials; a step before its own signing signs the query and ends the call, so that
 * nothing is sent.
 */
export async function linkToObject(
  { client, bucket }: Bucket,
  key: string,
  { type, disposition, cacheControl }: LinkOptions,
): Promise<string> {
  const command = new GetObjectCommand({
    Bucket: bucket,
    Key: key,
    ResponseContentType: type,
    ResponseContentDisposition: disposition,
    ResponseCacheControl: cacheControl,
  });
  let address: string | undefined;
  command.middlewareStack.addRelativeTo(
    () => async (args: { readonly request: unknown }) => {
      const signer: unknown = await client.config.signer();
      if (!isSigner(signer)) throw new Error('the SDK has no signer for addresses');
      address = addressOf(await signer.presign(withoutHeaders(args.request), { expiresIn: linkSeconds }));
      return { response: {}, output: { $metadata: {} } };
    },
    { name: 'signAddress', relation: 'before', toMiddleware: 'httpSigningMiddleware' },
  );
  try {
    await callStore((within) => client.send(command, within));
  } catch (error) {
    throw storeUnavailable(error);
  }
  if (address === undefined) throw new Error('the SDK has not signed the address');
  return address;
}

/**
 * Every signed header would have to be sent by the browser, so only the host is signed. The header for the
 * body becomes part of the query.
 */
function withoutHeaders(request: unknown): object {
  if (!isRequest(request)) throw new Error('the SDK has no request to sign');
  const { host = '' } = request.headers;
  return Object.assign(request, { headers: { host, 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' } });
}

function isRequest(
  request: unknown,
): request is object & { readonly headers: Readonly<Record<string, string>> } {
  return typeof request === 'object' && request !== null && 'headers' in request;
}

function isSigner(signer: unknown): signer is Signer {
  return typeof signer === 'object' && signer !== null && 'presign' in signer;
}

function addressOf({ protocol, hostname, port, path, query }: SignedRequest): string {
  const parameters = Object.entries(query).map(([name, value]) => `${escaped(name)}=${escaped(value)}`);
  const host = port === undefined ? hostname : `${hostname}:${String(port)}`;
  return `${protocol}//${host}${path}?${parameters.join('&')}`;
}

/** Escapes text as the signature covers it: everything except unreserved letters (RFC 3986). */
function escaped(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
