import { useState } from 'preact/hooks';

import { api, type UserSessionView } from '../api.js';
import { ago, shortTime } from '../format.js';
import { t } from '../languages/text.js';
import { More } from '../parts/more.js';
import { Problem } from '../parts/problem.js';
import { TableCard } from '../parts/table-card.js';
import { session, signOut } from '../session.js';
import { usePages } from '../use-pages.js';

/** The sessions of a user (by default of the one who is signed in), each with a button that ends it. */
export function SessionTable({ user }: { readonly user?: string }) {
  const pages = usePages<UserSessionView>(
    (cursor) => api.sessions.list({ user, limit: 50, cursor }).page(),
    `${user ?? ''} ${session.value?.tokenId ?? ''}`,
  );
  const [error, setError] = useState<unknown>();
  const end = async ({ id, current }: UserSessionView): Promise<void> => {
    setError(undefined);
    try {
      if (current) await signOut();
      else await api.sessions.end(id);
      pages.replace((items) => items.filter((item) => item.id !== id));
    } catch (problem) {
      setError(problem);
    }
  };
  return (
    <>
      {error !== undefined && <Problem error={error} />}
      {pages.items.length > 0 && (
        <TableCard
          label={t('sessions.title')}
          columns={[t('sessions.began'), t('sessions.last_used'), t('sessions.until')]}
          actions={t('common.actions')}
        >
          {pages.items.map((one) => (
            <SessionRow key={one.id} session={one} onEnd={() => void end(one)} />
          ))}
        </TableCard>
      )}
      {pages.status === 'end' && pages.items.length === 0 && <p class="hint">{t('sessions.none')}</p>}
      <More pages={pages} />
    </>
  );
}

interface SessionRowProps {
  readonly session: UserSessionView;
  readonly onEnd: () => void;
}

function SessionRow({ session: { createdAt, expiresAt, lastUsedAt, current }, onEnd }: SessionRowProps) {
  return (
    <tr>
      <td class="nowrap">
        {shortTime(createdAt)}
        {current && <span class="badge active">{t('sessions.current')}</span>}
      </td>
      <td class="nowrap">{lastUsedAt === null ? t('tokens.never') : ago(lastUsedAt)}</td>
      <td class="nowrap">{expiresAt === null ? t('tokens.never') : shortTime(expiresAt)}</td>
      <td class="end">
        <button type="button" class="button small quiet-danger" onClick={onEnd}>
          {current ? t('nav.sign_out') : t('sessions.end')}
        </button>
      </td>
    </tr>
  );
}
