/**
 * The company's identity provider: the authorization code flow of OpenID Connect with PKCE, state and nonce.
 * openid-client implements the protocol; signatures of ID tokens are checked, too.
 */
import * as client from 'openid-client';
import { z } from 'zod';

import { AppError } from '../../domain/errors.js';
import type { Http } from '../../domain/provider.js';
import { isStorable } from '../../domain/text.js';
import type { Logger } from '../logging/logger.js';
import { createGuardedFetch, ProviderUnavailable } from './guarded-fetch.js';

export interface IdentityProviderSettings {
  readonly issuer: string;
  readonly clientId: string;
  /** Undefined for a public client, which PKCE alone protects. */
  readonly clientSecret: string | undefined;
}

/** What one sign-in has to prove at its end. */
export interface SignInProof {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

/** A person, as the provider knows them. */
export interface Identity {
  readonly issuer: string;
  readonly subject: string;
  readonly email: string | undefined;
  /** Whether the provider says that the address belongs to the person. */
  readonly isEmailVerified: boolean;
  readonly name: string | undefined;
  readonly claims: Readonly<Record<string, unknown>>;
}

export interface IdentityProvider {
  /** The address of the provider's page. Throws `oidc.unavailable` or `oidc.refused`. */
  readonly begin: (redirectTo: string) => Promise<{ readonly url: URL; readonly proof: SignInProof }>;
  /**
   * Exchanges the code in the address that the browser was sent back to, and checks everything. Throws
   * `oidc.unavailable`, `oidc.denied` or `oidc.refused`.
   */
  readonly finish: (cameBackTo: URL, proof: SignInProof) => Promise<Identity>;
}

interface Dependencies {
  readonly http: Http;
  readonly allowPrivateHosts: readonly string[];
  readonly logger: Logger;
  readonly now: () => Date;
}

/** How long what the provider says about itself is used. Its keys are read again when one is unknown. */
const metadataMs = 3_600_000;
/** The longest subject of the specification has 255 characters. */
const maxSubjectLength = 255;
const scope = 'openid email profile';

export function createIdentityProvider(
  settings: IdentityProviderSettings,
  dependencies: Dependencies,
): IdentityProvider {
  const configuration = createDiscovery(settings, dependencies);
  const { logger } = dependencies;
  return {
    begin: (redirectTo) =>
      translated(logger, async () => {
        const verifier = client.randomPKCECodeVerifier();
        const state = client.randomState();
        const nonce = client.randomNonce();
        const url = client.buildAuthorizationUrl(await configuration(), {
          redirect_uri: redirectTo,
          scope,
          state,
          nonce,
          code_challenge: await client.calculatePKCECodeChallenge(verifier),
          code_challenge_method: 'S256',
        });
        return { url, proof: { state, nonce, verifier } };
      }),
    finish: (cameBackTo, proof) =>
      translated(logger, async () => identify(await configuration(), { cameBackTo, proof })),
  };
}

/**
 * Asks the provider about itself at the first use, and again after an hour. A failure is not kept, so that the
 * next sign-in tries again.
 */
function createDiscovery(
  { issuer, clientId, clientSecret }: IdentityProviderSettings,
  { http, allowPrivateHosts, now }: Dependencies,
): () => Promise<client.Configuration> {
  const server = new URL(issuer);
  // Addresses without TLS must still be listed by the operator, which the calls check.
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- only deprecated to be conspicuous
  const allowed = server.protocol === 'http:' ? [client.allowInsecureRequests] : [];
  const discover = async (): Promise<client.Configuration> => {
    const found = await client.discovery(server, clientId, undefined, authenticationWith(clientSecret), {
      [client.customFetch]: createGuardedFetch(http, allowPrivateHosts),
      execute: [client.enableNonRepudiationChecks, ...allowed],
    });
    // The library makes an exception for addresses of Microsoft that serve the accounts of any company.
    if (new URL(found.serverMetadata().issuer).href !== server.href)
      throw new Error('the provider calls itself otherwise than OIDC_ISSUER');
    return found;
  };
  let known: { readonly at: number; readonly configuration: Promise<client.Configuration> } | undefined;
  return () => {
    const at = now().getTime();
    if (known && at - known.at < metadataMs) return known.configuration;
    const asked = { at, configuration: discover() };
    known = asked;
    asked.configuration.catch(() => {
      if (known === asked) known = undefined;
    });
    return asked.configuration;
  };
}

/** `client_secret_basic` is what the specification expects of a provider that names no way. */
function authenticationWith(secret: string | undefined): client.ClientAuth {
  if (secret === undefined) return client.None();
  const basic = client.ClientSecretBasic(secret);
  const post = client.ClientSecretPost(secret);
  return (server, ...call) => {
    const ways = server.token_endpoint_auth_methods_supported;
    const isBasic = ways === undefined || ways.includes('client_secret_basic');
    (isBasic ? basic : post)(server, ...call);
  };
}

interface Finish {
  readonly cameBackTo: URL;
  readonly proof: SignInProof;
}

const texts = z.object({
  sub: z.string().min(1).max(maxSubjectLength).refine(isStorable),
  email: z.string().optional().catch(undefined),
  // Some providers send the text.
  email_verified: z.union([z.boolean(), z.literal('true')]).catch(false),
  name: z.string().optional().catch(undefined),
  preferred_username: z.string().optional().catch(undefined),
});

async function identify(
  configuration: client.Configuration,
  { cameBackTo, proof }: Finish,
): Promise<Identity> {
  const tokens = await client.authorizationCodeGrant(configuration, cameBackTo, {
    expectedState: proof.state,
    expectedNonce: proof.nonce,
    pkceCodeVerifier: proof.verifier,
    idTokenExpected: true,
  });
  const ofToken = tokens.claims();
  if (!ofToken) throw new Error('the provider sent no ID token');
  const hasPage = configuration.serverMetadata().userinfo_endpoint !== undefined;
  const more = hasPage
    ? await client.fetchUserInfo(configuration, tokens.access_token, ofToken.sub)
    : { sub: ofToken.sub };
  const claims: Readonly<Record<string, unknown>> = { ...more, ...ofToken };
  // Whether the address is verified counts only where the address is.
  const { email_verified: verified, email } = texts.parse(ofToken['email'] === undefined ? more : ofToken);
  const { sub, name, preferred_username: userName } = texts.parse(claims);
  return {
    issuer: ofToken.iss,
    subject: sub,
    email,
    isEmailVerified: verified !== false,
    name: name ?? userName,
    claims,
  };
}

/** Turns failures of the provider into codes; what it said is for the log. */
async function translated<Result>(logger: Logger, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    const failure = failureOf(error);
    logger.warn({ code: failure.code, err: error }, 'a sign-in with OpenID Connect failed');
    throw failure;
  }
}

/** What a provider answers while it cannot do better (RFC 6749, section 4.1.2.1). */
const temporary = new Set(['server_error', 'temporarily_unavailable']);
/** What a provider answers for a person who may not, or does not want to, sign in. */
const denials = new Set(['access_denied', 'login_required', 'interaction_required', 'consent_required']);

function failureOf(cause: unknown): AppError {
  const said = cause instanceof client.AuthorizationResponseError ? cause.error : '';
  if (temporary.has(said) || isUnavailable(cause))
    return new AppError('oidc.unavailable', 'the identity provider does not answer; try again later', {
      cause,
    });
  if (denials.has(said))
    return new AppError('oidc.denied', 'the identity provider did not let the person sign in', { cause });
  return new AppError('oidc.refused', 'the answer of the identity provider is not valid', { cause });
}

function isUnavailable(error: unknown): boolean {
  if (error instanceof ProviderUnavailable) return true;
  return error instanceof Error && error.cause !== undefined && isUnavailable(error.cause);
}
