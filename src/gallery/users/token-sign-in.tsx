import { useEffect, useRef, useState } from 'preact/hooks';

import { t } from '../languages/text.js';
import { messageOf } from '../problem-text.js';
import { prefersToken, signIn } from '../session.js';
import { useSubmit } from '../use-submit.js';

/** The command that creates a token in this installation: a clone, a package or an image. */
const tokenCommand = document.documentElement.dataset['tokenCommand'] ?? 'inlet token';

/** Signing in with an API token, which is folded away unless the visitor has used one before. */
export function TokenSignIn() {
  const field = useRef<HTMLInputElement>(null);
  const [token, setToken] = useState('');
  const { busy, error, submit } = useSubmit(() => signIn(token.trim()));
  const isOpen = prefersToken.value;
  useEffect(() => {
    if (isOpen) field.current?.focus();
  }, [isOpen]);
  const enter = async (): Promise<void> => {
    if (!(await submit())) field.current?.focus();
  };
  return (
    <details open={isOpen}>
      <summary>{t('sign_in.with_token')}</summary>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void enter();
        }}
      >
        <label class="field">
          <span>{t('sign_in.token')}</span>
          <input
            ref={field}
            class="input mono"
            type="password"
            name="token"
            required
            autocomplete="off"
            spellcheck={false}
            value={token}
            aria-invalid={error !== undefined}
            aria-describedby="sign-in-help"
            onInput={(event) => {
              setToken(event.currentTarget.value);
            }}
          />
        </label>
        {error !== undefined && (
          <p class="error-text" role="alert">
            {messageOf(error)}
          </p>
        )}
        <button type="submit" class="button" disabled={busy || token.trim() === ''}>
          {busy ? t('sign_in.busy') : t('sign_in.use_token')}
        </button>
        <div id="sign-in-help" class="hint">
          <p>{t('sign_in.create_token')}</p>
          <code class="block">{tokenCommand} --scope admin</code>
          <p>{t('sign_in.cookie')}</p>
        </div>
      </form>
    </details>
  );
}
