import { roles } from '../../domain/user.js';
import { api, type UserView, type UserWithInvitation } from '../api.js';
import { t } from '../languages/text.js';
import { ChannelChoice, chosenChannels } from '../parts/channel-choice.js';
import { FormDialog, textOf } from '../parts/form-dialog.js';

interface InviteUserProps {
  /** Receives the link, which the service shows only once. */
  readonly onInvited: (invited: UserWithInvitation) => void;
  readonly onClose: () => void;
}

export function InviteUser({ onInvited, onClose }: InviteUserProps) {
  return (
    <FormDialog
      title={t('users.invite')}
      action={t('users.create_link')}
      onClose={onClose}
      onSubmit={async (values) => {
        onInvited(await api.users.create({ email: textOf(values, 'email'), ...rightsIn(values) }));
      }}
    >
      <label class="field">
        <span>{t('sign_in.email')}</span>
        <input class="input" type="email" name="email" required maxLength={254} autofocus />
      </label>
      <UserFields />
    </FormDialog>
  );
}

interface ChangeUserProps {
  readonly user: UserView;
  readonly onChanged: (changed: UserView) => void;
  readonly onClose: () => void;
}

export function ChangeUser({ user, onChanged, onClose }: ChangeUserProps) {
  return (
    <FormDialog
      title={t('users.change_title', { name: user.name })}
      action={t('users.save')}
      onClose={onClose}
      onSubmit={async (values) => {
        onChanged(await api.users.change(user.id, rightsIn(values)));
        onClose();
      }}
    >
      <UserFields user={user} />
      <p class="hint">{t('users.change_text')}</p>
    </FormDialog>
  );
}

function UserFields({ user }: { readonly user?: UserView }) {
  const role = user?.role ?? 'viewer';
  return (
    <>
      <label class="field">
        <span>{t('users.name')}</span>
        <input class="input" name="name" required maxLength={100} defaultValue={user?.name ?? ''} />
      </label>
      <fieldset class="field">
        <legend>{t('users.role')}</legend>
        {roles.map((one) => (
          <label key={one} class="check">
            <input type="radio" name="role" value={one} defaultChecked={one === role} />
            <span>
              <b>{t(`role.${one}`)}</b>: {t(`role_text.${one}`)}
            </span>
          </label>
        ))}
      </fieldset>
      <ChannelChoice selected={user?.channels ?? []} />
    </>
  );
}

function rightsIn(values: FormData) {
  const chosen = textOf(values, 'role');
  return {
    name: textOf(values, 'name'),
    role: roles.find((role) => role === chosen) ?? 'viewer',
    channels: chosenChannels(values),
  };
}
