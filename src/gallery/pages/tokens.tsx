import { useState } from 'preact/hooks';

import { api, type TokenView } from '../api.js';
import { ago, shortTime } from '../format.js';
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
      <PageHead
        title="Tokens"
        lead="Credentials for apps and people. Tokens created on the command line appear after their first use."
      >
        <PageButton icon="plus" label="New token" onClick={form.open} />
      </PageHead>
      {pages.items.length > 0 && <TokenTable tokens={pages.items} onRevoke={setRevoking} />}
      <More pages={pages} />
      {form.isOpen && <AddToken onClose={form.close} onCreated={showCreated} />}
      {created !== null && (
        <SecretOnce
          title="Your new token"
          explanation="This token is shown only once. Send it as “Authorization: Bearer …”, or sign in with it here."
          secrets={[['Token', created]]}
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
      label="Tokens"
      columns={['Name', 'Permissions', 'Channels', 'Created', 'Last used', 'Expires']}
      actions="Actions"
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
      title="Revoke this token?"
      action="Revoke"
      onClose={onClose}
      onConfirm={async () => {
        onRevoked(await api.tokens.revoke(token.id));
      }}
    >
      <p>
        Every program that uses <b>{token.name ?? token.id}</b> will be refused from now on.
        {token.id === session.value?.tokenId &&
          ' You are signed in with this token, so you will be signed out.'}
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
