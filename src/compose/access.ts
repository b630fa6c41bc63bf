/** Tokens, users with their sessions, and shares. */
import type { Config } from '../config.js';
import type { ShutdownBudget } from '../infra/process/shutdown-budget.js';
import { createIdentityProvider } from '../infra/oidc/identity-provider.js';
import { createPasswords } from '../infra/secrets/passwords.js';
import { createSealedBox } from '../infra/secrets/sealed-box.js';
import { createTokenSigner } from '../infra/secrets/token-signer.js';
import { removedIdentities } from '../infra/tables/removed-identities.js';
import { createSignInAttempts } from '../infra/tables/sign-in-attempts.js';
import { createTokensOfUser } from '../infra/tables/tokens-of-user.js';
import { createTokenTable } from '../infra/tables/tokens.js';
import { createUserTable } from '../infra/tables/users.js';
import { createShares } from '../pipeline/shares.js';
import { createTokens } from '../pipeline/tokens.js';
import { createInvitations } from '../pipeline/users/invitations.js';
import { createProviderSignIn, type ProviderSignIn } from '../pipeline/users/provider-sign-in.js';
import { createSessions } from '../pipeline/users/sessions.js';
import { createSignInTickets } from '../pipeline/users/sign-in-tickets.js';
import type { UserDependencies } from '../pipeline/users/user-dependencies.js';
import { createUsers } from '../pipeline/users/users.js';
import type { Calls } from './calls.js';
import type { Foundation } from './foundation.js';

export function createAccess(config: Config, foundation: Foundation, calls: Calls) {
  const { audit, database, logger, now } = foundation;
  const hasProvider = config.oidc !== undefined;
  const signer = createTokenSigner(config.authSecret, now);
  const passwords = createPasswords();
  const users = createUserTable(database.api, { hasProvider });
  const tokensOfUser = createTokensOfUser(database.api);
  const tokens = createTokens({ signer, database, audit, users, tokensOfUser, logger, now });
  const dependencies: UserDependencies = {
    database,
    users,
    tokens: createTokenTable(database.api),
    tokensOfUser,
    removed: removedIdentities,
    hasProvider,
    attempts: createSignInAttempts(database.api),
    passwords,
    signer,
    audit,
    now,
  };
  const sessions = createSessions(dependencies);
  return {
    services: {
      tokens,
      users: createUsers(dependencies),
      sessions,
      hasPasswords: users.hasPasswords,
      providerSignIn: createSignInOf(config, { foundation, calls, users: dependencies }),
      invitations: createInvitations(dependencies),
      shares: createShares({ database, audit, passwords, now }),
    },
    close: async (budget: ShutdownBudget): Promise<void> => {
      await Promise.all([
        budget.waitFor('recording the use of tokens', tokens.close()),
        budget.waitFor('recording failed sign-ins', sessions.close()),
      ]);
    },
  };
}

interface SignInParts {
  readonly foundation: Foundation;
  readonly calls: Calls;
  readonly users: UserDependencies;
}

/** Asks the provider nothing yet, so that the service starts without it. */
function createSignInOf(
  { oidc, fetch, authSecret }: Config,
  { foundation: { logger, now, publicUrl }, calls, users }: SignInParts,
): ProviderSignIn | undefined {
  if (!oidc) return undefined;
  const { allowPrivateHosts } = fetch;
  return createProviderSignIn({
    provider: createIdentityProvider(oidc, { http: calls.signIn, allowPrivateHosts, logger, now }),
    tickets: createSignInTickets(createSealedBox(authSecret, 'sign-in tickets'), now),
    roles: oidc.roles,
    name: oidc.name,
    redirectTo: `${publicUrl}/v1/sign-in/oidc/callback`,
    users,
  });
}
