/**
 * Opens sockets to checked addresses only. The check happens inside the act of connecting: the addresses that
 * were looked at are the ones dialled, so a name that changes its mind in between (DNS rebinding) gains nothing.
 */
import type { LookupAddress } from 'node:dns';
import { lookup as systemLookup } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import { buildConnector, errors } from 'undici';
import { AppError } from '../../domain/errors.js';
import { failureName } from '../logging/failure-name.js';
import { finishing } from './finishing-connector.js';
import { listsHost } from './host-list.js';
import { createAddressJudge } from './nat64.js';
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
  const isPublic = createAddressJudge(lookup);
  const connectorFor = (accepts: Accepts) =>
    buildConnector({
      // What is bounded and counted here is a connection for one answer at a time.
      allowH2: false,
      timeout: options.timeoutMs,
      autoSelectFamily: true,
      autoSelectFamilyAttemptTimeout: nextAddressAfterMs,
      lookup: lookupHook(lookup, accepts),
    });
  const connectAnywhere = connectorFor(() => Promise.resolve(true));
  const connectPublic = connectorFor(isPublic);

  const connect: buildConnector.connector = (target, callback) => {
    const url = new URL(`${target.protocol}//${target.host ?? target.hostname}`);
    if (listsHost(options.allowPrivateHosts, url)) {
      connectAnywhere(target, callback);
    } else if (isForbiddenName(target.hostname)) {
      process.nextTick(callback, forbidden(target.hostname), null);
    } else if (isIP(target.hostname) === 6) {
      // Nothing looks a literal address up, and one that looks public may lead through a translator of our own network.
      void isPublic(target.hostname).then((isFine) => {
        if (isFine) connectPublic(target, callback);
        else callback(forbidden(target.hostname), null);
      });
    } else {
      connectPublic(target, callback);
    }
  };
  return finishing(inTime(connect, options.timeoutMs));
}

/** undici's own timers are late by up to a second, in which later requests would join a connection that is given up. */
function inTime(connect: buildConnector.connector, timeoutMs: number): buildConnector.connector {
  return (target, callback) => {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      callback(new errors.ConnectTimeoutError(`${target.hostname} did not answer in time`), null);
    }, timeoutMs);
    connect(target, (...result) => {
      clearTimeout(timer);
      if (isLate) result[1]?.destroy();
      else callback(...result);
    });
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
  const lookup = options.lookup ?? lookupAll;
  const isPublic = createAddressJudge(lookup);
  if (isIP(hostname) === 0) await resolveAccepted(hostname, lookup, isPublic);
  else if (!(await isPublic(hostname))) throw forbidden(hostname);
}

/** What needs no lookup to be refused, and would in part not get one: Node never looks a literal address up. */
function isForbiddenName(hostname: string): boolean {
  if (isIP(hostname) !== 0) return !isPublicAddress(hostname);
  // Always the machine itself (RFC 6761), also where the resolver does not know these forms of it.
  return /(^|\.)localhost\.?$/.test(hostname);
}

type Accepts = (ip: string) => Promise<boolean>;

function lookupHook(lookup: LookupAll, accepts: Accepts): LookupFunction {
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

/**
 * The addresses that may be dialled: those that may not are left out, since nobody gains anything by an address that is never dialled.
 * One that is dialled was looked at here, whatever the name says next time.
 */
async function resolveAccepted(
  hostname: string,
  lookup: LookupAll,
  accepts: Accepts,
): Promise<[LookupAddress, ...LookupAddress[]]> {
  const addresses = await lookup(hostname).catch((cause: unknown) => {
    throw new AppError('media.dns_failed', `${hostname} could not be resolved (${failureName(cause)})`, {
      cause,
    });
  });
  if (addresses.length === 0) throw new AppError('media.dns_failed', `${hostname} has no address`);
  const verdicts = await Promise.all(addresses.map(({ address }) => accepts(address)));
  const [first, ...others] = addresses.filter((_, index) => verdicts[index]);
  if (first !== undefined) return [first, ...others];
  // Resolvers that block a name for a time answer with such an address, so it is asked for again.
  throw new AppError('media.forbidden_address', `${hostname} has no public address`, { mayPass: true });
}

function forbidden(hostname: string): AppError {
  return new AppError('media.forbidden_address', `${hostname} is not a public address`);
}
