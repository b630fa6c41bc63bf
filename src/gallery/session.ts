/** The signed-in user. The token itself is in a cookie that scripts cannot read. */
import { computed, signal } from '@preact/signals';

import { allows, type Scope } from '../domain/access.js';
import { InletError, api, onSignedOut, type SessionView } from './api.js';
import type { AcceptedInvitation, Credentials } from '../client/users.js';
import { t } from './languages/text.js';
import { messageOf, messageOfCode } from './problem-text.js';

/** Undefined until it is known; null if nobody is signed in. */
export const session = signal<SessionView | null | undefined>(undefined);
/** Tells why the session ended, if the user did not end it. */
export const signInNotice = signal<(() => string) | null>(null);
/** The secret of an invitation whose link was opened, until the visitor uses or leaves it. */
export const invitation = signal<string | null>(null);
/** Whether the visitor has used a token before, so that the page for signing in asks for one. */
export const prefersToken = signal(false);

const may = (scope: Scope) => computed(() => session.value != null && allows(session.value, scope));
export const isAdmin = may('admin');
export const maySend = may('messages:send');
/** Whether the user may retry, erase and share, and read raw webhooks. */
export const mayManage = may('media:manage');

onSignedOut(() => {
  if (session.value) {
    signInNotice.value = () => t('sign_in.ended');
    prefersToken.value = session.value.user === null;
  }
  session.value = null;
});

export async function findSession(): Promise<void> {
  takeInvitation();
  const token = takeFromLink('token');
  const refused = takeFromLink('refused');
  try {
    session.value = await api.session.get();
  } catch (error) {
    const isNobody = error instanceof InletError && error.status === 401;
    if (isNobody && token !== undefined) {
      await signIn(token).catch(refuseLink);
      return;
    }
    session.value = null;
    if (!isNobody) signInNotice.value = () => messageOf(error);
    else if (refused !== undefined) signInNotice.value = () => messageOfCode(refused) ?? t('error.other');
  }
}

function refuseLink(error: unknown): void {
  session.value = null;
  prefersToken.value = true;
  signInNotice.value = () => t('sign_in.link_refused', { why: messageOf(error) });
}

/**
 * What is behind the `#` of a link, which browsers do not send to servers: the token of a link that the demo
 * prints, the secret of an invitation, or why signing in with the identity provider was refused. It is removed from the address bar and the history at once. A
 * user who is signed in stays signed in: a link from a stranger must not switch the session.
 */
function takeFromLink(name: 'token' | 'invitation' | 'refused'): string | undefined {
  const [, found, secret] = /^#(\w+)=([\w.-]+)$/.exec(window.location.hash) ?? [];
  if (found !== name) return undefined;
  const { pathname, search } = window.location;
  window.history.replaceState(window.history.state, '', pathname + search);
  return secret;
}

/** Opens the invitation whose link is in the address. */
export function takeInvitation(): void {
  invitation.value = takeFromLink('invitation') ?? invitation.value;
}

export function leaveInvitation(): void {
  invitation.value = null;
}

/** Signs in with a token, or with an e-mail address and a password. */
export async function signIn(proof: string | Credentials): Promise<void> {
  begin(await api.session.create(proof));
}

/** Sets the password of the invited user, and signs in. */
export async function acceptInvitation(accepted: AcceptedInvitation): Promise<void> {
  begin(await api.session.acceptInvitation(accepted));
  leaveInvitation();
}

/** Continues with the session that the service has begun. */
export function begin(begun: SessionView): void {
  session.value = begun;
  signInNotice.value = null;
}

export async function signOut(): Promise<void> {
  await api.session.delete();
  prefersToken.value = session.value?.user === null;
  session.value = null;
  signInNotice.value = null;
}
