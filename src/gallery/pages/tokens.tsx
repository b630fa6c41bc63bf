import { useState } from 'preact/hooks';

import { api, type TokenView } from '../api.js';
import { ago, shortTime } from '../format.js';
import { Confirm } from '../parts/confirm.js';
import { Icon } from '../parts/icon.js';
import { More } from '../parts/more.js';
import { PageHead } from '../parts/page-head.js';
import { TableCard } from '../parts/table-card.js';
import { SecretOnce } from '../parts/secret-once.js';
import { session } from '../session.js';
import { usePages } from '../use-pages.js';
import { AddToken } from './add-token.js';

export function TokensPage() {
  const pages = usePages<TokenView>((cursor) => api.tokens.list({ limit: 50, cursor }).page());
  const [adding, setAdding] = useState(false);
  const [made, setMade] = useState<string | null>(null);
  const [revoking, setRevoking] = useState<TokenView | null>(null);
  return (
    <>
      <PageHead
        title="Tokens"
        lead="What programs and people sign in with. Those made at the command line appear here once they were used."
      >
        <button
          type="button"
          class="button primary"
          onClick={() => {
            setAdding(true);
          }}
        >
          <Icon name="plus" size={18} /> New token
        </button>
      </PageHead>
      {pages.items.length > 0 && (
        <TableCard
          label="Tokens"
          columns={['Name', 'May', 'Channels', 'Made', 'Last used', 'Ends']}
          actions="Actions"
        >
          {pages.items.map((token) => (
            <TokenRow
              key={token.id}
              token={token}
              onRevoke={() => {
                setRevoking(token);
              }}
            />
          ))}
        </TableCard>
      )}
      <More pages={pages} />
      {adding && (
        <AddToken
          onClose={() => {
            setAdding(false);
          }}
          onMade={(token) => {
            setAdding(false);
            setMade(token);
            pages.reload();
          }}
        />
      )}
      {made !== null && (
        <SecretOnce
          title="Your new token"
          explanation="It is shown this once. Send it as “Authorization: Bearer …”, or sign in with it here."
          secrets={[['Token', made]]}
          onClose={() => {
            setMade(null);
          }}
        />
      )}
      {revoking && (
        <Confirm
          title="Revoke this token?"
          action="Revoke"
          onClose={() => {
            setRevoking(null);
          }}
          onConfirm={async () => {
            const revoked = await api.tokens.revoke(revoking.id);
            pages.replace((items) => items.map((item) => (item.id === revoked.id ? revoked : item)));
          }}
        >
          <p>
            Every program that uses <b>{revoking.name ?? revoking.id}</b> is refused from now on.
            {revoking.id === session.value?.tokenId &&
              ' It is the one that you are signed in with: you will be signed out.'}
          </p>
        </Confirm>
      )}
    </>
  );
}

function TokenRow({ token, onRevoke }: { readonly token: TokenView; readonly onRevoke: () => void }) {
  const { id, name, scopes, channels, createdAt, lastUsedAt, expiresAt, revokedAt } = token;
  return (
    <tr class={revokedAt === null ? '' : 'gone'}>
      <td>
        {name ?? <code>{id.slice(0, 13)}</code>}
        {id === session.value?.tokenId && <span class="badge active">yours</span>}
      </td>
      <td>{scopes.join(', ')}</td>
      <td>{channels === null ? 'all' : channels.join(', ')}</td>
      <td class="nowrap">{shortTime(createdAt)}</td>
      <td class="nowrap">{lastUsedAt === null ? 'never' : ago(lastUsedAt)}</td>
      <td class="nowrap">{expiresAt === null ? 'never' : shortTime(expiresAt)}</td>
      <td class="end">
        {revokedAt === null ? (
          <button type="button" class="button small quiet-danger" onClick={onRevoke}>
            Revoke
          </button>
        ) : (
          <span class="badge disabled">revoked {ago(revokedAt)}</span>
        )}
      </td>
    </tr>
  );
}
