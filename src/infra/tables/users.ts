/** The users, who sign in to the gallery. The secret of an invitation is stored as its digest only. */
import { seesChannels, type Rights } from '../../domain/access.js';
import type { Role } from '../../domain/user.js';
import type { Prisma, User } from '../generated/client.js';
import type { Pool, Transaction } from '../postgres/database.js';
import { columnsOf, pageOf, type FilteredList, type Page } from '../postgres/pages.js';

export interface UserRecord extends Omit<User, 'role' | 'channels' | 'invitationDigest'> {
  readonly role: Role;
  /** Null means all channels. */
  readonly channels: Rights['channels'];
}

export interface NewUser {
  readonly id: string;
  readonly email: string;
  readonly name: string;
  readonly role: Role;
  readonly channels: Rights['channels'];
  readonly createdAt: Date;
}

export type UserChange = Pick<UserRecord, 'email' | 'name' | 'role' | 'channels' | 'disabledAt'>;

/** An account of an identity provider. */
export interface ProviderAccount {
  readonly issuer: string;
  readonly subject: string;
}

export interface Invitation {
  readonly digest: Uint8Array<ArrayBuffer>;
  readonly expiresAt: Date;
}

/** Restricts a query to users who are limited to these channels; undefined means all users. */
export type UserChannels = readonly string[] | undefined;

/** Methods without a transaction read what is committed. */
export interface UserTable {
  /** Null if there is a user with this e-mail address. */
  readonly add: (user: NewUser, transaction: Transaction) => Promise<UserRecord | null>;
  /** Newest first. */
  readonly list: (channels: UserChannels, page: Page) => Promise<UserRecord[]>;
  readonly find: (id: string, channels: UserChannels) => Promise<UserRecord | null>;
  readonly byEmail: (email: string) => Promise<UserRecord | null>;
  /** The user whom a link invites that is still valid. */
  readonly byInvitation: (digest: Invitation['digest'], now: Date) => Promise<UserRecord | null>;
  /** Is the only one to change users until the transaction ends. */
  readonly lockAll: (transaction: Transaction) => Promise<void>;
  /** Nobody changes the user until the transaction ends. False if the user may not sign in. */
  readonly holdEnabled: (id: string, transaction: Transaction) => Promise<boolean>;
  readonly findIn: (id: string, transaction: Transaction) => Promise<UserRecord | null>;
  readonly change: (id: string, change: UserChange, transaction: Transaction) => Promise<UserRecord>;
  /** With what only the user sees. */
  readonly remove: (id: string, transaction: Transaction) => Promise<void>;
  /** Whether other users without limits can sign in and administer. */
  readonly hasOtherAdmin: (id: string, transaction: Transaction) => Promise<boolean>;
  readonly byEmailIn: (email: string, transaction: Transaction) => Promise<UserRecord | null>;
  readonly byAccount: (account: ProviderAccount, transaction: Transaction) => Promise<UserRecord | null>;
  /** Lets the user sign in with the account. An invitation is used up. */
  readonly link: (id: string, account: ProviderAccount, transaction: Transaction) => Promise<UserRecord>;
  /** Whether somebody can sign in with a password. */
  readonly hasPasswords: () => Promise<boolean>;
  /** A new invitation replaces the one before. */
  readonly invite: (id: string, invitation: Invitation, transaction: Transaction) => Promise<UserRecord>;
  /**
   * Uses the invitation of the user up and stores the password. Null if the invitation was used, replaced or has
   * expired meanwhile, or if the user is disabled.
   */
  readonly accept: (
    id: string,
    accepted: { readonly digest: Invitation['digest']; readonly passwordHash: string; readonly at: Date },
    transaction: Transaction,
  ) => Promise<UserRecord | null>;
  /** False if the password is no longer the one of this digest. */
  readonly changePassword: (
    id: string,
    hashes: { readonly from: string; readonly to: string },
    transaction: Transaction,
  ) => Promise<boolean>;
  /**
   * Notes that the user signs in, and holds the row until the transaction ends. Null if the user is gone or
   * disabled, or has another password than the record says.
   */
  readonly signedIn: (user: UserRecord, at: Date, transaction: Transaction) => Promise<UserRecord | null>;
}

