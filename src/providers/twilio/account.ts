/** The account at Twilio whose API is called and whose media are downloaded. */
import type { HeaderRecord } from '../../domain/provider.js';
import { lookUp } from '../kit/lenient.js';

export interface Account {
  readonly accountSid: string;
  /** The newest first. Each of them is valid while another one is promoted. */
  readonly authTokens: readonly string[];
  readonly apiUrl: string;
}

/** An account with what its messages are sent from, in the format {@link senderFormat}. */
export interface Sender extends Account {
  readonly from: string;
}

/** The start of the paths of the account, in the version of the API that Twilio has had since 2010. */
export function accountPath({ accountSid }: Pick<Account, 'accountSid'>): string {
  return `/2010-04-01/Accounts/${accountSid}`;
}

/** The account SID and the newest auth token (RFC 7617). */
export function credentialsOf({ accountSid, authTokens: [token = ''] }: Account): HeaderRecord {
  return { authorization: `Basic ${basicOf(accountSid, token)}` };
}

/** Everything that no text may repeat. */
export function secretsOf({ accountSid, authTokens }: Account): readonly string[] {
  return [...authTokens, ...authTokens.map((token) => basicOf(accountSid, token))];
}

function basicOf(accountSid: string, token: string): string {
  return Buffer.from(`${accountSid}:${token}`).toString('base64');
}

/** Whether a path is that of a file of the account, which is all that needs the credentials. */
export function isOwnMediaPath(path: string, account: Pick<Account, 'accountSid'>): boolean {
  const own = accountPath(account);
  return path.startsWith(own) && /^\/Messages\/[\w-]+\/Media\/[\w.-]+$/.test(path.slice(own.length));
}

/** The kinds of senders, which decide how recipients are written and what they may receive. */
export type SenderKind = 'whatsapp' | 'rcs' | 'service' | 'number' | 'name';

const kindOfPrefix: Readonly<Record<string, SenderKind>> = { whatsapp: 'whatsapp', rcs: 'rcs' };

/** What the setting `from` names. */
export function senderKind(from: string): SenderKind {
  const [prefix = ''] = from.split(':', 1);
  const kind = from.includes(':') ? lookUp(kindOfPrefix, prefix) : undefined;
  if (kind !== undefined) return kind;
  if (isMessagingService(from)) return 'service';
  return /^\+?\d+$/.test(from) ? 'number' : 'name';
}

function isMessagingService(from: string): boolean {
  return /^MG[\da-f]{32}$/i.test(from);
}

/**
 * What messages are sent from: `whatsapp:+…`, `+…`, a short code, a Messaging Service (`MG…`), an RCS agent
 * (`rcs:…`) or a name.
 */
export const senderFormat =
  /^(?:whatsapp:\+\d{7,15}|rcs:[\w.-]{1,100}|\+\d{7,15}|\d{3,8}|MG[\da-f]{32}|(?=.*[a-z])[a-z\d ]{1,11})$/i;
