import { errors } from 'undici';
import { AppError, type MediaErrorCode } from '../../domain/errors.js';
import { failureName } from '../logging/failure-name.js';

interface NetworkFailure {
  readonly host: string;
  /** The signal that covered the call: when it is aborted, its reason is the true story. */
  readonly signal: AbortSignal;
  /** What a failure means at this stage, unless it says more about itself. */
  readonly otherwise: Extract<MediaErrorCode, 'media.connection_failed' | 'media.truncated'>;
}

/** What to throw for a failure of the network; the original becomes the `cause`. */
export function networkError(error: unknown, { host, signal, otherwise }: NetworkFailure): unknown {
  if (error instanceof AppError) return error;
  if (signal.aborted) return signal.reason;
  if (error instanceof errors.ConnectTimeoutError) {
    return new AppError('media.timeout', `${host} did not accept the connection in time`, { cause: error });
  }
  const story = otherwise === 'media.truncated' ? 'broke off its answer' : 'could not be reached';
  const reason = reasonOf(error);
  const message = reason === undefined ? `${host} ${story}` : `${host} ${story}: ${reason}`;
  return new AppError(otherwise, message, { cause: error });
}

/** In words, for the codes that hosts and networks give most often; the code itself for others. */
const reasons: ReadonlyMap<string, string> = new Map([
  ['ECONNREFUSED', 'nothing listens on that port'],
  ['ECONNRESET', 'the connection was reset'],
  ['EPIPE', 'the connection was closed'],
  ['UND_ERR_SOCKET', 'the connection was closed'],
  ['EHOSTUNREACH', 'there is no route to the host'],
  ['ENETUNREACH', 'there is no route to its network'],
  ['EADDRNOTAVAIL', 'there is no route to its network'],
  ['ETIMEDOUT', 'the connection timed out'],
  ['CERT_HAS_EXPIRED', 'its certificate has expired'],
  ['CERT_NOT_YET_VALID', 'its certificate is not valid yet'],
  ['CERT_REVOKED', 'its certificate was revoked'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'its certificate is self-signed'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'its certificate is signed by an unknown authority'],
  ['UNABLE_TO_GET_ISSUER_CERT', 'its certificate is signed by an unknown authority'],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'its certificate is signed by an unknown authority'],
  [
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'its certificate cannot be verified: the host sends an incomplete chain',
  ],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'its certificate is for another name'],
  ['EPROTO', 'it does not agree on TLS'],
  ['UND_ERR_HEADERS_OVERFLOW', 'its headers are too long'],
  ['UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'its length is not the one that it says'],
  ['Z_BUF_ERROR', 'its compressed data are cut off'],
  ['Z_DATA_ERROR', 'its compressed data are damaged'],
]);

function reasonOf(error: unknown): string | undefined {
  const code = failureName(error);
  if (code === 'HTTPParserError') return 'its answer is not HTTP';
  if (!/^[A-Z][A-Z\d]*(_[A-Z\d]+)*$/.test(code)) return undefined;
  if (code.startsWith('HPE_')) return `its answer is not HTTP (${code})`;
  if (code.startsWith('ERR_SSL_')) return `it does not agree on TLS (${code})`;
  const words = reasons.get(code);
  return words === undefined ? code : `${words} (${code})`;
}
