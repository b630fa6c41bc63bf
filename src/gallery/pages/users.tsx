import { useState } from 'preact/hooks';

import { api, type UserView, type UserWithInvitation } from '../api.js';
import { t } from '../languages/text.js';
import { Empty } from '../parts/empty.js';
import { More } from '../parts/more.js';
import { PageButton } from '../parts/page-button.js';
import { PageHead } from '../parts/page-head.js';
import { Problem } from '../parts/problem.js';
import { TableCard } from '../parts/table-card.js';
import { useOpen } from '../use-open.js';
import { usePages } from '../use-pages.js';
import { DeleteUser, DisableUser, InvitationLink, NewLink, UserSessions } from '../users/user-dialogs.js';
import { ChangeUser, InviteUser } from '../users/user-form.js';
import { UserRow, type UserAction } from '../users/user-row.js';

interface Asked {
  readonly user: UserView;
  readonly action: UserAction;
}

export function UsersPage() {
  const pages = usePages<UserView>((cursor) => api.users.list({ limit: 50, cursor }).page());
  const form = useOpen();
  const [invited, setInvited] = useState<UserWithInvitation | null>(null);
  const [asked, setAsked] = useState<Asked | null>(null);
  const enabling = useEnabling(pages.reload);
  const showLink = (user: UserWithInvitation): void => {
    form.close();
    setInvited(user);
    pages.reload();
  };
  const ask = (next: Asked): void => {
    if (next.action === 'enable') enabling.enable(next.user);
    else setAsked(next);
  };
  return (
    <>
      <PageHead title={t('users.title')} lead={t('users.lead')}>
        <PageButton icon="plus" label={t('users.invite')} onClick={form.open} />
      </PageHead>
      {enabling.error !== undefined && <Problem error={enabling.error} />}
      {pages.items.length > 0 && <UserTable users={pages.items} onAsk={ask} />}
      {pages.status === 'end' && pages.items.length === 0 && (
        <Empty icon="group" title={t('users.none')}>
          <p>{t('users.none_text')}</p>
        </Empty>
      )}
      <More pages={pages} />
      {form.isOpen && <InviteUser onInvited={showLink} onClose={form.close} />}
      {asked && (
        <UserDialog
          asked={asked}
          onInvited={showLink}
          onDone={pages.reload}
          onClose={() => {
            setAsked(null);
          }}
        />
      )}
      {invited && (
        <InvitationLink
          invited={invited}
          onClose={() => {
            setInvited(null);
          }}
        />
      )}
    </>
  );
}

/** Lets a user sign in again. Nothing is lost by it, so nobody is asked before. */
function useEnabling(onDone: () => void) {
  const [error, setError] = useState<unknown>();
  const enable = ({ id }: UserView): void => {
    setError(undefined);
    api.users.change(id, { disabled: false }).then(onDone, setError);
  };
  return { error, enable };
}

interface UserTableProps {
  readonly users: readonly UserView[];
  readonly onAsk: (asked: Asked) => void;
}

function UserTable({ users, onAsk }: UserTableProps) {
  return (
    <TableCard
      label={t('users.title')}
      columns={[
        t('users.name'),
        t('users.role'),
        t('tokens.channels'),
        t('users.last_sign_in'),
        t('users.state'),
      ]}
      actions={t('common.actions')}
    >
      {users.map((user) => (
        <UserRow
          key={user.id}
          user={user}
          onAsk={(action) => {
            onAsk({ user, action });
          }}
        />
      ))}
    </TableCard>
  );
}

interface UserDialogProps {
  readonly asked: Asked;
  readonly onInvited: (invited: UserWithInvitation) => void;
  readonly onDone: () => void;
  readonly onClose: () => void;
}

function UserDialog({ asked: { user, action }, onInvited, onDone, onClose }: UserDialogProps) {
  if (action === 'change') return <ChangeUser user={user} onChanged={onDone} onClose={onClose} />;
  if (action === 'link') return <NewLink user={user} onInvited={onInvited} onClose={onClose} />;
  if (action === 'sessions') return <UserSessions user={user} onClose={onClose} />;
  if (action === 'disable') return <DisableUser user={user} onDone={onDone} onClose={onClose} />;
  return <DeleteUser user={user} onDone={onDone} onClose={onClose} />;
}
