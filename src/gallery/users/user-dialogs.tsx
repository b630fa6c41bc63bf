import { api, type UserView, type UserWithInvitation } from '../api.js';
import { fullTime } from '../format.js';
import { Rich } from '../languages/rich.js';
import { t } from '../languages/text.js';
import { Confirm } from '../parts/confirm.js';
import { Dialog } from '../parts/dialog.js';
import { SecretOnce } from '../parts/secret-once.js';
import { session } from '../session.js';
import { SessionTable } from './session-table.js';

interface InvitationLinkProps {
  readonly invited: UserWithInvitation;
  readonly onClose: () => void;
}

/** The link by which a user sets a password, which Inlet sends to nobody. */
export function InvitationLink({ invited, onClose }: InvitationLinkProps) {
  const { name, invitation } = invited;
  return (
    <SecretOnce
      title={t('users.link_title', { name })}
      explanation={t('users.link_text', { time: fullTime(invitation.expiresAt) })}
      secrets={[[t('users.link'), invitation.url]]}
      onClose={onClose}
    />
  );
}

interface UserDialogProps {
  readonly user: UserView;
  readonly onDone: () => void;
  readonly onClose: () => void;
}

/** Asks before making a link, because the link before stops working. */
export function NewLink({
  user,
  onInvited,
  onClose,
}: Omit<UserDialogProps, 'onDone'> & { readonly onInvited: (invited: UserWithInvitation) => void }) {
  return (
    <Confirm
      title={t('users.new_link_title')}
      action={t('users.create_link')}
      onClose={onClose}
      onConfirm={async () => {
        onInvited(await api.users.invite(user.id));
      }}
    >
      <p>
        <Rich id="users.new_link_text" values={{ name: user.name }} />
      </p>
    </Confirm>
  );
}

export function DisableUser({ user, onDone, onClose }: UserDialogProps) {
  return (
    <Confirm
      title={t('users.disable_title')}
      action={t('users.disable')}
      onClose={onClose}
      onConfirm={async () => {
        await api.users.change(user.id, { disabled: true });
        onDone();
      }}
    >
      <p>
        <Rich id="users.disable_text" values={{ name: user.name }} />
      </p>
      <OwnAccount user={user} />
    </Confirm>
  );
}

export function DeleteUser({ user, onDone, onClose }: UserDialogProps) {
  return (
    <Confirm
      title={t('users.delete_title')}
      action={t('common.delete')}
      typed={user.email}
      onClose={onClose}
      onConfirm={async () => {
        await api.users.delete(user.id);
        onDone();
      }}
    >
      <p>
        <Rich id="users.delete_text" values={{ name: user.name }} />
      </p>
      <OwnAccount user={user} />
    </Confirm>
  );
}

function OwnAccount({ user }: { readonly user: UserView }) {
  return user.id === session.value?.user?.id ? <p class="notice">{t('users.own')}</p> : null;
}

/** The sessions of another user. */
export function UserSessions({ user, onClose }: Omit<UserDialogProps, 'onDone'>) {
  const title = t('users.sessions_title', { name: user.name });
  return (
    <Dialog label={title} class="wide" onClose={onClose}>
      <div class="dialog-body">
        <h2>{title}</h2>
        <SessionTable user={user.id} />
        <div class="dialog-actions">
          <button type="button" class="button" onClick={onClose}>
            {t('common.close')}
          </button>
        </div>
      </div>
    </Dialog>
  );
}
