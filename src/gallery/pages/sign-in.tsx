import { useEffect, useRef, useState } from 'preact/hooks';

import { messageOf, signIn, signInNotice } from '../session.js';

/** As it is typed where this service runs: in a clone, or where a package or an image was installed. */
const tokenCommand = document.documentElement.dataset['tokenCommand'] ?? 'inlet token';

export function SignInPage() {
  const [token, setToken] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    document.title = 'Sign in · Inlet';
    field.current?.focus();
  }, []);

  const submit = async (): Promise<void> => {
    setBusy(true);
    setError(null);
    try {
      await signIn(token.trim());
    } catch (problem) {
      setError(messageOf(problem));
      setBusy(false);
      field.current?.focus();
    }
  };

  return (
    <main class="sign-in" id="main">
      <form
        class="card"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <svg width="44" height="44" viewBox="0 0 26 26" aria-hidden="true">
          <rect class="brand-ground" width="26" height="26" rx="7" />
          <path
            class="brand-wave"
            d="M4 11.500c3 0 3 3 6 3s3-3 6-3 3 3 6 3M4 17c3 0 3 3 6 3s3-3 6-3 3 3 6 3"
          />
          <circle class="brand-sun" cx="13" cy="7" r="2.200" />
        </svg>
        <h1>Sign in to Inlet</h1>
        {signInNotice.value !== null && <p class="notice">{signInNotice.value}</p>}
        <label class="field">
          <span>Token</span>
          <input
            ref={field}
            class="input mono"
            type="password"
            name="token"
            required
            autocomplete="current-password"
            spellcheck={false}
            value={token}
            aria-invalid={error !== null}
            aria-describedby="sign-in-help"
            onInput={(event) => {
              setToken(event.currentTarget.value);
            }}
          />
        </label>
        {error !== null && (
          <p class="error-text" role="alert">
            {error}
          </p>
        )}
        <button type="submit" class="button primary" disabled={busy || token.trim() === ''}>
          {busy ? 'Signing in …' : 'Sign in'}
        </button>
        <div id="sign-in-help" class="hint">
          <p>Make a token where the service runs:</p>
          <code class="block">{tokenCommand} --scope admin</code>
          <p>It is kept in a cookie that no script can read, until it expires or you sign out.</p>
        </div>
      </form>
    </main>
  );
}
