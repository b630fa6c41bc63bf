/**
 * The error class of the service. HTTP reads `status`, the worker reads `retryable`. The codes are stable and
 * part of the contract (docs/errors.md lists them, and a test compares it with this table).
 */

/** The HTTP status of each code in responses of the API. */
const requestErrors = {
  'request.invalid': 400,
  'request.not_found': 404,
  'request.method_not_allowed': 405,
  'request.too_large': 413,
  'request.unsupported_type': 415,
  'request.rate_limited': 429,
  'request.too_many_at_once': 429,
  'auth.missing': 401,
  'auth.invalid': 401,
  'auth.expired': 401,
  'auth.revoked': 401,
  'auth.scope': 403,
  'auth.csrf': 403,
  'auth.wrong_password': 403,
  'webhook.unknown_channel': 404,
  'webhook.unproven': 401,
  'webhook.unsigned': 503,
  'webhook.too_large': 413,
  'webhook.unsupported_encoding': 415,
  'webhook.not_json': 400,
  'webhook.not_stored': 503,
  'delivery.not_found': 404,
  'delivery.erased': 410,
  'message.not_found': 404,
  'message.refused': 422,
  'message.key_reused': 422,
  'message.not_resendable': 409,
  'media.not_found': 404,
  'media.not_ready': 409,
  'media.no_bytes': 404,
  'media.no_preview': 404,
  'media.erased': 410,
  'media.not_retryable': 409,
  'media.annotated_meanwhile': 412,
  'media.too_many_facts': 409,
  'contact.unknown_channel': 404,
  'contact.not_found': 404,
  'person.not_found': 404,
  'subscription.not_found': 404,
  'subscription.unreadable': 409,
  'subscription.disabled': 409,
  'event.not_found': 404,
  'upload.refused': 422,
  'channel.not_found': 404,
  'channel.exists': 409,
  'channel.read_only': 409,
  'channel.unreadable': 409,
  'channel.not_connectable': 409,
  'channel.provider_refused': 409,
  'channel.provider_unavailable': 503,
  'token.not_found': 404,
  'hold.active': 409,
  'hold.not_found': 404,
  'user.not_found': 404,
  'user.exists': 409,
  'user.last_admin': 409,
  'user.no_password': 409,
  'session.not_found': 404,
  'oidc.not_configured': 404,
  'oidc.unavailable': 503,
  'oidc.refused': 403,
  'oidc.denied': 403,
  'oidc.expired': 403,
  'oidc.no_role': 403,
  'oidc.no_email': 403,
  'oidc.email_taken': 409,
  'oidc.user_disabled': 403,
  'oidc.user_removed': 403,
  'invitation.not_found': 404,
  'share.not_found': 404,
  'share.ended': 410,
  'share.locked': 403,
  'view.not_found': 404,
  'view.too_many': 409,
  'link.invalid': 403,
  'link.expired': 403,
  'service.unavailable': 503,
  internal: 500,
} as const;

/**
 * Why a file could not be stored (`error.code` of a media item). `rejected`: never possible. `failed`: gone
 * or refused at the provider. `retry`: another attempt may succeed.
 */
const mediaErrors = {
  'media.no_address': 'rejected',
  'media.invalid_url': 'rejected',
  'media.forbidden_address': 'rejected',
  'media.forbidden_port': 'rejected',
  'media.too_many_redirects': 'rejected',
  'media.unsupported_encoding': 'rejected',
  'media.too_large': 'rejected',
  'media.type_mismatch': 'rejected',
  'media.infected': 'rejected',
  'media.undecodable': 'rejected',
  'media.too_many_pixels': 'rejected',
  'media.provider_failed': 'failed',
  'media.gone': 'failed',
  'media.refused': 'failed',
  'media.link_expired': 'failed',
  'media.crashed': 'failed',
  'media.http_status': 'retry',
  'media.rate_limited': 'retry',
  'media.timeout': 'retry',
  'media.dns_failed': 'retry',
  'media.connection_failed': 'retry',
  'media.truncated': 'retry',
  'media.empty': 'retry',
  'media.busy': 'retry',
  'media.not_scanned': 'retry',
  'media.storage_failed': 'retry',
  'media.internal': 'retry',
} as const;

