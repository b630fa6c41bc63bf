/** Decides whether another message is accepted now. */
export interface RateLimit {
  /** The average rate. */
  readonly messagesPerSecond: number;
  /** How many may arrive at once. */
  readonly burst: number;
}

export interface Rate {
  /** Whole seconds to wait if this message exceeds the rate; otherwise 0. */
  readonly take: () => number;
  readonly remaining: () => number;
  readonly secondsUntilFull: () => number;
  readonly perMinute: number;
}

/** A token bucket of size `burst` that fills evenly. A refused message uses no token. */
export function createRate(
  { messagesPerSecond, burst }: RateLimit,
  now: () => number = () => performance.now(),
): Rate {
  let tokens = burst;
  let filledAt = now();
  const fill = (): void => {
    const time = now();
    tokens = Math.min(burst, tokens + ((time - filledAt) / 1_000) * messagesPerSecond);
    filledAt = time;
  };
  return {
    take: () => {
      fill();
      if (tokens < 1) return Math.ceil((1 - tokens) / messagesPerSecond);
      tokens -= 1;
      return 0;
    },
    remaining: () => {
      fill();
      return Math.floor(tokens);
    },
    secondsUntilFull: () => {
      fill();
      return Math.ceil((burst - tokens) / messagesPerSecond);
    },
    perMinute: Math.round(messagesPerSecond * 60),
  };
}
