/** Subscriptions and the events that wait for them, as the rest of the service sees them. */
import type { EventType } from '../../../domain/event.js';

export interface Subscription {
  readonly id: string;
  readonly url: string;
  readonly description: string | null;
  /** Empty: all types. */
  readonly types: readonly EventType[];
  /** Empty: all channels. */
  readonly channels: readonly string[];
  readonly createdAt: Date;
  readonly lastDeliveredAt: Date | null;
  readonly failingSince: Date | null;
  /** The number of consecutive failures. */
  readonly failures: number;
  readonly lastError: string | null;
  readonly disabledAt: Date | null;
  readonly disabledReason: string | null;
  /** The number of consecutive pauses because its receiver did not work. */
  readonly pauses: number;
  readonly isPaused: boolean;
  /** The secret before the last rotation signs as well until then. */
  readonly previousUntil: Date | null;
  /** The reason why nothing can be posted and its events wait; null if there is none. */
  readonly problem: string | null;
}

export type SubscriptionSettings = Pick<Subscription, 'url' | 'description' | 'types' | 'channels'>;

/** Members that are absent or undefined stay as they are. */
export type SubscriptionChange = {
  readonly [Name in keyof SubscriptionSettings]?: SubscriptionSettings[Name] | undefined;
} & {
  /** Null enables it again, with the events that wait for it. */
  readonly disabled?: { readonly reason: string; readonly at: Date } | null;
};

/** One post of an event, as it is stored. */
export interface PostAttempt {
  readonly at: Date;
  /** Null if there was no answer. */
  readonly status: number | null;
  readonly error: string | null;
  readonly durationMs: number;
  /** The beginning of the answer. */
  readonly answer: string | null;
}

/** An event that was, or is to be, delivered to one subscription. */
export interface NotificationDelivery {
  readonly id: string;
  readonly notificationId: string;
  /** Null if an older version stored it. */
  readonly type: EventType | null;
  readonly createdAt: Date;
  readonly attempts: number;
  readonly nextAt: Date;
  readonly firstFailedAt: Date | null;
  readonly settledAt: Date | null;
  readonly delivered: boolean;
  readonly lastStatus: number | null;
  readonly lastError: string | null;
  /** The last attempts, oldest first. */
  readonly history: readonly (Omit<PostAttempt, 'at'> & { readonly at: string })[];
}

/** A failed attempt and its consequences. */
export interface NotificationFailure {
  readonly attempt: PostAttempt;
  /** Null if this event is not retried. */
  readonly retryAfterMs: number | null;
  /** How long nothing is posted to the subscriber; null if its other events continue. */
  readonly pauseMs: number | null;
  /** The reason for disabling the subscription; null if it stays enabled. */
  readonly disable: string | null;
}

export type PostFault = Pick<NotificationFailure, 'attempt' | 'retryAfterMs'>;

/**
 * The events to post again: one, or those of a period whose end `until` is exclusive; null means until now.
 */
export type ResendRequest =
  { readonly notificationId: string } | { readonly from: Date; readonly until: Date | null };

export interface Resent {
  readonly count: number;
  /** Where the next request continues if there are more events than one request resends. */
  readonly next: Date | null;
}

/** The reason for disabling a subscription that an administrator has disabled. */
export const disabledByHand = 'disabled by hand';
