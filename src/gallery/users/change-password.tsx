import { useState } from 'preact/hooks';

import { InletError, api, type SessionView } from '../api.js';
import { t } from '../languages/text.js';
import { announcement } from '../live.js';
import { PasswordField } from '../parts/password-field.js';
import { Problem } from '../parts/problem.js';
import { messageOf } from '../problem-text.js';
import { begin } from '../session.js';
import { useSubmit } from '../use-submit.js';
import { useNewPassword } from './use-new-password.js';

/** Changes the own password. The service ends all sessions of the user and begins a new one here. */
export function ChangePassword({ user }: { readonly user: NonNullable<SessionView['user']> }) {
  const [current, setCurrent] = useState('');
  const [isDone, setDone] = useState(false);
  const { password, check, clear, attributes } = useNewPassword(user);
  const { busy, error, submit } = useSubmit(async () => {
    begin(await api.session.changePassword({ current, password }));
    setCurrent('');
    clear();
    setDone(true);
    announcement.value = t('account.password_changed');
  });
  const isWrong = error instanceof InletError && error.code === 'auth.wrong_password';
  return (
    <form
      class="card panel account-form"
      onSubmit={(event) => {
        event.preventDefault();
        setDone(false);
        if (check()) void submit();
      }}
    >
      <h2>{t('account.password')}</h2>
      <input type="email" name="email" hidden readOnly autocomplete="username" value={user.email} />
      <PasswordField
        label={t('password.current')}
        autocomplete="current-password"
        value={current}
        onInput={setCurrent}
        error={isWrong ? messageOf(error) : undefined}
      />
      <PasswordField label={t('password.new')} autocomplete="new-password" {...attributes} />
      {error !== undefined && !isWrong && <Problem error={error} />}
      {isDone && <p class="notice">{t('account.password_changed')}</p>}
      <p class="hint">{t('account.password_text')}</p>
      <div class="button-row">
        <button type="submit" class="button primary" disabled={busy}>
          {t('account.change_password')}
        </button>
      </div>
    </form>
  );
}
