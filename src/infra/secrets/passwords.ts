/**
 * Passwords that people choose: stored as a slow, salted digest (argon2id). Few digests are made at once, so
 * that guesses take neither the processor nor the memory from other work.
 */
import { AppError } from '../../domain/errors.js';

/**
 * The default algorithm of the package is argon2id. The memory is in kilobytes; OWASP asks for at least 19 MB
 * and two passes. A digest takes some 50 ms of a thread of the pool.
 */
const current = { memoryCost: 32_768, timeCost: 3, parallelism: 1 } as const;

/** How each digest begins. One of another kind has no password, so its user needs a new invitation. */
const madeHere = '$argon2id$';

export interface PasswordLimits {
  /** Digests that are made at once; file reads use the other threads of the pool. */
  readonly atOnce: number;
  /** Callers that may wait. */
  readonly waiting: number;
}

/** The last one of the waiting callers waits for some three seconds. */
const standard: PasswordLimits = { atOnce: 2, waiting: 30 };
const retryMs = 3_000;

export interface Passwords {
  /** The digest with its salt and its parameters (a PHC string), so that later ones can be stronger. */
  readonly hash: (password: string) => Promise<string>;
  /**
   * Whether the password has this digest, which {@link Passwords.hash} made. Without one (null) the answer is
   * no, and takes as long as with one.
   */
  readonly matches: (password: string, stored: string | null) => Promise<boolean>;
}

/** Both calls throw `service.unavailable` if too many passwords are waiting. */
export function createPasswords(limits: PasswordLimits = standard): Passwords {
  const inTurn = createTurns(limits);
  return {
    hash: (password) =>
      inTurn(async () => {
        const { hash } = await loadArgon2();
        return hash(spelled(password), current);
      }),
    matches: (password, stored) =>
      inTurn(async () => {
        const { hash, verify } = await loadArgon2();
        if (stored?.startsWith(madeHere)) return verify(stored, spelled(password));
        await hash(spelled(password), current);
        return false;
      }),
  };
}

/** Loaded with the first password: its 2 MB of memory are of no use where people sign in elsewhere. */
function loadArgon2() {
  return import('@node-rs/argon2');
}

/** One text has several spellings in Unicode, and keyboards differ in which of them they write. */
function spelled(password: string): string {
  return password.normalize('NFC');
}

/** Runs the work of the calls in their order, and refuses calls while too many wait. */
function createTurns({
  atOnce,
  waiting: mostWaiting,
}: PasswordLimits): <Result>(work: () => Promise<Result>) => Promise<Result> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (work) => {
    if (running < atOnce) running += 1;
    else {
      if (waiting.length >= mostWaiting) throw tooMany();
      await new Promise<void>((begin) => waiting.push(begin));
    }
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running -= 1;
    }
  };
}

function tooMany(): AppError {
  const retryAt = new Date(Date.now() + retryMs);
  return new AppError('service.unavailable', 'too many passwords are being checked; try again', { retryAt });
}
