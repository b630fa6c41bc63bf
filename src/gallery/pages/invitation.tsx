import { useState } from 'preact/hooks';

import { InletError, api, type InvitationView } from '../api.js';
import { fullTime } from '../format.js';
import { Rich } from '../languages/rich.js';
import { t } from '../languages/text.js';
import { PasswordField } from '../parts/password-field.js';
import { Problem } from '../parts/problem.js';
import { acceptInvitation, leaveInvitation, session } from '../session.js';
import { useLoad } from '../use-load.js';
import { useSubmit } from '../use-submit.js';
import { Remember } from '../users/remember.js';
import { SignInCard } from '../users/sign-in-card.js';
import { useNewPassword } from '../users/use-new-password.js';

/** The page behind the link of an invitation: its user chooses a password and is signed in. */
export function InvitationPage({ secret }: { readonly secret: string }) {
  const { value, error, reload } = useLoad(() => api.session.checkInvitation(secret), secret);
  const isUnknown = error instanceof InletError && error.code === 'invitation.not_found';
  const heading = value ? t('invitation.heading', { name: value.name }) : t('invitation.title');
  return (
    <SignInCard heading={heading} title={t('invitation.title')}>
      {error !== undefined && <Problem error={error} {...(!isUnknown && { retry: reload })} />}
      {value === undefined && error === undefined && <p>{t('common.loading')}</p>}
      {value && <InvitationForm secret={secret} invitation={value} />}
      {(error !== undefined || session.value) && <LeaveButton />}
    </SignInCard>
  );
}

function LeaveButton() {
  return (
    <button type="button" class="button" onClick={leaveInvitation}>
      {session.value ? t('invitation.stay') : t('invitation.to_sign_in')}
    </button>
  );
}

interface InvitationFormProps {
  readonly secret: string;
  readonly invitation: InvitationView;
}

function InvitationForm({ secret, invitation }: InvitationFormProps) {
  const { password, check, attributes } = useNewPassword(invitation);
  const [remember, setRemember] = useState(false);
  const { busy, error, submit } = useSubmit(() => acceptInvitation({ secret, password, remember }));
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        if (check()) void submit();
      }}
    >
      <p>{invitation.purpose === 'reset' ? t('invitation.reset') : t('invitation.welcome')}</p>
      {session.value && <OtherSession name={invitation.name} />}
      <label class="field">
        <span>{t('sign_in.email')}</span>
        <input
          class="input"
          type="email"
          name="email"
          readOnly
          autocomplete="username"
          value={invitation.email}
        />
      </label>
      <PasswordField label={t('password.new')} autocomplete="new-password" {...attributes} />
      <Remember checked={remember} onChange={setRemember} />
      {error !== undefined && <Problem error={error} />}
      <button type="submit" class="button primary" disabled={busy}>
        {busy ? t('sign_in.busy') : t('invitation.accept')}
      </button>
      <p class="hint">{t('invitation.until', { time: fullTime(invitation.expiresAt) })}</p>
    </form>
  );
}

/** Tells a user who is signed in that this browser will continue as another user. */
function OtherSession({ name }: { readonly name: string }) {
  const present = session.value?.user?.name ?? t('account.token');
  return (
    <p class="notice">
      <Rich id="invitation.other_session" values={{ present, name }} />
    </p>
  );
}
