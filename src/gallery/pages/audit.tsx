import { api, type AuditEntryView } from '../api.js';
import { fullTime } from '../format.js';
import { Empty } from '../parts/empty.js';
import { More } from '../parts/more.js';
import { PageHead } from '../parts/page-head.js';
import { TableCard } from '../parts/table-card.js';
import { addressWith, navigate, query } from '../router.js';
import { usePages } from '../use-pages.js';

const actions = [
  'session.create',
  'token.create',
  'token.revoke',
  'channel.create',
  'channel.update',
  'channel.rotate',
  'channel.delete',
  'subscription.create',
  'subscription.update',
  'subscription.rotate',
  'subscription.resend',
  'subscription.delete',
  'media.erase',
  'media.retry',
  'contact.erase',
  'delivery.replay',
  'retention.run',
];

export function AuditPage() {
  const action = query.value.get('action') ?? '';
  const pages = usePages<AuditEntryView>(
    (cursor) => api.audit.list({ limit: 50, cursor, action }).page(),
    action,
  );
  return (
    <>
      <PageHead
        title="Audit"
        lead="Administrative actions, newest first. People are shown as anonymous codes."
      >
        <label class="field">
          <span>Action</span>
          <select
            class="input"
            value={action}
            onChange={(event) => {
              navigate(addressWith({ action: event.currentTarget.value }));
            }}
          >
            <option value="">All</option>
            {actions.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
      </PageHead>
      {pages.items.length > 0 && <Entries entries={pages.items} />}
      {pages.status === 'end' && pages.items.length === 0 && <Empty icon="audit" title="No entries yet" />}
      <More pages={pages} />
    </>
  );
}

function Entries({ entries }: { readonly entries: readonly AuditEntryView[] }) {
  return (
    <TableCard label="Entries" columns={['When', 'Action', 'By', 'Channel', 'Target', 'Details']}>
      {entries.map((entry) => (
        <tr key={entry.id}>
          <td class="nowrap">{fullTime(entry.at)}</td>
          <td>
            <code>{entry.action}</code>
          </td>
          <td title={entry.actor}>{entry.actorName ?? entry.actor.slice(0, 13)}</td>
          <td>{entry.channel}</td>
          <td>{entry.target !== null && <code title={entry.target}>{entry.target.slice(0, 13)}</code>}</td>
          <td class="soft">{detailsOf(entry)}</td>
        </tr>
      ))}
    </TableCard>
  );
}

function detailsOf({ details }: AuditEntryView): string {
  return Object.entries(details)
    .map(([name, value]) => `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(', ');
}
