import type { SessionView } from '../api.js';
import { t } from '../languages/text.js';
import { PageHead } from '../parts/page-head.js';
import { session } from '../session.js';
import { ChangePassword } from '../users/change-password.js';
import { SessionTable } from '../users/session-table.js';

/** The page of the user who is signed in. */
export function AccountPage() {
  if (!session.value) return null;
  const { user } = session.value;
  return (
    <>
      <PageHead title={t('account.title')} {...(!user && { lead: t('account.token_text') })} />
      <div class="account">
        <Facts session={session.value} />
        {user?.hasPassword && <ChangePassword user={user} />}
        {user && (
          <section>
            <h2>{t('sessions.title')}</h2>
            <SessionTable />
          </section>
        )}
      </div>
    </>
  );
}

function Facts({ session: { user, scopes, channels } }: { readonly session: SessionView }) {
  return (
    <dl class="card panel fact-list">
      {user && (
        <>
          <div>
            <dt>{t('users.name')}</dt>
            <dd>{user.name}</dd>
          </div>
          <div>
            <dt>{t('sign_in.email')}</dt>
            <dd>{user.email}</dd>
          </div>
          <div>
            <dt>{t('users.role')}</dt>
            <dd>
              {t(`role.${user.role}`)}: {t(`role_text.${user.role}`)}
            </dd>
          </div>
        </>
      )}
      {!user && (
        <div>
          <dt>{t('tokens.permissions')}</dt>
          <dd>{scopes.join(', ')}</dd>
        </div>
      )}
      <div>
        <dt>{t('tokens.channels')}</dt>
        <dd>{channels === null ? t('tokens.all') : channels.join(', ')}</dd>
      </div>
    </dl>
  );
}
