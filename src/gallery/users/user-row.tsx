import type { UserView } from '../api.js';
import { ago } from '../format.js';
import { t } from '../languages/text.js';
import { Menu, MenuItem } from '../parts/menu.js';
import { session } from '../session.js';

/** What an administrator can do with a user. */
export type UserAction = 'change' | 'link' | 'sessions' | 'disable' | 'enable' | 'delete';

interface UserRowProps {
  readonly user: UserView;
  readonly onAsk: (action: UserAction) => void;
}

export function UserRow({ user, onAsk }: UserRowProps) {
  const { id, name, email, role, channels, state, lastSignInAt } = user;
  return (
    <tr class={state === 'disabled' ? 'gone' : ''}>
      <td>
        <b>{name}</b>
        {id === session.value?.user?.id && <span class="badge active">{t('users.you')}</span>}
        <div class="soft small-text">{email}</div>
      </td>
      <td class="nowrap">{t(`role.${role}`)}</td>
      <td>{channels === null ? t('tokens.all') : channels.join(', ')}</td>
      <td class="nowrap">{lastSignInAt === null ? t('tokens.never') : ago(lastSignInAt)}</td>
      <td class="nowrap">{wordsOfState(user)}</td>
      <td class="end">
        <UserMenu user={user} onAsk={onAsk} />
      </td>
    </tr>
  );
}

function wordsOfState({ state, invitationExpiresAt }: UserView): string {
  const isOver = invitationExpiresAt !== null && Date.parse(invitationExpiresAt) < Date.now();
  return state === 'invited' && isOver ? t('user_state.link_expired') : t(`user_state.${state}`);
}

function UserMenu({ user, onAsk }: UserRowProps) {
  const item = (action: UserAction, words: string, isDanger = false) => (
    <MenuItem
      danger={isDanger}
      onChoose={() => {
        onAsk(action);
      }}
    >
      {words}
    </MenuItem>
  );
  return (
    <Menu label={t('common.actions')} subject={user.name}>
      {item('change', t('users.change'))}
      {user.state !== 'disabled' && item('link', t('users.new_link'))}
      {item('sessions', t('sessions.title'))}
      {user.state === 'disabled'
        ? item('enable', t('users.enable'))
        : item('disable', t('users.disable'), true)}
      {item('delete', t('common.delete'), true)}
    </Menu>
  );
}
