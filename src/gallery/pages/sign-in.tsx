import { useEffect, useRef, useState } from 'preact/hooks';

import { BrandMark } from '../parts/brand-mark.js';
import { messageOf, signIn, signInNotice } from '../session.js';

/** The command that creates a token in this installation: a clone, a package or an image. */
const tokenCommand = document.documentElement.dataset['tokenCommand'] ?? 'inlet token';

export function SignInPage() {
  const field = useRef<HTMLInputElement>(null);
  const form = useSignIn(field);
  return (
    <main class="sign-in" id="main">
      <form
        class="card"
        onSubmit={(event) => {
          event.preventDefault();
          void form.submit();
        }}
      >
        <BrandMark size={44} />
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
            value={form.token}
            aria-invalid={form.error !== null}
            aria-describedby="sign-in-help"
            onInput={(event) => {
              form.setToken(event.currentTarget.value);
            }}
          />
        </label>
        {form.error !== null && (
          <p class="error-text" role="alert">
            {form.error}
          </p>
        )}
        <button type="submit" class="button primary" disabled={form.busy || form.token.trim() === ''}>
          {form.busy ? 'Signing in …' : 'Sign in'}
        </button>
        <SignInHelp />
      </form>
    </main>
  );
}

/** The state of the form. After a failure the focus returns to the field. */
function useSignIn(field: { readonly current: HTMLInputElement | null }) {
  const [token, setToken] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  useEffect(() => {
    document.title = 'Sign in · Inlet';
    field.current?.focus();
  }, [field]);
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
  return { token, setToken, busy, error, submit };
}

function SignInHelp() {
  return (
    <div id="sign-in-help" class="hint">
      <p>Create a token where the service runs:</p>
      <code class="block">{tokenCommand} --scope admin</code>
      <p>
        Your browser keeps the token in a cookie that scripts cannot read, until it expires or you sign out.
      </p>
    </div>
  );
}
