/** Who is signed in. The token itself is in a cookie that no script can read. */
import { computed, signal } from '@preact/signals';

import { InletError, api, onSignedOut, type SessionView } from './api.js';

/** Undefined: not known yet; null: nobody. */
export const session = signal<SessionView | null | undefined>(undefined);
/** Why nobody is signed in any more, when it was not by choice. */
export const signInNotice = signal<string | null>(null);
export const isAdmin = computed(() => session.value?.scopes.includes('admin') ?? false);

export const maySend = computed(
  () => isAdmin.value || (session.value?.scopes.includes('messages:send') ?? false),
);

onSignedOut(() => {
  if (session.value) signInNotice.value = 'Your session has ended. Sign in again to go on where you were.';
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
 * A link such as the demo prints has the token behind the `#`, which browsers send to no server. It is taken out of the address bar and the
 * history at once. Somebody who is signed in stays so: a stranger's link must not lead into another session.
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

/** What went wrong, as sentences: details of problems are written to stand on a line of their own. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof InletError && error.code === 'unreachable')
    return 'The service does not answer. Is it running, and are you online?';
  const { message } = error;
  const sentence = message.charAt(0).toUpperCase() + message.slice(1);
  return /[.!?]$/.test(sentence) ? sentence : `${sentence}.`;
}
