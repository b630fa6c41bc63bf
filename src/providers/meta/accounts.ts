/** An app has one webhook address for all its phone numbers, and a webhook may concern several of them. */
import { hash } from 'node:crypto';

import type { Accounts } from '../../domain/provider-adapter.js';
import { fieldsOf, personId } from '../kit/lenient.js';

interface App {
  readonly appSecret: readonly string[];
  /** The phone number of this channel; null if it is not known. */
  readonly phoneNumberId: string | null;
}

/** The accounts are the ids of phone numbers, which `metadata` of each change names. */
export function accountsOf({ appSecret, phoneNumberId }: App): Accounts {
  return {
    own: phoneNumberId,
    secrets: appSecret.map((secret) => hash('sha256', secret)),
    namedIn: (payload) => {
      const named = new Set<string | null>();
      for (const entry of entriesOf(payload) ?? [])
        for (const change of changesOf(entry) ?? [undefined]) named.add(numberOf(change));
      return named;
    },
    select: (payload, isWanted) => {
      const entries = entriesOf(payload);
      return entries === undefined ? payload : { ...fieldsOf(payload), entry: wantedOf(entries, isWanted) };
    },
  };
}

type IsWanted = (account: string | null) => boolean;

/** The entries with the changes that are wanted, without those of which nothing is left. */
function wantedOf(entries: readonly unknown[], isWanted: IsWanted): readonly unknown[] {
  const wanted: unknown[] = [];
  for (const entry of entries) {
    const changes = changesOf(entry);
    const kept = changes?.filter((change) => isWanted(numberOf(change)));
    if (kept === undefined) {
      if (isWanted(null)) wanted.push(entry);
    } else if (kept.length > 0) wanted.push({ ...fieldsOf(entry), changes: kept });
  }
  return wanted;
}

/** Undefined if they are not a list. */
function entriesOf(payload: unknown): readonly unknown[] | undefined {
  const { entry } = fieldsOf(payload);
  return Array.isArray(entry) ? (entry as unknown[]) : undefined;
}

/** Undefined if they are not a list: such an entry belongs to no number. */
function changesOf(entry: unknown): readonly unknown[] | undefined {
  const { changes } = fieldsOf(entry);
  return Array.isArray(changes) ? (changes as unknown[]) : undefined;
}

/** Events of the business account name no number. */
function numberOf(change: unknown): string | null {
  const { metadata } = fieldsOf(fieldsOf(change)['value']);
  return personId(fieldsOf(metadata)['phone_number_id']) ?? null;
}
