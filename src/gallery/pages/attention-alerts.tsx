import type { AlertView } from '../api.js';
import { openAlerts } from '../attention-count.js';
import { at } from '../base.js';
import { ago, shortTime } from '../format.js';
import { t, type MessageId } from '../languages/text.js';
import { Details } from '../parts/details.js';
import { Empty } from '../parts/empty.js';
import { Problem } from '../parts/problem.js';
import { isAdmin } from '../session.js';
import type { Loaded } from '../use-load.js';

interface Remedy {
  readonly to: string;
  readonly name: MessageId;
  /** Whether only administrators see the page. */
  readonly isForAdmins: boolean;
}

const channels: Remedy = { to: '/admin/channels', name: 'nav.channels', isForAdmins: true };
const overview: Remedy = { to: '/admin/overview', name: 'nav.overview', isForAdmins: false };

/** Where each alert is mended, or at least understood. */
const remedies: Readonly<Record<AlertView['type'], Remedy>> = {
  'alert.channel_silent': channels,
  'alert.channel_refused': channels,
  'alert.subscription_disabled': {
    to: '/admin/subscriptions',
    name: 'nav.subscriptions',
    isForAdmins: true,
  },
  'alert.media_late': { to: '/admin/attention?show=late', name: 'attention.late', isForAdmins: false },
  'alert.spool_in_use': overview,
  'alert.disk_filling': overview,
};

/** What is wrong now, and where it is mended. */
export function Alerts({ loaded }: { readonly loaded: Loaded<unknown> }) {
  if (loaded.error !== undefined) return <Problem error={loaded.error} retry={loaded.reload} />;
  const alerts = openAlerts.value;
  if (alerts.length === 0) {
    return (
      <Empty icon="check" title={t('attention.nothing')}>
        {t('attention.no_alerts')}
      </Empty>
    );
  }
  return (
    <ul class="alerts">
      {alerts.map((alert) => (
        <OpenAlert key={alert.id} alert={alert} />
      ))}
    </ul>
  );
}

function OpenAlert({ alert: { type, subject, since, message } }: { readonly alert: AlertView }) {
  const { to, name, isForAdmins } = remedies[type];
  return (
    <li class="card">
      <p>
        <b>{t(`alert_text.${type}`, { subject })}</b>
      </p>
      <p class="hint">{t('alerts.since', { time: shortTime(since), ago: ago(since) })}</p>
      {(!isForAdmins || isAdmin.value) && <a href={at(to)}>{t('alerts.mend', { page: t(name) })}</a>}
      <Details lines={[message]} />
    </li>
  );
}
