/** Known attacks on JSON web tokens. */
import { createHash, createHmac, generateKeyPairSync, sign } from 'node:crypto';

import { jwt } from './door.js';

const right = { alg: 'HS256', typ: 'JWT' };

/** Forged tokens by their defect. `validToken` is known to the attacker. */
export function forgedTokens(
  claims: Record<string, unknown>,
  known: { readonly secret: string; readonly validToken: string },
): Tokens {
  return {
    ...otherAlgorithms(claims, known),
    ...otherTimes(claims, known.secret),
    ...otherHashes(claims, known.secret),
  };
}

type Tokens = Record<string, string>;

function otherAlgorithms(
  claims: unknown,
  { secret, validToken }: { secret: string; validToken: string },
): Tokens {
  const tokens: Tokens = {};
  const [, , signature = ''] = validToken.split('.');
  for (const alg of ['none', 'None', 'NONE', 'nOnE', '', null, undefined, ['HS256'], 'hs256', 'HS1']) {
    const header = { ...right, alg };
    tokens[`alg ${JSON.stringify(alg)} without a signature`] = jwt(header, claims, () => '');
    tokens[`alg ${JSON.stringify(alg)} with another signature`] = jwt(header, claims, () => signature);
    tokens[`alg ${JSON.stringify(alg)} with the secret`] = jwt(header, claims, secret);
  }
  const hmac = (hash: string) => (signed: string) =>
    createHmac(hash, secret).update(signed).digest('base64url');
  tokens['HS384 with the secret'] = jwt({ ...right, alg: 'HS384' }, claims, hmac('sha384'));
  tokens['HS512 with the secret'] = jwt({ ...right, alg: 'HS512' }, claims, hmac('sha512'));
  tokens['HS512 that says HS256'] = jwt(right, claims, hmac('sha512'));
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const rs256 = (signed: string): string =>
    sign('sha256', Buffer.from(signed), privateKey).toString('base64url');
  tokens['RS256 with a key of its own'] = jwt({ ...right, alg: 'RS256' }, claims, rs256);
  tokens['RS256 with its key in the header'] = jwt(
    { ...right, alg: 'RS256', jwk: publicKey.export({ format: 'jwk' }) },
    claims,
    rs256,
  );
  tokens['HS256 with a public key as the secret'] = jwt(right, claims, pem);
  tokens['HS256 with an empty secret'] = jwt(right, claims, '');
  tokens['HS256 with the hash of the secret'] = jwt(
    right,
    claims,
    createHash('sha256').update(secret).digest('hex'),
  );
  tokens['a key id that leads elsewhere'] = jwt({ ...right, kid: '../../../dev/null' }, claims, '');
  tokens['four parts'] = `${jwt(right, claims, secret)}.`;
  tokens['five parts'] = `${jwt(right, claims, secret)}.a.b`;
  return tokens;
}

/** Correctly signed at another time: an attacker has kept it, or has created it for later. */
function otherTimes(claims: Record<string, unknown>, secret: string): Tokens {
  const now = Math.floor(Date.now() / 1000);
  const minutes = [-525_600, -2880, -1441, 6, 10, 60, 1440, 525_600];
  const times: [what: string, iat: unknown][] = [
    ...minutes.map((count): [string, unknown] => [`iat ${String(count)} minutes from now`, now + 60 * count]),
    ...[null, String(now), [now], true, 0, -1, now * 1000, {}].map((iat): [string, unknown] => [
      `iat ${JSON.stringify(iat)}`,
      iat,
    ]),
    ['no iat', undefined],
  ];
  return {
    ...Object.fromEntries(times.map(([what, iat]) => [what, jwt(right, { ...claims, iat }, secret)])),
    'an exp that is over': jwt(right, { ...claims, exp: now - 1 }, secret),
    'an exp that is none': jwt(right, { ...claims, exp: 'never' }, secret),
  };
}

function otherHashes(claims: Record<string, unknown>, secret: string): Tokens {
  const own = String(claims['payload_hash']);
  const hashes = [undefined, null, '', own.slice(0, -1), `${own}0`, [own], { own }, '0'.repeat(64), true];
  return Object.fromEntries(
    hashes.map((hash) => [
      `payload_hash ${JSON.stringify(hash)}`,
      jwt(right, { ...claims, payload_hash: hash }, secret),
    ]),
  );
}
