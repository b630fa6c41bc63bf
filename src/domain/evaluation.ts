/** Expressions that an operator writes in the settings of a channel, and the port that evaluates them. */

/** An expression, and the data that it may read. */
export interface Evaluation {
  readonly expression: string;
  /** The data, as JSON. The expression sees nothing else. */
  readonly input: string;
  /**
   * The name of members of the result that hold texts of the input, such as the bytes of a file. In the
   * result, each of them is the place of its text instead, see {@link PlaceInInput}.
   */
  readonly byPlace?: string;
}

/** The place of a text in the input: a JSON Pointer (RFC 6901), or null if the input has no such text. */
export interface PlaceInInput {
  readonly pointer: string | null;
}

export type Evaluated =
  /** `value` is JSON, or undefined if the expression has no result. */
  | { readonly ok: true; readonly value: unknown }
  /**
   * Why there is no result, for the author of the expression. Contains nothing of the input. `isPassing`: not
   * the expression is the reason, and it may have a result later.
   */
  | { readonly ok: false; readonly reason: string; readonly isPassing?: true };

/**
 * Evaluates an expression with bounded time and memory, apart from everything else of the service. Never
 * rejects: an expression that fails, does not end or needs too much memory has a reason.
 */
export type Evaluate = (evaluation: Evaluation) => Promise<Evaluated>;
