import { useEffect, useRef, useState } from 'preact/hooks';

import { InletError } from '../api.js';
import { t } from '../languages/text.js';
import { PasswordField } from '../parts/password-field.js';
import { messageOf } from '../problem-text.js';
import { prefersToken, signIn } from '../session.js';
import { useSubmit } from '../use-submit.js';
import { Remember } from './remember.js';

/** Signing in with an e-mail address and a password. After a failure the focus returns to the password. */
export function PasswordSignIn() {
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [remember, setRemember] = useState(false);
  const emailField = useRef<HTMLInputElement>(null);
  const passwordField = useRef<HTMLInputElement>(null);
  const { busy, error, submit } = useSubmit(() => signIn({ email, password, remember }));
  useEffect(() => {
    if (!prefersToken.value) emailField.current?.focus();
  }, []);
  const enter = async (): Promise<void> => {
    if (!(await submit())) passwordField.current?.focus();
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void enter();
      }}
    >
      <label class="field">
        <span>{t('sign_in.email')}</span>
        <input
          ref={emailField}
          class="input"
          type="email"
          name="email"
          required
          autocomplete="username"
          autocapitalize="off"
          spellcheck={false}
          value={email}
          onInput={(event) => {
            setEmail(event.currentTarget.value);
          }}
        />
      </label>
      <PasswordField
        label={t('sign_in.password')}
        autocomplete="current-password"
        value={password}
        onInput={setPassword}
        error={error === undefined ? undefined : wordsOf(error)}
        field={passwordField}
      />
      <Remember checked={remember} onChange={setRemember} />
      <button type="submit" class="button primary" disabled={busy}>
        {busy ? t('sign_in.busy') : t('sign_in.title')}
      </button>
    </form>
  );
}

/** The service answers a wrong password like a token that is not valid. */
function wordsOf(error: unknown): string {
  const isWrong = error instanceof InletError && error.code === 'auth.invalid';
  return isWrong ? t('sign_in.wrong') : messageOf(error);
}
