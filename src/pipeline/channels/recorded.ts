/** Work on channels that is recorded although it cannot be part of a transaction. */
import { AppError } from '../../domain/errors.js';
import { newId } from '../../domain/id.js';
import type { Audit } from '../../infra/tables/audit.js';

interface RecordedWork<Result> {
  /** The id of the token that is used. */
  readonly actor: string;
  readonly action: string;
  readonly channel: string;
  /** The outcome of work that succeeds. */
  readonly success: string;
  /** What the entry says about the work so far. */
  readonly details?: () => Readonly<Record<string, unknown>>;
  readonly run: () => Promise<Result>;
}

/** Runs the work with an entry of the audit trail, which exists before a provider is called. */
export async function recorded<Result>(
  audit: Pick<Audit, 'record'>,
  { actor, action, channel, success, details = () => ({}), run }: RecordedWork<Result>,
): Promise<Result> {
  const entry = { id: newId(), actor, action, channel, target: channel };
  const record = (outcome: Readonly<Record<string, string>>): Promise<void> =>
    audit.record({ ...entry, details: { ...details(), ...outcome } });
  await record({ outcome: 'begun' });
  try {
    const result = await run();
    await record({ outcome: success });
    return result;
  } catch (error) {
    const code = error instanceof AppError ? error.code : 'internal';
    await record({ outcome: 'failed', code });
    throw error;
  }
}
