import { pino } from 'pino';

import type { Config } from '../../config.js';
import { AppError } from '../../domain/errors.js';
import { createHttp } from '../../infra/net/http-client.js';
import { createIdentityProvider } from '../../infra/oidc/identity-provider.js';
import { localAddress } from './address.js';
import type { Finding } from './finding.js';

const subject = 'OIDC_ISSUER';
const answerMs = 5_000;

/**
 * Whether the identity provider describes itself as sign-ins need it. No credentials are sent. The service
 * starts without the provider, and asks it at the first sign-in.
 */
export async function checkSignIn(config: Config): Promise<Finding[]> {
  const { oidc, fetch, publicUrl, processMode } = config;
  if (!oidc || processMode === 'worker') return [];
  const redirectTo = `${publicUrl ?? localAddress(config)}/v1/sign-in/oidc/callback`;
  const http = createHttp({ timeoutMs: answerMs, allowOnlyPublicAnd: fetch.allowPrivateHosts });
  const provider = createIdentityProvider(oidc, {
    http,
    allowPrivateHosts: fetch.allowPrivateHosts,
    logger: pino({ level: 'silent' }),
    now: () => new Date(),
  });
  try {
    await provider.begin(redirectTo);
    return [
      {
        level: 'ok',
        subject,
        says: `${oidc.issuer} answers; the client ${oidc.clientId} there needs the redirect address ${redirectTo}`,
      },
    ];
  } catch (error) {
    const advice =
      error instanceof AppError && error.code === 'oidc.unavailable'
        ? 'let this machine reach it, and list its host in FETCH_ALLOW_PRIVATE_HOSTS if its address is not public'
        : 'set it to the issuer exactly as the provider writes it in its /.well-known/openid-configuration';
    return [
      {
        level: 'warning',
        subject,
        says: `nobody can sign in with ${oidc.issuer} now (${whyOf(error)}): ${advice}`,
      },
    ];
  } finally {
    await http.close();
  }
}

/** What went wrong, as its first cause says it. */
function whyOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : whyOf(error.cause);
}
