/** Tells whether another message may come now. */
export interface RateLimit {
  /** On average. */
  readonly messagesPerSecond: number;
  /** How many may come at once. */
  readonly burst: number;
}

export interface Rate {
  /** Whole seconds to wait, when this message is one too many; 0 when it is not. */
  readonly take: () => number;
  readonly remaining: () => number;
  readonly secondsUntilFull: () => number;
  readonly perMinute: number;
}

/** A bucket that holds `burst` tokens and is filled evenly. A message that is refused takes none. */
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