const users: FilteredList<{ readonly channels: UserChannels }> = {
  select: `select ${columnsOf<UserRecord>({
    id: 'id',
    email: 'email',
    name: 'name',
    role: 'role',
    channels: `nullif(channels, '{}')`,
    passwordHash: 'password_hash',
    createdAt: 'created_at',
    disabledAt: 'disabled_at',
    lastSignInAt: 'last_sign_in_at',
    invitationExpiresAt: 'invitation_expires_at',
    oidcIssuer: 'oidc_issuer',
    oidcSubject: 'oidc_subject',
  })} from user_account`,
  key: 'id',
  conditions: { channels: `(channels <> '{}' and channels <@ ?)` },
};

/** `hasProvider`: whether users of an identity provider can sign in. */
export function createUserTable(
  pool: Pick<Pool, 'query' | 'prisma'>,
  { hasProvider }: { readonly hasProvider: boolean },
): UserTable {
  const one = async (where: Prisma.UserWhereInput): Promise<UserRecord | null> =>
    recordOrNull(await pool.prisma.user.findFirst({ where }));
  return {
    list: async (channels, page) => (await pool.query<UserRecord>(pageOf(users, { channels }, page))).rows,

    find: async (id, channels) => {
      const user = await one({ id });
      return user && isVisibleFor(channels, user) ? user : null;
    },

    byEmail: (email) => one({ email }),
    byInvitation: (digest, now) => one(invited(digest, now)),

    hasPasswords: async () => {
      const where = { passwordHash: { not: null }, disabledAt: null };
      return (await pool.prisma.user.findFirst({ where, select: { id: true } })) !== null;
    },

    hasOtherAdmin: hasOtherAdmin(hasProvider),
    ...locks,
    ...readsInTransactions,
    ...changes,
    ...passwordChanges,
  };
}

const locks: Pick<UserTable, 'lockAll' | 'holdEnabled'> = {
  lockAll: async (transaction) => {
    await transaction.query(`select pg_advisory_xact_lock(hashtextextended('inlet users', 0))`);
  },

  holdEnabled: async (id, transaction) => {
    const held = await transaction.query(
      'select from user_account where id = $1 and disabled_at is null for share',
      [id],
    );
    return held.rowCount === 1;
  },
};

/** Another connection, while the transaction has one, could wait for ever. */
const readsInTransactions: Pick<UserTable, 'findIn' | 'byEmailIn' | 'byAccount'> = {
  findIn: (id, transaction) => oneIn({ id }, transaction),
  byEmailIn: (email, transaction) => oneIn({ email }, transaction),
  byAccount: ({ issuer, subject }, transaction) =>
    oneIn({ oidcIssuer: issuer, oidcSubject: subject }, transaction),
};

function oneIn(where: Prisma.UserWhereInput, { prisma }: Transaction): Promise<UserRecord | null> {
  return prisma(async ({ user }) => recordOrNull(await user.findFirst({ where })));
}

function hasOtherAdmin(hasProvider: boolean): UserTable['hasOtherAdmin'] {
  const ways = [{ passwordHash: { not: null } }, ...(hasProvider ? [{ oidcSubject: { not: null } }] : [])];
  return (id, { prisma }) =>
    prisma(async ({ user }) => {
      const other = await user.findFirst({
        where: { id: { not: id }, role: 'admin', channels: { isEmpty: true }, disabledAt: null, OR: ways },
        select: { id: true },
      });
      return other !== null;
    });
}

