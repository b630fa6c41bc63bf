/** Addresses of a bucket are signed as AWS describes it (Signature Version 4, query parameters). */
import { createHmac, hash } from 'node:crypto';

import { expect, test } from '@jest/globals';

import { createS3Client } from '../../../src/infra/files/s3-calls.js';
import { linkToObject } from '../../../src/infra/files/s3-links.js';

const secret = 'a secret of the bucket';

/** Everything except unreserved letters is escaped (RFC 3986). */
function escaped(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** The signature of a GET of this address, computed from the address alone. */
function signatureOf({ host, pathname, searchParams }: URL): string {
  const query = [...searchParams]
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => `${escaped(name)}=${escaped(value)}`)
    .toSorted()
    .join('&');
  const canonical = ['GET', pathname, query, `host:${host}\n`, 'host', 'UNSIGNED-PAYLOAD'].join('\n');
  const date = searchParams.get('X-Amz-Date') ?? '';
  const scope = [date.slice(0, 8), 'eu-central-1', 's3', 'aws4_request'];
  const text = ['AWS4-HMAC-SHA256', date, scope.join('/'), hash('sha256', canonical, 'hex')].join('\n');
  const key = scope.reduce<string | Buffer>(
    (last, part) => createHmac('sha256', last).update(part).digest(),
    `AWS4${secret}`,
  );
  return createHmac('sha256', key).update(text).digest('hex');
}

test.each([undefined, 'http://127.0.0.1:9000'])(
  'an address at %s holds the headers that the store sends',
  async (endpoint) => {
    // eslint-disable-next-line no-restricted-properties -- This is where the SDK looks for credentials.
    Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'KEY', AWS_SECRET_ACCESS_KEY: secret });
    const settings = {
      bucket: 'pictures',
      endpoint,
      region: 'eu-central-1',
      forcePathStyle: endpoint !== undefined,
    };
    const client = createS3Client(settings);
    const headers = {
      type: 'image/svg+xml',
      disposition: `attachment; filename="a 'b' (1)*!.svg"; filename*=UTF-8''caf%C3%A9.svg`,
      cacheControl: 'private, max-age=31536000, immutable',
    };
    const url = new URL(await linkToObject({ client, bucket: 'pictures' }, 'blobs/ab/cd/abcd', headers));
    client.destroy();
    expect(url.origin + url.pathname).toBe(
      endpoint === undefined
        ? 'https://pictures.s3.eu-central-1.amazonaws.com/blobs/ab/cd/abcd'
        : 'http://127.0.0.1:9000/pictures/blobs/ab/cd/abcd',
    );
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      'response-content-type': headers.type,
      'response-content-disposition': headers.disposition,
      'response-cache-control': headers.cacheControl,
      'X-Amz-Expires': '300',
      'X-Amz-SignedHeaders': 'host',
      'X-Amz-Signature': signatureOf(url),
    });
  },
);
