import { errors } from 'undici';
import { AppError, type MediaErrorCode } from '../../domain/errors.js';
import { failureName } from '../logging/failure-name.js';

interface NetworkFailure {
  readonly host: string;
  /** The signal of the call. If it is aborted, its reason is the real cause. */
  readonly signal: AbortSignal;
  /** The code for a failure at this stage that has no more specific code. */
  readonly fallbackCode: Extract<MediaErrorCode, 'media.connection_failed' | 'media.truncated'>;
}

/** Returns the error to throw for a network failure; the original becomes the `cause`. */
export function networkError(error: unknown, { host, signal, fallbackCode }: NetworkFailure): unknown {
  if (error instanceof AppError) return error;
  if (signal.aborted) return signal.reason;
  if (error instanceof errors.ConnectTimeoutError) {
    return new AppError('media.timeout', `${host} did not accept the connection in time`, { cause: error });
  }
  const failure = fallbackCode === 'media.truncated' ? 'closed the connection early' : 'could not be reached';
  const reason = reasonOf(error);
  const message = reason === undefined ? `${host} ${failure}` : `${host} ${failure}: ${reason}`;
  return new AppError(fallbackCode, message, { cause: error });
}

/** Explanations for the most frequent codes of hosts and networks; other codes are shown as they are. */
const explanations: ReadonlyMap<string, string> = new Map([
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
  ['EPROTO', 'the TLS handshake failed'],
  ['UND_ERR_HEADERS_OVERFLOW', 'its headers are too long'],
  ['UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'its length differs from the declared one'],
  ['Z_BUF_ERROR', 'its compressed data is incomplete'],
  ['Z_DATA_ERROR', 'its compressed data is damaged'],
]);

function reasonOf(error: unknown): string | undefined {
  const code = failureName(error);
  if (code === 'HTTPParserError') return 'its response is not valid HTTP';
  if (!/^[A-Z][A-Z\d]*(_[A-Z\d]+)*$/.test(code)) return undefined;
  if (code.startsWith('HPE_')) return `its response is not valid HTTP (${code})`;
  if (code.startsWith('ERR_SSL_')) return `the TLS handshake failed (${code})`;
  const explanation = explanations.get(code);
  return explanation === undefined ? code : `${explanation} (${code})`;
}
