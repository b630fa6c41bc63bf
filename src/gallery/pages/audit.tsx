import { api, type AuditEntryView } from '../api.js';
import { fullTime } from '../format.js';
import { isMessageId, t } from '../languages/text.js';
import { Empty } from '../parts/empty.js';
import { More } from '../parts/more.js';
import { PageHead } from '../parts/page-head.js';
import { TableCard } from '../parts/table-card.js';
import { addressWith, navigate, query } from '../router.js';
import { usePages } from '../use-pages.js';

const actions = [
  'session.create',
  'session.end',
  'session.refuse',
  'user.create',
  'user.invite',
  'user.change',
  'user.password',
  'user.delete',
  'token.create',
  'token.revoke',
  'media.evidence',
  'hold.create',
  'hold.end',
  'share.create',
  'share.revoke',
  'channel.create',
  'channel.update',
  'channel.rotate',
  'channel.connect',
  'channel.backfill',
  'channel.delete',
  'subscription.create',
  'subscription.update',
  'subscription.rotate',
  'subscription.resend',
  'subscription.delete',
  'media.erase',
  'media.retry',
  'media.export',
  'contact.erase',
  'delivery.replay',
  'retention.run',
] as const;

export function AuditPage() {
  const action = query.value.get('action') ?? '';
  const pages = usePages<AuditEntryView>(
    (cursor) => api.audit.list({ limit: 50, cursor, action }).page(),
    action,
  );
  return (
    <>
      <PageHead title={t('audit.title')} lead={t('audit.lead')}>
        <label class="field">
          <span>{t('audit.action')}</span>
          <select
            class="input"
            value={action}
            onChange={(event) => {
              navigate(addressWith({ action: event.currentTarget.value }));
            }}
          >
            <option value="">{t('common.all')}</option>
            {actions.map((name) => (
              <option key={name} value={name}>
                {t(`audit_action.${name}`)}
              </option>
            ))}
          </select>
        </label>
      </PageHead>
      {pages.items.length > 0 && <Entries entries={pages.items} />}
      {pages.status === 'end' && pages.items.length === 0 && <Empty icon="audit" title={t('audit.none')} />}
      <More pages={pages} />
    </>
  );
}

function Entries({ entries }: { readonly entries: readonly AuditEntryView[] }) {
  return (
    <TableCard
      label={t('audit.entries')}
      columns={[
        t('audit.when'),
        t('audit.action'),
        t('audit.by'),
        t('audit.channel'),
        t('audit.target'),
        t('audit.details'),
      ]}
    >
      {entries.map((entry) => (
        <tr key={entry.id}>
          <td class="nowrap">{fullTime(entry.at)}</td>
          <td>
            <span title={entry.action}>{nameOf(entry.action)}</span>
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

/** The name of an action, or its code if these pages do not know it. */
function nameOf(action: string): string {
  const id = `audit_action.${action}`;
  return isMessageId(id) ? t(id) : action;
}

function detailsOf({ details }: AuditEntryView): string {
  return Object.entries(details)
    .map(([name, value]) => `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(', ');
}