const changes: Pick<UserTable, 'add' | 'change' | 'remove' | 'invite' | 'link'> = {
  add: ({ channels, ...user }, { prisma }) =>
    prisma(async (client) => {
      const data = { ...user, channels: [...(channels ?? [])] };
      const { count } = await client.user.createMany({ data: [data], skipDuplicates: true });
      return count === 1 ? recordOrNull(await client.user.findUnique({ where: { id: user.id } })) : null;
    }),

  change: (id, { email, name, role, channels, disabledAt }, { prisma }) =>
    prisma(async ({ user }) => {
      const data = { email, name, role, channels: [...(channels ?? [])], disabledAt };
      return recordOf(await user.update({ where: { id }, data }));
    }),

  remove: (id, { prisma }) =>
    prisma(async ({ user, favourite, savedView }) => {
      await user.deleteMany({ where: { id } });
      await savedView.deleteMany({ where: { owner: id } });
      await favourite.deleteMany({ where: { owner: id } });
    }),

  invite: (id, { digest, expiresAt }, { prisma }) =>
    prisma(async ({ user }) => {
      const data = { invitationDigest: digest, invitationExpiresAt: expiresAt };
      return recordOf(await user.update({ where: { id }, data }));
    }),

  link: (id, { issuer, subject }, { prisma }) =>
    prisma(async ({ user }) => {
      const account = { oidcIssuer: issuer, oidcSubject: subject };
      const data = { ...account, invitationDigest: null, invitationExpiresAt: null };
      return recordOf(await user.update({ where: { id }, data }));
    }),
};

/** Each change locks the row before it checks the condition, so that one of several requests at once succeeds. */
const passwordChanges: Pick<UserTable, 'accept' | 'changePassword' | 'signedIn'> = {
  accept: (id, { digest, passwordHash, at }, transaction) => {
    const data = { passwordHash, invitationDigest: null, invitationExpiresAt: null };
    return changeIf({ id, ...invited(digest, at) }, data, transaction);
  },

  changePassword: async (id, { from, to }, transaction) => {
    const where = { id, passwordHash: from, disabledAt: null };
    return (await changeIf(where, { passwordHash: to }, transaction)) !== null;
  },

  signedIn: ({ id, passwordHash }, at, transaction) =>
    changeIf({ id, passwordHash, disabledAt: null }, { lastSignInAt: at }, transaction),
};

/**
 * Changes the row if it meets the condition, and holds it until the transaction ends. Prisma Client may read the
 * condition and write the row in two statements, between which another request could change it: only a lock
 * makes them one step.
 */
async function changeIf(
  where: Prisma.UserWhereInput & { readonly id: string },
  data: Prisma.UserUpdateManyMutationInput,
  transaction: Transaction,
): Promise<UserRecord | null> {
  await transaction.query('select from user_account where id = $1 for update', [where.id]);
  return transaction.prisma(async ({ user }) => {
    const [changed] = await user.updateManyAndReturn({ where, data });
    return recordOrNull(changed ?? null);
  });
}

function invited(digest: Invitation['digest'], now: Date) {
  return { invitationDigest: digest, invitationExpiresAt: { gt: now }, disabledAt: null };
}

function recordOrNull(row: User | null): UserRecord | null {
  return row && recordOf(row);
}

/** The digest of the invitation is left out, so that no answer and no log can contain it. */
function recordOf(row: User): UserRecord {
  const { id, email, name, role, channels, passwordHash, createdAt, disabledAt, lastSignInAt } = row;
  const { invitationExpiresAt, oidcIssuer, oidcSubject } = row;
  return {
    id,
    email,
    name,
    role: role as Role,
    channels: channels.length > 0 ? channels : null,
    passwordHash,
    createdAt,
    disabledAt,
    lastSignInAt,
    invitationExpiresAt,
    oidcIssuer,
    oidcSubject,
  };
}

/** Whether the user exists for a caller who is limited to these channels. */
export function isVisibleFor(channels: UserChannels, user: Pick<UserRecord, 'channels'>): boolean {
  return seesChannels({ channels: channels ?? null }, user.channels);
}
