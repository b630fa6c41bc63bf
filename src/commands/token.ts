/** `inlet token`: prints an API token. Needs the settings, but no running service and no database. */
import { parseArgs } from 'node:util';

import { loadConfig, readEnvironment } from '../config.js';
import { scopes, type Scope } from '../domain/access.js';
import { commandLine } from '../infra/process/command-line.js';
import { createTokenSigner, type Grant } from '../infra/secrets/token-signer.js';
import { fail, orExplain } from './command-line.js';
import { secondsOf } from './duration.js';

const about = {
  usage: `${commandLine('token')} --scope ${scopes.join('|')} [--scope ...] [--channel ID]... [--expires 30d|12h|45m|90s] [--name NAME]`,
  does: 'Prints an API token, which also signs in to the gallery.',
  options: {
    '--scope SCOPE': 'what the token may do; admin may do everything',
    '--channel ID': 'a channel that the token sees; without any, all',
    '--expires TIME': 'how long the token is valid; without it, until it is revoked',
    '--name NAME': 'what the token is called in the list of tokens and in the audit trail',
  },
};

function readArguments(args: readonly string[]): Grant {
  const { values } = parseArgs({
    args: [...args],
    options: {
      scope: { type: 'string', multiple: true },
      channel: { type: 'string', multiple: true },
      expires: { type: 'string' },
      name: { type: 'string' },
    },
  });
  const granted = (values.scope ?? []).flatMap((text) => text.split(',')).map(toScope);
  if (granted.length === 0) throw new Error('name at least one --scope');
  return {
    name: values.name ?? null,
    scopes: granted,
    channels: values.channel ?? null,
    expiresInSeconds: values.expires === undefined ? null : toSeconds(values.expires),
  };
}

function toScope(text: string): Scope {
  const scope = scopes.find((name) => name === text);
  if (!scope) throw new Error(`there is no scope ${text}`);
  return scope;
}

function toSeconds(text: string): number {
  const seconds = secondsOf(text);
  if (seconds === undefined) throw new Error('--expires looks like 30d, 12h, 45m or 90s');
  return seconds;
}

const grant = orExplain(about, () => readArguments(process.argv.slice(2)));
try {
  const now = (): Date => new Date();
  const config = loadConfig(readEnvironment(), now);
  console.log(createTokenSigner(config.authSecret, now).issue(grant));
} catch (error) {
  fail(error);
}
