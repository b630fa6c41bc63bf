/**
 * Tickets of sign-ins that have begun. The browser keeps the ticket while it is at the identity provider, so that
 * nothing is stored here, and every process can finish what another one has begun.
 */
import { timingSafeEqual } from 'node:crypto';

import { z } from 'zod';

import { AppError } from '../../domain/errors.js';
import type { SignInProof } from '../../infra/oidc/identity-provider.js';
import type { SealedBox } from '../../infra/secrets/sealed-box.js';

export interface Ticket extends SignInProof {
  /** Where the browser goes afterwards. */
  readonly goingTo: string;
}

export interface SignInTickets {
  readonly issue: (ticket: Ticket) => string;
  /**
   * The ticket, if it is ours, is not too old and has the state of the answer. Throws `oidc.expired`.
   */
  readonly open: (text: string | undefined, states: readonly string[]) => Ticket;
}

/** How long a person may take at the provider. */
export const ticketMs = 10 * 60_000;

/** Each purpose of a box has a key of its own; this is the only use of this one. */
const boundTo = 'ticket';
const content = z.object({
  state: z.string(),
  nonce: z.string(),
  verifier: z.string(),
  goingTo: z.string(),
  until: z.number(),
});

export function createSignInTickets(box: SealedBox, now: () => Date): SignInTickets {
  return {
    issue: (ticket) => {
      const text = JSON.stringify({ ...ticket, until: now().getTime() + ticketMs });
      return box.seal(text, boundTo).toString('base64url');
    },
    open: (text, [state, ...others]) => {
      const { until, ...ticket } = read(box, text);
      const isOurs = state !== undefined && others.length === 0 && isSame(state, ticket.state);
      if (!isOurs || until <= now().getTime()) throw expired();
      return ticket;
    },
  };
}

function read(box: SealedBox, text = ''): z.infer<typeof content> {
  try {
    return content.parse(JSON.parse(box.open(Buffer.from(text, 'base64url'), boundTo)));
  } catch (cause) {
    throw expired(cause);
  }
}

function isSame(one: string, other: string): boolean {
  const a = Buffer.from(one);
  const b = Buffer.from(other);
  return a.length === b.length && timingSafeEqual(a, b);
}

function expired(cause?: unknown): AppError {
  const message = 'the sign-in did not begin in this browser, or was finished before, or took too long';
  return new AppError('oidc.expired', message, { cause });
}
