/** What the sender of a webhook learns about it. */
export const outcomes = ['accepted', 'status', 'ignored', 'malformed'] as const;
/**
 * `accepted`: it carries media. `status`: it reports on a message that was sent. `ignored`: there is nothing
 * to store. `malformed`: it must carry media or a status, but is not understood.
 */
export type Outcome = (typeof outcomes)[number];

/**
 * The reason of a delivery whose expression could not be evaluated when it arrived, although the expression may
 * be right. Such a delivery is read again until it is understood. An index names this text.
 */
export const notYetEvaluated = 'not evaluated yet';

export interface Receipt {
  readonly delivery: string;
  readonly outcome: Outcome;
  /** Whether an earlier webhook had brought everything. */
  readonly duplicate: boolean;
  /** The ids of the media that it carries. */
  readonly media: readonly string[];
}
