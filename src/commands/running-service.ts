/** Calls of commands to a running service, with a token that they sign with the secret of the settings. */
import { createClient, InletError, type InletClient } from '../client/index.js';
import { ConfigError, loadConfig, readEnvironment, type Config } from '../config.js';
import type { Scope } from '../domain/access.js';
import { createTokenSigner } from '../infra/secrets/token-signer.js';
import { localAddress } from './checks/address.js';

export interface RunningService {
  readonly baseUrl: string;
  /** A client with a new token, which is valid for a day. */
  readonly client: (scope: Scope) => InletClient;
}

const validSeconds = 86_400;

/**
 * `url` is the address of the service, by default that of the settings. `name` names the token in the audit
 * trail.
 */
export function findService(name: string, url: string | undefined): RunningService {
  const now = (): Date => new Date();
  const config = loadConfig(readEnvironment(), now, { makesSecret: false });
  const baseUrl = url ?? addressOf(config);
  const signer = createTokenSigner(secretOf(config), now);
  return {
    baseUrl,
    client: (scope) => {
      const token = signer.issue({
        name,
        scopes: [scope],
        channels: null,
        expiresInSeconds: validSeconds,
      });
      return createClient({ baseUrl, token });
    },
  };
}

function addressOf(config: Config): string {
  if (config.port !== 0) return localAddress(config);
  throw new ConfigError([
    'PORT: is 0, so the service has another port after each start; name its address with --url',
  ]);
}

function secretOf({ authSecret, inletDir }: Config): string {
  if (authSecret !== '') return authSecret;
  throw new ConfigError([
    `AUTH_SECRET: is not set, and there is none in ${inletDir}; run this where the service runs, or set it to the secret of the service`,
  ]);
}

/** Throws if the text is not an HTTP address. */
export function urlOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol))
    throw new Error('--url is an address such as http://127.0.0.1:3000');
  return text;
}

/** An error of a request as one sentence that says what to do. */
export function explained(error: unknown, { baseUrl }: RunningService): unknown {
  if (!(error instanceof InletError)) return error;
  switch (error.code) {
    case 'unreachable':
      return new Error(`Nothing answers at ${baseUrl}: start the service, or name its address with --url.`);
    case 'unreadable':
      return new Error(`What answers at ${baseUrl} is not Inlet: name its address with --url.`);
    case 'auth.invalid':
      return new Error(
        `The service at ${baseUrl} has another AUTH_SECRET: run this with the settings of the service.`,
      );
    default:
      return new Error(`${baseUrl} answers: ${error.message} (${error.code}).`);
  }
}
