/** The signed-in user. The token itself is in a cookie that scripts cannot read. */
import { computed, signal } from '@preact/signals';

import { InletError, api, onSignedOut, type SessionView } from './api.js';

/** Undefined until it is known; null if nobody is signed in. */
export const session = signal<SessionView | null | undefined>(undefined);
/** Why the session ended, if the user did not end it. */
export const signInNotice = signal<string | null>(null);
export const isAdmin = computed(() => session.value?.scopes.includes('admin') ?? false);

export const maySend = computed(
  () => isAdmin.value || (session.value?.scopes.includes('messages:send') ?? false),
);

onSignedOut(() => {
  if (session.value) signInNotice.value = 'Your session has ended. Sign in again to continue.';
  session.value = null;
});

export async function findSession(): Promise<void> {
  const token = tokenOfLink();
  try {
    session.value = await api.session.get();
  } catch (error) {
    const isNobody = error instanceof InletError && error.status === 401;
    if (isNobody && token !== undefined) {
      await signIn(token).catch(refuseLink);
      return;
    }
    session.value = null;
    if (!isNobody) signInNotice.value = messageOf(error);
  }
}

function refuseLink(error: unknown): void {
  session.value = null;
  signInNotice.value = `The sign-in link cannot be used: ${messageOf(error)}.`;
}

/**
 * The demo prints a link with a token behind the `#`, which browsers do not send to servers. The token is removed from the address bar and
 * the history at once. A user who is signed in stays signed in: a link from a stranger must not switch the session.
 */
function tokenOfLink(): string | undefined {
  const [, token] = /^#token=([\w.-]+)$/.exec(window.location.hash) ?? [];
  if (token === undefined) return undefined;
  const { pathname, search } = window.location;
  window.history.replaceState(window.history.state, '', pathname + search);
  return token;
}

export async function signIn(token: string): Promise<void> {
  session.value = await api.session.create(token);
  signInNotice.value = null;
}

export async function signOut(): Promise<void> {
  await api.session.delete();
  session.value = null;
  signInNotice.value = null;
}

/** The message of an error as a full sentence. The service writes details without capital and full stop. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof InletError && error.code === 'unreachable')
    return 'The service does not respond. Check that it is running and that you are online.';
  const { message } = error;
  const sentence = message.charAt(0).toUpperCase() + message.slice(1);
  return /[.!?]$/.test(sentence) ? sentence : `${sentence}.`;
}
