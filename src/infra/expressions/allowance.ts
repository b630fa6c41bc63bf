/** How many evaluations of an owner may be ended before further ones are refused for a while. */
export interface Allowance {
  /** Records an evaluation that had to be ended. */
  readonly spend: (owner: string) => void;
  /** Whether nothing is left at present. */
  readonly isSpent: (owner: string) => boolean;
}

const capacity = 10;
/** One evaluation is allowed again after this time. */
const refillMs = 6_000;

/** `clock` returns the time in milliseconds; it never goes back. */
export function createAllowance(clock: () => number): Allowance {
  /** When the allowance of an owner is complete again. An owner without an entry has spent nothing. */
  const completeAt = new Map<string, number>();
  return {
    spend: (owner) => {
      const now = clock();
      for (const [one, at] of completeAt) if (at <= now) completeAt.delete(one);
      completeAt.set(owner, Math.max(completeAt.get(owner) ?? 0, now) + refillMs);
    },
    isSpent: (owner) => (completeAt.get(owner) ?? 0) - clock() > (capacity - 1) * refillMs,
  };
}
