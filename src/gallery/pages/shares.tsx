import { useState } from 'preact/hooks';

import { api, type ShareView } from '../api.js';
import { at } from '../base.js';
import { ago, number, shortTime } from '../format.js';
import { Rich } from '../languages/rich.js';
import { t } from '../languages/text.js';
import { Confirm } from '../parts/confirm.js';
import { Empty } from '../parts/empty.js';
import { More } from '../parts/more.js';
import { PageHead } from '../parts/page-head.js';
import { TableCard } from '../parts/table-card.js';
import { session } from '../session.js';
import { useLoad } from '../use-load.js';
import { usePages } from '../use-pages.js';

/** The pages with files that were shared by a link, including ended ones. */
export function SharesPage() {
  const pages = usePages<ShareView>((cursor) => api.shares.list({ limit: 50, cursor }).page());
  const [revoking, setRevoking] = useState<ShareView | null>(null);
  return (
    <>
      <PageHead title={t('shares.title')} lead={t('shares.lead')} />
      {pages.items.length > 0 && <ShareTable shares={pages.items} onRevoke={setRevoking} />}
      {pages.status === 'end' && pages.items.length === 0 && (
        <Empty icon="share" title={t('shares.nothing')}>
          <p>{t('shares.nothing_text')}</p>
        </Empty>
      )}
      <More pages={pages} />
      {revoking && (
        <RevokeShare
          share={revoking}
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

interface ShareTableProps {
  readonly shares: readonly ShareView[];
  readonly onRevoke: (share: ShareView) => void;
}

function ShareTable({ shares, onRevoke }: ShareTableProps) {
  const names = useCreators(shares);
  return (
    <TableCard
      label={t('shares.title')}
      columns={[
        t('shares.page'),
        t('shares.files'),
        t('shares.views'),
        t('shares.expires'),
        t('shares.created_by'),
      ]}
      actions={t('common.actions')}
    >
      {shares.map((share) => (
        <ShareRow
          key={share.id}
          share={share}
          creator={names.get(share.createdBy) ?? share.createdBy.slice(0, 13)}
          onRevoke={() => {
            onRevoke(share);
          }}
        />
      ))}
    </TableCard>
  );
}

/** The names of the tokens that have created the shares, as far as this user may know them. */
function useCreators(shares: readonly ShareView[]): ReadonlyMap<string, string> {
  const ids = [...new Set(shares.map(({ createdBy }) => createdBy))].sort();
  const found = useLoad(
    async () =>
      Promise.all(
        ids.map((id) =>
          api.tokens.get(id).then(
            ({ name }) => [id, name] as const,
            () => [id, null] as const,
          ),
        ),
      ),
    ids.join(' '),
  );
  const named = (found.value ?? []).flatMap(([id, name]) => (name === null ? [] : [[id, name] as const]));
  return new Map(named);
}

interface ShareRowProps {
  readonly share: ShareView;
  readonly creator: string;
  readonly onRevoke: () => void;
}

function ShareRow({ share, creator, onRevoke }: ShareRowProps) {
  const { state, title, hasPassword, createdBy, createdAt, views, lastViewedAt } = share;
  return (
    <tr class={state === 'active' ? '' : 'gone'}>
      <td>
        {title ?? <span class="soft">{t('shares.untitled')}</span>}
        {hasPassword && <span class="badge">{t('shares.has_password')}</span>}
      </td>
      <td>
        <Files media={share.media} />
      </td>
      <td class="nowrap">
        {number(views)}
        {lastViewedAt !== null && (
          <span class="soft"> · {t('shares.last_viewed', { ago: ago(lastViewedAt) })}</span>
        )}
      </td>
      <td class="nowrap">{shortTime(share.expiresAt)}</td>
      <td class="nowrap">
        <span title={createdBy}>{creator}</span>
        {createdBy === session.value?.tokenId && <span class="badge active">{t('shares.yours')}</span>}
        <span class="soft"> · {shortTime(createdAt)}</span>
      </td>
      <td class="end">
        <EndOfShare share={share} onRevoke={onRevoke} />
      </td>
    </tr>
  );
}

/** The files in the order of the page, each with a link into the gallery. */
function Files({ media }: { readonly media: ShareView['media'] }) {
  const erased = media.filter((id) => id === null).length;
  return (
    <details>
      <summary class="nowrap">
        {t('shares.count', { count: media.length })}
        {erased > 0 && <span class="soft"> · {t('shares.erased', { count: erased })}</span>}
      </summary>
      <ol class="share-files">
        {media.map((id, place) => (
          <li key={id ?? place}>
            {id === null ? (
              <span class="soft">{t('state.erased')}</span>
            ) : (
              <a href={at(`/admin/media/${id}`)}>{t('shares.file', { place: place + 1 })}</a>
            )}
          </li>
        ))}
      </ol>
    </details>
  );
}

function EndOfShare({ share, onRevoke }: Omit<ShareRowProps, 'creator'>) {
  const { state, title, expiresAt, revokedAt } = share;
  if (state === 'expired')
    return <span class="badge disabled">{t('shares.expired', { ago: ago(expiresAt) })}</span>;
  if (state === 'revoked')
    return <span class="badge disabled">{t('shares.revoked', { ago: ago(revokedAt ?? expiresAt) })}</span>;
  return (
    <button
      type="button"
      class="button small quiet-danger"
      aria-label={t('shares.revoke_named', { title: title ?? t('shares.untitled') })}
      onClick={onRevoke}
    >
      {t('shares.revoke')}
    </button>
  );
}

interface RevokeShareProps {
  readonly share: ShareView;
  readonly onRevoked: (share: ShareView) => void;
  readonly onClose: () => void;
}

function RevokeShare({ share, onRevoked, onClose }: RevokeShareProps) {
  return (
    <Confirm
      title={t('shares.revoke_title')}
      action={t('shares.revoke')}
      onClose={onClose}
      onConfirm={async () => {
        onRevoked(await api.shares.revoke(share.id));
      }}
    >
      <p>
        <Rich id="shares.revoke_text" values={{ title: share.title ?? t('shares.untitled') }} />
      </p>
    </Confirm>
  );
}
