/** An identity provider that answers as a test wants it to, with any token. */
import type { ServerResponse } from 'node:http';

import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWTPayload } from 'jose';

import { client, listenFirst } from './identity-provider.js';

/** What the provider claims in the next token, beside what is true. */
export interface Lie {
  readonly claims?: JWTPayload;
  readonly algorithm?: 'RS256' | 'HS256' | 'none';
  /** Another key than the published one. */
  readonly withOtherKey?: boolean;
  readonly withoutIdToken?: boolean;
  readonly userInfo?: object;
  readonly metadata?: object;
  /** Answers every request in this way. */
  readonly status?: number;
}

export interface LyingProvider {
  readonly host: string;
  readonly issuer: string;
  readonly lie: (lie: Lie) => void;
  /** The nonce of the sign-in that the next token is for. */
  readonly expect: (nonce: string) => void;
  readonly asked: string[];
  readonly close: () => Promise<void>;
}

const keyId = 'the-key';

export async function startLyingProvider(): Promise<LyingProvider> {
  const { host, issuer, handle, close } = await listenFirst();
  const [own, other] = await Promise.all([generateKeyPair('RS256'), generateKeyPair('RS256')]);
  const publicKey = { ...(await exportJWK(own.publicKey)), kid: keyId, alg: 'RS256', use: 'sig' };
  let lie: Lie = {};
  let nonce = '';
  const asked: string[] = [];
  const token = async (): Promise<object> => {
    const key = lie.withOtherKey ? other.privateKey : own.privateKey;
    const idToken = lie.withoutIdToken ? {} : { id_token: await idTokenOf(lie, { issuer, nonce, key }) };
    return { access_token: 'an-access-token', token_type: 'Bearer', expires_in: 60, ...idToken };
  };
  const answers: Readonly<Record<string, () => object | Promise<object>>> = {
    '/.well-known/openid-configuration': () => ({ ...metadataOf(issuer), ...lie.metadata }),
    '/jwks': () => ({ keys: [publicKey] }),
    '/token': token,
    '/userinfo': () => lie.userInfo ?? { sub: 'liar' },
  };
  handle((request, response) => {
    const path = (request.url ?? '').split('?')[0] ?? '';
    asked.push(path);
    void Promise.resolve(answers[path]?.() ?? {}).then((body) => {
      send(response, lie.status ?? 200, body);
    });
  });
  return {
    host,
    issuer,
    asked,
    lie: (next) => {
      lie = next;
    },
    expect: (next) => {
      nonce = next;
    },
    close,
  };
}

function metadataOf(issuer: string): object {
  return {
    issuer,
    authorization_endpoint: `${issuer}/auth`,
    token_endpoint: `${issuer}/token`,
    userinfo_endpoint: `${issuer}/userinfo`,
    jwks_uri: `${issuer}/jwks`,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256', 'HS256', 'none'],
  };
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

interface Truth {
  readonly issuer: string;
  readonly nonce: string;
  readonly key: CryptoKey;
}

async function idTokenOf({ claims = {}, algorithm = 'RS256' }: Lie, { issuer, nonce, key }: Truth) {
  const now = Math.floor(Date.now() / 1000);
  const payload = {
    iss: issuer,
    sub: 'liar',
    aud: client.id,
    nonce,
    iat: now,
    exp: now + 300,
    email: 'liar@example.com',
    email_verified: true,
    name: 'Honest Person',
    roles: ['readers'],
    ...claims,
  };
  if (algorithm === 'none') {
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    return `${part({ alg: 'none' })}.${part(payload)}.`;
  }
  const signing = new SignJWT(payload).setProtectedHeader({ alg: algorithm, kid: keyId });
  return signing.sign(algorithm === 'HS256' ? Buffer.from(client.secret) : key);
}
