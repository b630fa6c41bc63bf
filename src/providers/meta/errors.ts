/**
 * What Meta's errors mean for a message. The code decides and not the HTTP status
 * (developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes).
 */
import { codeOf, isAccessError, isRateError } from '../kit/meta-graph.js';
import type { ResponseReader } from '../kit/sending.js';

/** Too many messages to the same person, while others may get theirs. */
const pairRate = 131056;

/**
 * The message was not accepted and may be later: beside too many calls, too many messages that people report
 * (131048), too many to the same person (131056), and a number that is just being registered (133016). The
 * same codes in nyaruka/courier handlers/meta @350e935.
 */
const busy: readonly number[] = [131048, pairRate, 133016];

/**
 * A bad parameter (100), 24 hours since the person's last message (131047), a person who cannot get it
 * (131026), a kind of message or a file that is not supported (131051 to 131053), and a locked account
 * (131031, 368).
 */
const final: readonly number[] = [100, 131026, 131031, 131047, 131051, 131052, 131053, 368];

/** Trouble of Meta's own. Whether the message was taken is UNVERIFIED. */
const unclear: readonly number[] = [1, 2, 131000, 131016];

export const meaningOf: NonNullable<ResponseReader['meaningOf']> = ({ code: foreign }, status) => {
  const code = codeOf(foreign);
  if (status === 429) return 'busy';
  if (code === undefined) return undefined;
  if (isRateError(code) || busy.includes(code)) return 'busy';
  if (unclear.includes(code)) return 'unknown';
  return final.includes(code) || isAccessError(code) ? 'refused' : undefined;
};

export const concernsRecipient: NonNullable<ResponseReader['concernsRecipient']> = ({ code }) =>
  codeOf(code) === pairRate;
