/** Settings of sign-in with OpenID Connect: what does not fit together is said in one sentence. */
import { expect, it } from '@jest/globals';

import { ConfigError, loadConfig, type Config } from '../../src/config.js';

const complete = {
  OIDC_ISSUER: 'https://login.example.com/realms/staff',
  OIDC_CLIENT_ID: 'inlet',
  OIDC_ROLES: 'inlet-admins=admin, cn=support=agent:z-api+blip',
};

function load(env: Readonly<Record<string, string>>): Config {
  return loadConfig({ AUTH_SECRET: 'a-secret-for-tests-0123456789abcdef', ...env }, () => new Date());
}

function problemsOf(env: Readonly<Record<string, string>>): readonly string[] {
  try {
    load(env);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

it('are read with the roles in their order', () => {
  expect(load(complete).oidc).toEqual({
    issuer: 'https://login.example.com/realms/staff',
    clientId: 'inlet',
    clientSecret: undefined,
    name: 'login.example.com',
    roles: {
      claim: 'roles',
      rules: [
        { value: 'inlet-admins', role: 'admin', channels: null },
        { value: 'cn=support', role: 'agent', channels: ['z-api', 'blip'] },
      ],
      otherwise: undefined,
    },
  });
  // As in a copy of the example file.
  expect(load({ OIDC_ISSUER: '', OIDC_ROLE_CLAIM: 'roles' }).oidc).toBeUndefined();
});

it.each([
  [{ OIDC_CLIENT_ID: 'inlet' }, 'OIDC_ISSUER: is required when OIDC_CLIENT_ID is set'],
  [{ ...complete, OIDC_CLIENT_ID: '' }, 'OIDC_CLIENT_ID: is required when OIDC_ISSUER is set'],
  [
    { ...complete, OIDC_ROLES: '' },
    'OIDC_ROLES: or OIDC_DEFAULT_ROLE is required when OIDC_ISSUER is set, or nobody could sign in',
  ],
  [
    { ...complete, OIDC_ISSUER: 'http://login.example.com' },
    'OIDC_ISSUER: must begin with https://, unless FETCH_ALLOW_PRIVATE_HOSTS lists its host',
  ],
  [
    { ...complete, OIDC_ISSUER: 'https://login.example.com/.well-known/openid-configuration' },
    'OIDC_ISSUER: must be the issuer alone, without the path of its configuration',
  ],
  [
    { ...complete, OIDC_ROLES: 'inlet-admins=boss' },
    'OIDC_ROLES: must be a list of value=role, separated by commas, with the roles viewer, agent, operator, admin; channels follow as value=agent:z-api+blip',
  ],
])('%o is a problem', (env, problem) => {
  expect(problemsOf(env)).toEqual([problem]);
});

it('an address without TLS may be listed', () => {
  const env = { OIDC_ISSUER: 'http://login.internal:8080', FETCH_ALLOW_PRIVATE_HOSTS: 'login.internal:8080' };
  expect(problemsOf({ ...complete, ...env })).toEqual([]);
});
