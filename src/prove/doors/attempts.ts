/** The attempts of an attacker who knows everything except the secret. */
import type { Webhook } from '../../demo/providers/simulated-provider.js';
import type { WireRequest } from '../wire.js';
import { claimsFor, forged, proofOf, proven, type Door } from './door.js';
import { forgedTokens } from './forged-tokens.js';

/** A request and its allowed responses. */
export interface Attempt {
  readonly what: string;
  readonly request: WireRequest;
  readonly allowedStatuses: readonly number[];
}

const refused = [401];
/** Includes 503 if there is no proof at all: Vonage is then asked to send a signed request. */
const unseen = [401, 503];
/** Invalid HTTP never reaches the verification. */
const broken = [400, 401, 503];

/** `others` are the secrets of all other doors. */
export function attemptsAt(door: Door, others: readonly string[]): Attempt[] {
  const webhook = door.webhook();
  const attempts = [
    ...guesses(webhook),
    ...misplaced(webhook, door),
    ...repeated(webhook),
    ...foreign(webhook, others),
    ...borrowed(door),
    ...(proofOf(webhook).value.split('.').length === 3 ? tokensAt(door) : []),
  ];
  return attempts.map((attempt) => ({ ...attempt, what: `${door.name}: ${attempt.what}` }));
}

function tokensAt({ webhook: make, secret }: Door): Attempt[] {
  const webhook = make();
  const tokens = forgedTokens(claimsFor(webhook.body), { secret, validToken: proofOf(webhook).value });
  return Object.entries(tokens).map(([what, token]) => ({
    what,
    request: forged(webhook, token),
    allowedStatuses: refused,
  }));
}

/** All almost valid proofs. */
function guesses(webhook: Webhook): Attempt[] {
  const { value } = proofOf(webhook);
  const places = Array.from(value, (_, index) => index);
  const nearly: [what: string, guess: string][] = [
    ...places.map((length): [string, string] => [`a prefix of ${String(length)}`, value.slice(0, length)]),
    ...places.map((at): [string, string] => [
      `another character at ${String(at)}`,
      `${value.slice(0, at)}${/a/i.test(value[at] ?? '') ? 'b' : 'a'}${value.slice(at + 1)}`,
    ]),
    ['one character more', `${value}a`],
    ['one character more in front', `a${value}`],
    ['twice in a row', value + value],
    ['the other way round', Array.from(value).reverse().join('')],
    ...['null', 'undefined', 'true', '[object Object]', '*', '%00', '0', '{}', "' or ''='"].map(
      (guess): [string, string] => [`the guess ${guess}`, guess],
    ),
  ];
  return nearly.map(([what, guess]) => ({ what, request: forged(webhook, guess), allowedStatuses: refused }));
}

/** The valid proof in a wrong place, and no proof at all. */
function misplaced(webhook: Webhook, { channel, secret }: Door): Attempt[] {
  const { value } = proofOf(webhook);
  const lines = ['cookie', 'x-token', 'x_inlet_token', 'proxy-authorization', 'x-api-key', 'x-hub-signature'];
  const queries = ['Token', 'TOKEN', 'token[]', 'token[0]', 'token%00', 'access_token', 'x-inlet-token'];
  const elsewhere = `/webhooks/${channel}?token=${secret}`;
  return [
    { what: 'no proof', request: forged(webhook, {}), allowedStatuses: unseen },
    ...lines.map((name) => ({
      what: `the proof in ${name}`,
      allowedStatuses: unseen,
      request: forged(webhook, { lines: [`${name}: ${value}`] }),
    })),
    ...queries.map((name) => ({
      what: `the proof in ?${name}`,
      allowedStatuses: unseen,
      request: forged(webhook, { query: `${name}=${value}` }),
    })),
    {
      what: 'the address said to be another one',
      allowedStatuses: unseen,
      request: forged(webhook, { lines: [`x-original-url: ${elsewhere}`, `x-rewrite-url: ${elsewhere}`] }),
    },
    {
      what: 'the proof in the body',
      allowedStatuses: unseen,
      request: { ...forged(webhook, {}), body: JSON.stringify({ token: secret, 'x-inlet-token': secret }) },
    },
  ];
}

/** Repeated and folded headers, which would fool code that reads the second one or joins them. */
function repeated(webhook: Webhook): Attempt[] {
  const proof = proofOf(webhook);
  const { value } = proof;
  const half = Math.floor(value.length / 2);
  if (proof.place === 'query') {
    const queries = [`token=wrong&token=${value}`, `token=${value}&token=wrong`, `token=${value}&token=`];
    const cut = [`token=${value.slice(0, half)}&token=${value.slice(half)}`, `token=wrong#token=${value}`];
    return [...queries, ...cut].map((query) => ({
      what: `the query ${query.replaceAll(value, '…')}`,
      allowedStatuses: broken,
      request: forged(webhook, { query }),
    }));
  }
  const line = (text: string): string => `${proof.name}: ${proof.scheme}${text}`;
  const cases: Record<string, string[]> = {
    'a wrong header before the right one': [line('wrong'), line(value)],
    'an empty header before the right one': [`${proof.name}:`, line(value)],
    'a list with the right one': [line(`wrong, ${value}`)],
    'the halves in two headers': [line(value.slice(0, half)), `${proof.name}: ${value.slice(half)}`],
    'a folded header': [`${line(value.slice(0, half))}\r\n ${value.slice(half)}`],
    'a folded header that begins empty': [`${proof.name}:\r\n wrong\r\n ${value}`],
    'a blank before the colon': [line(value).replace(':', ' :')],
    'a blank in the middle': [line(`${value.slice(0, half)} ${value.slice(half)}`)],
  };
  return Object.entries(cases).map(([what, lines]) => ({
    what,
    allowedStatuses: broken,
    request: forged(webhook, { lines }),
  }));
}

/** Proofs that would open another door. */
function foreign(webhook: Webhook, others: readonly string[]): Attempt[] {
  const proof = proofOf(webhook);
  return others.map((secret) => ({
    what: "another channel's secret",
    allowedStatuses: refused,
    request: forged(webhook, proven(proof, webhook.body, secret)),
  }));
}

/** The signature of one webhook with the body of another, where the body is signed. */
function borrowed({ webhook }: Door): Attempt[] {
  const one = webhook();
  const another = webhook();
  const { value } = proofOf(one);
  if (value === proofOf(another).value) return [];
  const bodies = [another.body, `${one.body} `, one.body.replace('{', '{ '), '', '{}', `\u{feff}${one.body}`];
  return bodies
    .filter((body) => body !== one.body)
    .map((body) => ({
      what: 'another body under a right signature',
      allowedStatuses: refused,
      request: { ...forged(one, value), body },
    }));
}
