/** What the service, or the way to it, answered in place of what was asked for. */
export interface FieldProblem {
  readonly field: string;
  readonly message: string;
}

/** `code` is stable and listed in docs/errors.md; `message` is for people. */
export class InletError extends Error {
  override readonly name = 'InletError';
  /** `unreachable` when there was no answer, `unreadable` when it was none of the service's. */
  readonly code: string;
  /** HTTP status; 0 when there was no answer. */
  readonly status: number;
  /** The fields at fault, where there are any. */
  readonly errors: readonly FieldProblem[];
  /** What the service asks to wait before the same is asked again. */
  readonly retryAfterMs: number | null;

  constructor(
    message: string,
    facts: Pick<InletError, 'code' | 'status'> & Partial<InletError> & { readonly cause?: unknown },
  ) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.code = facts.code;
    this.status = facts.status;
    this.errors = facts.errors ?? [];
    this.retryAfterMs = facts.retryAfterMs ?? null;
  }
}

/** Reads problem details (RFC 9457) out of an answer that is an error. */
export async function problemOf(response: Response): Promise<InletError> {
  const { status } = response;
  const body: unknown = await response.json().catch(() => undefined);
  const seconds = Number(response.headers.get('retry-after') ?? NaN);
  const retryAfterMs = Number.isFinite(seconds) ? seconds * 1000 : null;
  if (!isProblem(body))
    return new InletError(`The answer was ${String(status)}`, { code: 'unreadable', status, retryAfterMs });
  const { code, detail, errors = [] } = body;
  return new InletError(detail, { code, status, errors, retryAfterMs });
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
