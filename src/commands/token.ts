/** `npm run token`: prints an API token. Needs the settings, but no running service and no database. */
import { parseArgs } from 'node:util';

import { ConfigError, loadConfig, readEnvironment } from '../config.js';
import { scopes, type Scope } from '../domain/access.js';
import { ownValue } from '../domain/own-value.js';
import { createTokenSigner, type Grant } from '../infra/secrets/token-signer.js';
import { commandLine, orExplain } from './command-line.js';

const usage = `${commandLine('token')} --scope ${scopes.join('|')} [--scope ...] [--channel ID]... [--expires 30d|12h|45m|90s] [--name NAME]`;
const secondsPer: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

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
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (count === undefined || unit === undefined || Number(count) === 0)
    throw new Error('--expires looks like 30d, 12h, 45m or 90s');
  return Number(count) * (ownValue(secondsPer, unit) ?? 1);
}

const grant = orExplain(usage, () => readArguments(process.argv.slice(2)));
try {
  const now = (): Date => new Date();
  const config = loadConfig(readEnvironment(), now);
  console.log(createTokenSigner(config.authSecret, now).issue(grant));
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = error instanceof ConfigError ? 78 : 1;
}
