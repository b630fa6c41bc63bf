/** Legal holds. The audit trail shows who has begun and ended which, and names people by a keyed hash. */
import { AppError } from '../domain/errors.js';
import type { HoldType } from '../domain/hold.js';
import { newId } from '../domain/id.js';
import { digitsOf, isNumber, spellingsOf } from '../domain/person.js';
import type { Pseudonym } from '../domain/pseudonym.js';
import type { Database } from '../infra/postgres/database.js';
import type { Audit, AuditRecord } from '../infra/tables/audit.js';
import { createHoldTable, type HoldRecord, type HoldTable } from '../infra/tables/holds.js';
import type { People } from '../infra/tables/people/people.js';

export interface NewHold {
  readonly type: HoldType;
  /** Null for a tag in all channels. */
  readonly channel: string | null;
  readonly subject: string;
  readonly reason: string;
}

export interface Holds {
  readonly create: (hold: NewHold, actor: string) => Promise<HoldRecord>;
  readonly list: HoldTable['list'];
  readonly find: HoldTable['find'];
  /** Throws `hold.not_found`. */
  readonly end: (
    id: string,
    by: { readonly actor: string; readonly channels: readonly string[] | undefined },
  ) => Promise<void>;
}

interface HoldDependencies {
  readonly database: Pick<Database, 'api'>;
  readonly audit: Pick<Audit, 'record'>;
  readonly people: Pick<People, 'idsOf'>;
  readonly pseudonym: Pseudonym;
  readonly now: () => Date;
}

export function createHolds({ database, audit, people, pseudonym, now }: HoldDependencies): Holds {
  const table = createHoldTable(database.api);
  const entryOf = (hold: HoldRecord, actor: string): Omit<AuditRecord, 'action'> => ({
    actor,
    channel: hold.channel,
    target: hold.id,
    details: detailsOf(hold, pseudonym),
  });
  return {
    create: async ({ type, channel, subject: given, reason }, actor) => {
      const subject = type === 'person' ? personIn(given) : given;
      const isContact = (type === 'person' || type === 'chat') && channel !== null;
      // Each id in all its spellings: a message may come under one that was not used so far.
      const ids = isContact
        ? [...new Set((await people.idsOf(channel, subject)).flatMap(spellingsOf))]
        : [subject];
      const hold = {
        id: newId(),
        type,
        channel,
        subject,
        ids,
        reason,
        actor,
        actorName: null,
        createdAt: now(),
      };
      return table.add(hold, (connection) =>
        audit.record({ ...entryOf(hold, actor), action: 'hold.create' }, connection),
      );
    },
    list: table.list,
    find: table.find,
    end: async (id, { actor, channels }) => {
      const hold = await table.find(id, channels);
      const isEnded =
        hold !== null &&
        (await table.remove(id, (connection) =>
          audit.record({ ...entryOf(hold, actor), action: 'hold.end' }, connection),
        ));
      if (!isEnded) throw noSuchHold();
    },
  };
}

/**
 * A number may be given as people write it. Other ids that consist of digits and signs stay as they are:
 * groups of WhatsApp are named like `5511900000000-1623281429`, and those of Telegram like `-1001234567890`.
 */
function personIn(given: string): string {
  const digits = given.startsWith('-') ? undefined : digitsOf(given);
  return digits !== undefined && isNumber(digits) ? digits : given;
}

export function noSuchHold(): AppError {
  return new AppError('hold.not_found', 'there is no such legal hold');
}

/** A tag may be the name of a person, and is left out. */
function detailsOf(
  { type, channel, subject }: HoldRecord,
  pseudonym: Pseudonym,
): AuditRecord['details'] & object {
  if (type === 'media') return { type, media: subject };
  if (type === 'tag' || channel === null) return { type };
  return { type, contact: pseudonym(channel, subject) };
}
