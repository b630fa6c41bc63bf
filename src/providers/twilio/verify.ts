/**
 * Verifies the signature of webhooks (twilio.com/docs/usage/webhooks/webhooks-security), exactly as Twilio's
 * own package does: twilio-node 6.3.1 lib/webhooks/webhooks.js.
 */
import { createHmac, createSecretKey, hash, type KeyObject } from 'node:crypto';
import { parse, stringify } from 'node:querystring';

import type { FormField, Verdict, WebhookRequest } from '../../domain/provider.js';
import type { ProviderAdapter } from '../../domain/provider-adapter.js';
import { fieldsOfForm } from '../kit/form.js';
import { secretMatcher, singleHeader } from '../kit/verification.js';

/** Base64 of a digest of 20 bytes. */
const signatureFormat = /^[A-Za-z\d+/]{27}=$/;

/**
 * The signature is an HMAC-SHA-1 of the address and the parameters of the form. It holds no time: a repeated
 * webhook is the same message or status. Webhooks with a key of the Webhooks Rules, an HMAC-SHA-256, are
 * refused: there is no setting for such a key.
 */
export function verifier(authTokens: readonly string[]): ProviderAdapter['verify'] {
  const keys = authTokens.map((token) => createSecretKey(Buffer.from(token)));
  return (request): Verdict => {
    const { method, headers, url, rawBody } = request;
    const signature = singleHeader(headers['x-twilio-signature']);
    if (method !== 'POST') return { ok: false, reason: 'not a POST' };
    if (signature === undefined) return { ok: false, reason: 'not signed' };
    if (!signatureFormat.test(signature)) return { ok: false, reason: 'not a signature' };
    // Only the type of the body decides: a form whose address has a digest must be proven with its
    // parameters.
    const isJsonBody = isJson(headers['content-type']);
    const fields = isJsonBody ? [] : fieldsOfForm(rawBody);
    if (fields === undefined) return { ok: false, reason: 'too many fields' };
    if (!isSignedWith(keys, signature, { url, parameters: textOf(fields) }))
      return { ok: false, reason: 'wrong signature' };
    return isJsonBody && !hasDigestOf(request)
      ? { ok: false, reason: 'signature of another body' }
      : { ok: true };
  };
}

/** Whether a body of this type is JSON, as for webhooks of products other than Programmable Messaging. */
export function isJson(contentType: string | undefined): boolean {
  return /^\s*application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(contentType ?? '');
}

/**
 * Each name in the order of code units, followed by its value. The values of a repeated name count once each,
 * are sorted too, and follow the name again.
 */
function textOf(fields: readonly FormField[]): string {
  const valuesOf = new Map<string, Set<string>>();
  for (const { name, value } of fields) {
    const values = valuesOf.get(name);
    if (values) values.add(value);
    else valuesOf.set(name, new Set([value]));
  }
  let text = '';
  for (const name of [...valuesOf.keys()].sort())
    for (const value of [...(valuesOf.get(name) ?? [])].sort()) text += name + value;
  return text;
}

interface SignedText {
  readonly url: string;
  readonly parameters: string;
}

function isSignedWith(
  keys: readonly KeyObject[],
  signature: string,
  { url, parameters }: SignedText,
): boolean {
  const isSigned = (address: string): boolean => {
    const expected = keys.map((key) =>
      createHmac('sha1', key).update(address).update(parameters).digest('base64'),
    );
    return secretMatcher(expected)(signature);
  };
  return candidates(url).some(isSigned);
}

/**
 * The addresses that Twilio may have signed, the most likely first: Twilio is not consistent about ports
 * (twilio.com/docs/api/errors/57012), and some of its services escape special characters.
 */
function candidates(url: string): readonly string[] {
  const normalised = URL.canParse(url) ? new URL(url).toString() : url;
  const escaped = [withoutPort(normalised), withPort(normalised)];
  return [...new Set([withoutPort(url), withPort(url), ...escaped, ...escaped.map(withPrintedQuery)])];
}

/**
 * Scheme, user, host, port and the rest. The characters stay as they are, which `new URL` would not
 * guarantee.
 */
const partsOfUrl = /^([a-z][a-z\d+.-]*:\/\/)((?:[^/?#]*@)?)((?:[^/?#]*\])?[^:/?#]*)((?::[^/?#]*)?)(.*)$/is;

function withoutPort(url: string): string {
  return url.replace(partsOfUrl, '$1$2$3$5');
}

function withPort(url: string): string {
  const [, scheme = '', user = '', host = '', port = '', rest = ''] = partsOfUrl.exec(url) ?? [];
  if (scheme === '' || port !== '') return url;
  return `${scheme}${user}${host}:${scheme.toLowerCase() === 'https://' ? '443' : '80'}${rest}`;
}

/** The query as Node's older module prints it, which escapes more characters, for example the apostrophe. */
function withPrintedQuery(url: string): string {
  const start = url.indexOf('?') + 1;
  return start === 0 || start === url.length ? url : url.slice(0, start) + stringify(parse(url.slice(start)));
}

/**
 * The address of a webhook with JSON contains the digest of the body, which makes it part of the signature.
 */
function hasDigestOf({ url, rawBody }: Pick<WebhookRequest, 'url' | 'rawBody'>): boolean {
  const digest = URL.canParse(url) ? new URL(url).searchParams.get('bodySHA256') : null;
  return digest !== null && secretMatcher([hash('sha256', rawBody, 'hex')])(digest);
}