export type RequestErrorCode = keyof typeof requestErrors;
export type MediaErrorCode = keyof typeof mediaErrors;
export type ErrorCode = RequestErrorCode | MediaErrorCode;

export const errorCodes: readonly ErrorCode[] = [
  ...(Object.keys(requestErrors) as RequestErrorCode[]),
  ...(Object.keys(mediaErrors) as MediaErrorCode[]),
];

export interface FieldError {
  readonly field: string;
  readonly message: string;
}

interface AppErrorOptions {
  readonly cause?: unknown;
  /** The earliest time at which another attempt makes sense (`Retry-After`). */
  readonly retryAt?: Date;
  /** The invalid inputs. */
  readonly fields?: readonly FieldError[];
  /**
   * Whether another attempt may succeed although the code is final. A few attempts are then made before the
   * error is accepted.
   */
  readonly mayRecover?: boolean;
  /**
   * Whether the other side may have read a request that got no response. Unknown by default, so
   * true.
   */
  readonly requestLeft?: boolean;
}

/** More would help nobody, and the caller chooses how many there are and how long their names are. */
const maxFields = 50;
const maxFieldLength = 200;

export class AppError extends Error {
  override readonly name = 'AppError';
  readonly code: ErrorCode;
  readonly retryAt: Date | undefined;
  readonly fields: readonly FieldError[] | undefined;
  readonly mayRecover: boolean;
  readonly requestLeft: boolean;

  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryAt = options.retryAt;
    this.fields = options.fields;
    this.mayRecover = options.mayRecover ?? false;
    this.requestLeft = options.requestLeft ?? true;
  }

  /** An error about invalid inputs, whose message lists all of them, up to a limit. */
  static ofFields(code: ErrorCode, fields: readonly FieldError[], cause?: unknown): AppError {
    const shown = new Map<string, FieldError>();
    for (const { field, message } of fields) {
      const one = { field: field.slice(0, maxFieldLength), message };
      if (shown.size < maxFields) shown.set(`${one.field}: ${message}`, one);
    }
    return new AppError(code, [...shown.keys()].join('; '), { cause, fields: [...shown.values()] });
  }

  /** The HTTP status of a response with this error. */
  get status(): number {
    return isRequestError(this.code) ? statusOf(this.code) : 502;
  }

  /** Whether the same call may succeed later. */
  get retryable(): boolean {
    return isMediaError(this.code) && mediaErrors[this.code] === 'retry';
  }
}

/** Faults of this service, not of the file: downloads are retried without limit; the API answers 503. */
const serviceFaults: ReadonlySet<ErrorCode> = new Set<MediaErrorCode>([
  'media.storage_failed',
  'media.not_scanned',
]);

export function isServiceFault(code: ErrorCode): boolean {
  return serviceFaults.has(code);
}

/**
 * Returns the error if it describes a file that a caller has sent or named. Throws `service.unavailable` for
 * a fault of this service, and any other error as it is.
 */
export function aboutCallersFile(error: unknown): AppError {
  if (!(error instanceof AppError) || !isMediaError(error.code)) throw error;
  if (!isServiceFault(error.code)) return error;
  throw new AppError('service.unavailable', 'the file could not be stored; send it again', { cause: error });
}

/** The error for a caller whose bytes were deleted by an erasure while they were being stored. */
export function erasedMeanwhile(): AppError {
  const message = 'an erasure removed the same file at the same time; send it again';
  return new AppError('service.unavailable', message);
}

export function statusOf(code: RequestErrorCode): number {
  return requestErrors[code];
}

function isRequestError(code: ErrorCode): code is RequestErrorCode {
  return Object.hasOwn(requestErrors, code);
}

export function isMediaError(code: ErrorCode): code is MediaErrorCode {
  return Object.hasOwn(mediaErrors, code);
}

/** The state of a media item after an attempt with this error. */
export function mediaErrorVerdict(code: MediaErrorCode): 'rejected' | 'failed' | 'retry' {
  return mediaErrors[code];
}
