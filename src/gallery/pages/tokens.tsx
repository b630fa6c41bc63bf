import { useState } from 'preact/hooks';

import { api, type TokenView } from '../api.js';
import { ago, shortTime } from '../format.js';
import { Rich } from '../languages/rich.js';
import { t } from '../languages/text.js';
import { Confirm } from '../parts/confirm.js';
import { More } from '../parts/more.js';
import { PageButton } from '../parts/page-button.js';
import { PageHead } from '../parts/page-head.js';
import { TableCard } from '../parts/table-card.js';
import { SecretOnce } from '../parts/secret-once.js';
import { session } from '../session.js';
import { useOpen } from '../use-open.js';
import { usePages } from '../use-pages.js';
import { AddToken } from './add-token.js';

export function TokensPage() {
  const pages = usePages<TokenView>((cursor) => api.tokens.list({ limit: 50, cursor }).page());
  const form = useOpen();
  const [created, setCreated] = useState<string | null>(null);
  const [revoking, setRevoking] = useState<TokenView | null>(null);
  const showCreated = (token: string): void => {
    form.close();
    setCreated(token);
    pages.reload();
  };
  return (
    <>
      <PageHead title={t('tokens.title')} lead={t('tokens.lead')}>
        <PageButton icon="plus" label={t('tokens.new')} onClick={form.open} />
      </PageHead>
      {pages.items.length > 0 && <TokenTable tokens={pages.items} onRevoke={setRevoking} />}
      <More pages={pages} />
      {form.isOpen && <AddToken onClose={form.close} onCreated={showCreated} />}
      {created !== null && (
        <SecretOnce
          title={t('tokens.created_title')}
          explanation={t('tokens.created_text')}
          secrets={[[t('tokens.token'), created]]}
          onClose={() => {
            setCreated(null);
          }}
        />
      )}
      {revoking && (
        <RevokeToken
          token={revoking}
          onRevoked={(revoked) => {
            pages.replace((items) => items.map((item) => (item.id === revoked.id ? revoked : item)));
          }}
          onClose={() => {
            setRevoking(null);
          }}
        />
      )}
    </>
  );
}

interface TokenTableProps {
  readonly tokens: readonly TokenView[];
  readonly onRevoke: (token: TokenView) => void;
}

function TokenTable({ tokens, onRevoke }: TokenTableProps) {
  return (
    <TableCard
      label={t('tokens.title')}
      columns={[
        t('tokens.name'),
        t('tokens.permissions'),
        t('tokens.channels'),
        t('tokens.created'),
        t('tokens.last_used'),
        t('tokens.expires'),
      ]}
      actions={t('common.actions')}
    >
      {tokens.map((token) => (
        <TokenRow
          key={token.id}
          token={token}
          onRevoke={() => {
            onRevoke(token);
          }}
        />
      ))}
    </TableCard>
  );
}

interface RevokeTokenProps {
  readonly token: TokenView;
  readonly onRevoked: (token: TokenView) => void;
  readonly onClose: () => void;
}

function RevokeToken({ token, onRevoked, onClose }: RevokeTokenProps) {
  return (
    <Confirm
      title={t('tokens.revoke_title')}
      action={t('tokens.revoke')}
      onClose={onClose}
      onConfirm={async () => {
        onRevoked(await api.tokens.revoke(token.id));
      }}
    >
      <p>
        <Rich id="tokens.revoke_text" values={{ name: token.name ?? token.id }} />{' '}
        {token.id === session.value?.tokenId && t('tokens.revoke_own')}
      </p>
    </Confirm>
  );
}

function TokenRow({ token, onRevoke }: { readonly token: TokenView; readonly onRevoke: () => void }) {
  const { id, name, scopes, channels, createdAt, lastUsedAt, expiresAt, revokedAt } = token;
  return (
    <tr class={revokedAt === null ? '' : 'gone'}>
      <td>
        {name ?? <code>{id.slice(0, 13)}</code>}
        {id === session.value?.tokenId && <span class="badge active">{t('tokens.yours')}</span>}
      </td>
      <td>{scopes.join(', ')}</td>
      <td>{channels === null ? t('tokens.all') : channels.join(', ')}</td>
      <td class="nowrap">{shortTime(createdAt)}</td>
      <td class="nowrap">{lastUsedAt === null ? t('tokens.never') : ago(lastUsedAt)}</td>
      <td class="nowrap">{expiresAt === null ? t('tokens.never') : shortTime(expiresAt)}</td>
      <td class="end">
        {revokedAt === null ? (
          <button type="button" class="button small quiet-danger" onClick={onRevoke}>
            {t('tokens.revoke')}
          </button>
        ) : (
          <span class="badge disabled">{t('tokens.revoked', { ago: ago(revokedAt) })}</span>
        )}
      </td>
    </tr>
  );
}
