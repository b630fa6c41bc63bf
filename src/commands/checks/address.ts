import { lookup } from 'node:dns/promises';
import { createServer } from 'node:net';

import type { Config } from '../../config.js';
import { looksPublic } from '../../infra/net/public-address.js';
import type { Finding } from './finding.js';

/** The address of the service on this machine, which is the default of the other commands. */
export function localAddress({ host, port }: Pick<Config, 'host' | 'port'>): string {
  const name = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `http://${name.includes(':') ? `[${name}]` : name}:${String(port)}`;
}

/** Whether the service could listen. */
export async function checkPort(config: Config): Promise<Finding[]> {
  const { host, port, processMode } = config;
  if (processMode === 'worker') return [];
  const subject = 'PORT';
  if (port === 0) return [{ level: 'ok', subject, says: '0, so each start takes any free port' }];
  const place = `${host}:${String(port)}`;
  const code = await tryToListen(config);
  if (code === undefined) return [{ level: 'ok', subject, says: `${place} is free` }];
  if (code !== 'EADDRINUSE')
    return [
      { level: 'problem', subject, says: `${place} cannot be listened on (${code}): name another one` },
    ];
  return [
    (await isInlet(localAddress(config)))
      ? { level: 'ok', subject, says: `Inlet is running at ${place}` }
      : {
          level: 'problem',
          subject,
          says: `${place} is used by another program: stop it, or name another port`,
        },
  ];
}

/** Resolves to the error code, or to undefined if the port is free. */
function tryToListen({ host, port }: Config): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', ({ code = 'unknown' }: NodeJS.ErrnoException) => {
      resolve(code);
    });
    server.listen({ host, port }, () => {
      server.close(() => {
        resolve(undefined);
      });
    });
  });
}

const answerMs = 3_000;

async function isInlet(address: string): Promise<boolean> {
  try {
    const headers = { accept: 'application/json' };
    const answer = await fetch(address, { headers, signal: AbortSignal.timeout(answerMs) });
    const { name } = (await answer.json()) as { readonly name?: unknown };
    return name === 'inlet';
  } catch {
    return false;
  }
}

/** Whether others can probably reach the public address. */
export async function checkPublicUrl(config: Config): Promise<Finding> {
  const subject = 'PUBLIC_URL';
  const { publicUrl } = config;
  if (publicUrl === undefined)
    return {
      level: config.channels.length === 0 ? 'ok' : 'warning',
      subject,
      says: `is not set, so links begin with ${localAddress(config)}, which providers cannot reach: set it to the outside address`,
    };
  const url = new URL(publicUrl);
  const doubt = problemOf(url) ?? (await unknownHost(url));
  return doubt === undefined
    ? { level: 'ok', subject, says: publicUrl }
    : { level: 'warning', subject, says: `${publicUrl} ${doubt}` };
}

function problemOf(url: URL): string | undefined {
  if (!looksPublic(url))
    return 'is an address that only this network reaches: providers need one that the internet reaches';
  return url.protocol === 'http:'
    ? 'has no TLS: put a proxy with a certificate in front, and let it begin with https://'
    : undefined;
}

async function unknownHost({ hostname }: URL): Promise<string | undefined> {
  const isKnown = await lookup(hostname.replace(/^\[|\]$/g, '')).then(
    () => true,
    () => false,
  );
  return isKnown ? undefined : 'has a host whose name is not known here: correct it, or add it to the DNS';
}
