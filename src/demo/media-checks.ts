import { createHmac, timingSafeEqual } from 'node:crypto';

import jwt from 'jsonwebtoken';

import type { Answer, Check, HostRequest } from './media-host.js';

/** Accepts requests with exactly `Authorization: Key <key>`, as Blip requires. */
export function requiresKey(key: string): Check {
  return ({ headers }) =>
    headers.authorization === `Key ${key}` ? undefined : unauthorized('A bot key is required.');
}

/** Accepts requests with exactly `Authorization: Bearer <token>`, as Meta requires. */
export function requiresBearer(token: string): Check {
  return ({ headers }) =>
    headers.authorization === `Bearer ${token}` ? undefined : unauthorized('An access token is required.');
}

/** Accepts requests until the second of the parameter `ext`; the end of a link of Meta. */
export function requiresFreshLink(now: () => Date = () => new Date()): Check {
  return ({ url }) =>
    now().getTime() < Number(url.searchParams.get('ext')) * 1000
      ? undefined
      : { status: 404, body: 'The link has expired.' };
}

/** Accepts requests with these credentials (RFC 7617), as Twilio requires. */
export function requiresBasic(user: string, password: string): Check {
  return ({ headers }) =>
    isBasic(headers.authorization, user, password)
      ? undefined
      : unauthorized('The account and its token are required.');
}

export function isBasic(authorization: string | undefined, user: string, password: string): boolean {
  return authorization === `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

/** Refuses requests that have credentials in any header, like hosts with signed links. */
export const refusesCredentials: Check = ({ hadCredentials }) =>
  hadCredentials ? { status: 400, body: 'Only one way of authorisation is allowed.' } : undefined;

/** Answers with a redirect instead of a file. */
export function redirectsTo(location: string): Check {
  return () => ({ status: 302, headers: { location } });
}

/** Answers the first `times` requests as if there were no file. */
export function missingFirst(times: number): Check {
  let left = times;
  return () => {
    left -= 1;
    return left >= 0 ? { status: 404, body: 'There is no such file.' } : undefined;
  };
}

interface Application {
  /** The key in PEM. */
  readonly publicKey: string;
  readonly applicationId: string;
}

/** Accepts requests whose bearer token was signed with this application's private key, as Vonage requires. */
export function requiresApplicationJwt(application: Application): Check {
  return ({ headers }) =>
    isApplicationJwt(headers.authorization, application)
      ? undefined
      : unauthorized('A token of the application is required.');
}

/** Whether this is a complete RS256 bearer token of this application that is no older than a day. */
export function isApplicationJwt(
  authorization: string | undefined,
  { publicKey, applicationId }: Application,
): boolean {
  const token = /^Bearer (\S+)$/.exec(authorization ?? '')?.[1];
  if (token === undefined) return false;
  try {
    const claims = jwt.verify(token, publicKey, { algorithms: ['RS256'], maxAge: '24h' });
    return (
      typeof claims === 'object' && claims['application_id'] === applicationId && claims.jti !== undefined
    );
  } catch {
    return false;
  }
}

function unauthorized(detail: string): Answer {
  return {
    status: 401,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ title: 'Unauthorized', detail }),
  };
}

/** Answers the first `times` requests with 503. With `retryAfterSeconds`, it names a retry time. */
export function failsFirst(times: number, retryAfterSeconds?: number): Check {
  let left = times;
  const headers = retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) };
  return () => {
    left -= 1;
    return left >= 0 ? { status: 503, headers, body: 'Try again later.' } : undefined;
  };
}

interface SignedLink {
  readonly key: Buffer;
  readonly path: string;
  readonly from: Date;
  readonly until: Date;
}

/** The query of an Azure shared access signature: clients with the link may read from `st` until `se`. */
export function sharedAccessQuery({ key, path, from, until }: SignedLink): string {
  const st = toSeconds(from);
  const se = toSeconds(until);
  const sig = sharedAccessSignature(key, [path, st, se]);
  return new URLSearchParams({ sv: '2019-07-07', st, se, sr: 'b', sp: 'r', sig, secure: 'true' }).toString();
}

/** Accepts requests within the time of their shared access signature; otherwise 403 with XML, like Azure. */
export function requiresSharedAccess(key: Buffer, now: () => Date = () => new Date()): Check {
  return (request) => {
    const { st, se, sig } = sharedAccessParameters(request);
    if (!sameText(sig, sharedAccessSignature(key, [request.url.pathname, st, se]))) {
      return azureRefusal('Signature did not match.');
    }
    const time = now().getTime();
    return time >= Date.parse(st) && time < Date.parse(se)
      ? undefined
      : azureRefusal(`Signature not valid in the specified time frame: Start [${st}] - Expiry [${se}]`);
  };
}

function sharedAccessParameters({ url }: HostRequest): { st: string; se: string; sig: string } {
  const value = (name: string) => url.searchParams.get(name) ?? '';
  return { st: value('st'), se: value('se'), sig: value('sig') };
}

function sharedAccessSignature(key: Buffer, parts: readonly string[]): string {
  return createHmac('sha256', key).update(parts.join('\n')).digest('base64');
}

function sameText(one: string, other: string): boolean {
  const left = Buffer.from(one);
  const right = Buffer.from(other);
  return left.length === right.length && timingSafeEqual(left, right);
}

/** Azure's times have no fractions of a second. */
function toSeconds(time: Date): string {
  return time.toISOString().replace(/\.\d+/, '');
}

function azureRefusal(detail: string): Answer {
  const message = 'Server failed to authenticate the request.';
  return {
    status: 403,
    headers: { 'content-type': 'application/xml', 'x-ms-error-code': 'AuthenticationFailed' },
    body:
      `<?xml version="1.0" encoding="utf-8"?><Error><Code>AuthenticationFailed</Code><Message>${message}</Message>` +
      `<AuthenticationErrorDetail>${detail}</AuthenticationErrorDetail></Error>`,
  };
}
