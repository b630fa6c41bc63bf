/**
 * Opens sockets to checked addresses only. The check happens inside the act of connecting: the addresses that
 * were looked at are the ones dialled, so a name that changes its mind in between (DNS rebinding) gains nothing.
 */
import type { LookupAddress } from 'node:dns';
import { lookup as systemLookup } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import { buildConnector } from 'undici';
import { AppError } from '../domain/errors.js';
import { listsHost } from './host-list.js';
import { isPublicAddress } from './public-address.js';

/** Every address of a name; rejects when there is none. */
export type LookupAll = (hostname: string) => Promise<readonly LookupAddress[]>;

export interface ConnectorOptions {
  /** Exact `host` or `host:port` that may have addresses which are not public. */
  readonly allowPrivateHosts: readonly string[];
  /** Until the socket is connected (and TLS agreed), in milliseconds. */
  readonly timeoutMs: number;
  readonly lookup?: LookupAll | undefined;
}

const lookupAll: LookupAll = (hostname) => systemLookup(hostname, { all: true });

/** How long one of several addresses may take before the next one is tried. Node's 250 ms is short of a far host. */
const nextAddressAfterMs = 1000;

/**
 * A connector for undici. Fails with `media.forbidden_address` or `media.dns_failed` before any socket is
 * opened; other failures come as Node reports them.
 */
export function createGuardedConnector(options: ConnectorOptions): buildConnector.connector {
  const lookup = options.lookup ?? lookupAll;
  const connectorFor = (accepts: (ip: string) => boolean) =>
    buildConnector({
      timeout: options.timeoutMs,
      autoSelectFamily: true,
      autoSelectFamilyAttemptTimeout: nextAddressAfterMs,
      lookup: lookupHook(lookup, accepts),
    });
  const connectAnywhere = connectorFor(() => true);
  const connectPublic = connectorFor(isPublicAddress);

  return (target, callback) => {
    const url = new URL(`${target.protocol}//${target.host ?? target.hostname}`);
    if (listsHost(options.allowPrivateHosts, url)) {
      connectAnywhere(target, callback);
    } else if (isForbiddenName(target.hostname)) {
      process.nextTick(callback, forbidden(target.hostname), null);
    } else {
      connectPublic(target, callback);
    }
  };
}

/**
 * Says now what connecting would say: for whoever enters a URL. Rejects like the connector; what it lets pass is checked
 * again at each connection.
 */
export async function checkAddress(url: URL, options: Omit<ConnectorOptions, 'timeoutMs'>): Promise<void> {
  if (listsHost(options.allowPrivateHosts, url)) return;
  const hostname = url.hostname.replace(/^\[|\]$/g, '');
  if (isForbiddenName(hostname)) throw forbidden(hostname);
  if (isIP(hostname) !== 0) return;
  await resolveAccepted(hostname, options.lookup ?? lookupAll, isPublicAddress);
}

/** What needs no lookup to be refused, and would in part not get one: Node never looks a literal address up. */
function isForbiddenName(hostname: string): boolean {
  if (isIP(hostname) !== 0) return !isPublicAddress(hostname);
  // Always the machine itself (RFC 6761), also where the resolver does not know these forms of it.
  return /(^|\.)localhost\.?$/.test(hostname);
}

function lookupHook(lookup: LookupAll, accepts: (ip: string) => boolean): LookupFunction {
  return (hostname, options, callback) => {
    resolveAccepted(hostname, lookup, accepts).then(
      ([first, ...others]) => {
        if (options.all) callback(null, [first, ...others]);
        else callback(null, first.address, first.family);
      },
      (error: unknown) => {
        callback(error as AppError, []);
      },
    );
  };
}

/** One bad record spoils the name: whoever mixes public and private addresses is trying something. */
async function resolveAccepted(
  hostname: string,
  lookup: LookupAll,
  accepts: (ip: string) => boolean,
): Promise<[LookupAddress, ...LookupAddress[]]> {
  const addresses = await lookup(hostname).catch((cause: unknown) => {
    throw new AppError('media.dns_failed', `${hostname} could not be resolved`, { cause });
  });
  const [first, ...others] = addresses;
  if (first === undefined) throw new AppError('media.dns_failed', `${hostname} has no address`);
  if (!addresses.every(({ address }) => accepts(address))) throw forbidden(hostname);
  return [first, ...others];
}

function forbidden(hostname: string): AppError {
  return new AppError('media.forbidden_address', `${hostname} is not a public address`);
}
