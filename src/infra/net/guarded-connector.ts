/**
 * Opens sockets to checked addresses only. The check is part of connecting: the checked addresses are the
 * ones that are dialled, so a name that changes its address in between (DNS rebinding) gains nothing.
 */
import type { LookupAddress } from 'node:dns';
import { lookup as systemLookup } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import { buildConnector, errors } from 'undici';
import { AppError } from '../../domain/errors.js';
import { failureName } from '../logging/failure-name.js';
import { finishing } from './finishing-connector.js';
import { listsHost } from '../../domain/host-list.js';
import { createAddressCheck } from './nat64.js';
import { isPublicAddress } from './public-address.js';

/** Returns every address of a name; rejects if there is none. */
export type LookupAll = (hostname: string) => Promise<readonly LookupAddress[]>;

export interface ConnectorOptions {
  /** Exact `host` or `host:port` entries that may have private addresses. */
  readonly allowPrivateHosts: readonly string[];
  /** Timeout until the socket is connected, including TLS. */
  readonly timeoutMs: number;
  readonly lookup?: LookupAll | undefined;
}

const lookupAll: LookupAll = (hostname) => systemLookup(hostname, { all: true });

/**
 * How long one of several addresses may take before the next one is tried. Node's 250 ms are too short for
 * distant hosts.
 */
const nextAddressDelayMs = 1000;

/**
 * A connector for undici. Fails with `media.forbidden_address` or `media.dns_failed` before any socket is
 * opened; other failures are reported as Node does.
 */
export function createGuardedConnector(options: ConnectorOptions): buildConnector.connector {
  const lookup = options.lookup ?? lookupAll;
  const isPublic = createAddressCheck(lookup);
  const connectorFor = (accepts: Accepts) =>
    buildConnector({
      // The limits and counts here assume one request per connection.
      allowH2: false,
      timeout: options.timeoutMs,
      autoSelectFamily: true,
      autoSelectFamilyAttemptTimeout: nextAddressDelayMs,
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
      // Literal addresses are never looked up, and one that looks public may lead through a NAT64 translator
      // of the local network.
      void isPublic(target.hostname).then((isAllowed) => {
        if (isAllowed) connectPublic(target, callback);
        else callback(forbidden(target.hostname), null);
      });
    } else {
      connectPublic(target, callback);
    }
  };
  return finishing(withTimeout(connect, options.timeoutMs));
}

/**
 * undici's own timers are up to a second late. In that time, later requests would join a connection that has
 * timed out.
 */
function withTimeout(connect: buildConnector.connector, timeoutMs: number): buildConnector.connector {
  return (target, callback) => {
    let hasTimedOut = false;
    const timer = setTimeout(() => {
      hasTimedOut = true;
      callback(
        new errors.ConnectTimeoutError(`${target.hostname} did not accept the connection in time`),
        null,
      );
    }, timeoutMs);
    connect(target, (...result) => {
      clearTimeout(timer);
      if (hasTimedOut) result[1]?.destroy();
      else callback(...result);
    });
  };
}

/**
 * Checks a URL at the time it is entered. Rejects as connecting would; the address is checked again at each
 * connection.
 */
export async function checkAddress(url: URL, options: Omit<ConnectorOptions, 'timeoutMs'>): Promise<void> {
  if (listsHost(options.allowPrivateHosts, url)) return;
  const hostname = url.hostname.replace(/^\[|\]$/g, '');
  if (isForbiddenName(hostname)) throw forbidden(hostname);
  const lookup = options.lookup ?? lookupAll;
  const isPublic = createAddressCheck(lookup);
  if (isIP(hostname) === 0) await resolveAccepted(hostname, lookup, isPublic);
  else if (!(await isPublic(hostname))) throw forbidden(hostname);
}

/**
 * Hosts that are refused without a lookup. Node never looks literal addresses up, so these must be checked
 * here.
 */
function isForbiddenName(hostname: string): boolean {
  if (isIP(hostname) !== 0) return !isPublicAddress(hostname);
  // Always the machine itself (RFC 6761), even if the resolver does not know these forms.
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
 * Returns the addresses that may be dialled and omits the others, because an address that is never dialled
 * does no harm. The socket uses an address from this list, whatever the name resolves to next time.
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
  // Resolvers that block a name temporarily answer with such an address, so the download is retried.
  throw new AppError('media.forbidden_address', `${hostname} has no public address`, { mayRecover: true });
}

function forbidden(hostname: string): AppError {
  return new AppError(
    'media.forbidden_address',
    `${hostname} is not a public address (see FETCH_ALLOW_PRIVATE_HOSTS)`,
  );
}
