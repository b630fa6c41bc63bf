/** Errors of calls: the problems that the service reports, and failures to reach it. */

/** A field of a request with its problem. */
export interface FieldProblem {
  readonly field: string;
  readonly message: string;
}

/** The properties of an {@link InletError} except its message. */
export interface ProblemFacts {
  readonly code: string;
  readonly status: number;
  readonly errors?: readonly FieldProblem[];
  readonly retryAfter?: number | null;
  readonly requestId?: string | null;
  readonly cause?: unknown;
}

/** The only error of this client, except for the reason of an `AbortSignal` of the caller. */
export class InletError extends Error {
  override readonly name = 'InletError';
  /**
   * A stable code; the documentation of the service lists all codes. The client adds `unreachable` (no
   * answer), `timeout` (no answer in time), `unreadable` (the answer is not one of the service),
   * `unreadable_event` and the codes of `verifyWebhook`, which begin with `webhook.`.
   */
  readonly code: string;
  /**
   * HTTP status of the answer; 0 if there was none. For `verifyWebhook`: the status to return to the caller.
   */
  readonly status: number;
  /** The explanation, for people. */
  readonly detail: string;
  /** The fields with problems, if the service names any. */
  readonly errors: readonly FieldProblem[];
  /** The pause before the next attempt that the service asks for (header `Retry-After`), in seconds. */
  readonly retryAfter: number | null;
  /** The id of the request, which finds it in the log of the service. */
  readonly requestId: string | null;

  constructor(detail: string, facts: ProblemFacts) {
    super(detail, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.detail = detail;
    this.code = facts.code;
    this.status = facts.status;
    this.errors = facts.errors ?? [];
    this.retryAfter = facts.retryAfter ?? null;
    this.requestId = facts.requestId ?? null;
  }
}

/** Reads the problem details (RFC 9457) of an error response. */
export async function problemOf(response: Response): Promise<InletError> {
  const { status, headers } = response;
  const body: unknown = await response.json().catch(() => undefined);
  const facts = {
    status,
    retryAfter: secondsOf(headers.get('retry-after')),
    requestId: headers.get('x-request-id'),
  };
  if (!isProblem(body))
    return new InletError(`The service answered ${String(status)}`, { ...facts, code: 'unreadable' });
  return new InletError(body.detail, { ...facts, code: body.code, errors: body.errors ?? [] });
}

/** `Retry-After` is a number of seconds or, from some proxies, a date. */
function secondsOf(header: string | null): number | null {
  if (header === null) return null;
  const seconds = /^\d+$/.test(header) ? Number(header) : (Date.parse(header) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.max(0, seconds) : null;
}

interface Problem {
  readonly code: string;
  readonly detail: string;
  readonly errors?: readonly FieldProblem[];
}

function isProblem(body: unknown): body is Problem {
  if (typeof body !== 'object' || body === null) return false;
  const { code, detail } = body as Partial<Problem>;
  return typeof code === 'string' && typeof detail === 'string';
}
