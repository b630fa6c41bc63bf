/** How commands ask a running service: with a token that they sign themselves, as any process with the same secret may. */
import { createClient, InletError, type InletClient } from '../client/index.js';
import { ConfigError, loadConfig, readEnvironment, type Config } from '../config.js';
import type { Scope } from '../domain/access.js';
import { createTokenSigner } from '../infra/secrets/token-signer.js';
import { localAddress } from './checks/address.js';

export interface RunningService {
  readonly baseUrl: string;
  /** With a token of its own, which is valid for a day. */
  readonly client: (scope: Scope) => InletClient;
}

const validSeconds = 86_400;

/** `url` is where the service is; without it, where the settings say. `name` is what the token is called in the audit trail. */
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

/** Throws for a text that is no address of a service. */
export function urlOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol))
    throw new Error('--url is an address such as http://127.0.0.1:3000');
  return text;
}

/** What went wrong with a request, in one sentence that says what to do. */
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
