import { api, type StatsView } from '../api.js';
import { noteTroubles } from '../attention-count.js';
import { at } from '../base.js';
import { ago, bytes, capital, duration, number, percent, shortDay } from '../format.js';
import { t } from '../languages/text.js';
import { DayChart } from '../parts/day-chart.js';
import { Empty } from '../parts/empty.js';
import { PageHead } from '../parts/page-head.js';
import { Problem } from '../parts/problem.js';
import { useLoad } from '../use-load.js';
import { query } from '../router.js';
import { summarise, type Sums } from './overview-sums.js';

const spans = [7, 30, 90] as const;

export function OverviewPage() {
  const days = spans.find((span) => String(span) === query.value.get('days')) ?? 30;
  const stats = useLoad(async () => {
    const value = await api.stats({ days });
    noteTroubles(value.needsAttention);
    return value;
  }, String(days));
  return (
    <>
      <PageHead title={t('overview.title')}>
        <div class="segments" role="group" aria-label={t('overview.span')}>
          {spans.map((span) => (
            <a
              key={span}
              href={at(`/admin/overview?days=${String(span)}`)}
              aria-current={span === days ? 'true' : undefined}
            >
              {t('overview.days', { count: span })}
            </a>
          ))}
        </div>
      </PageHead>
      {stats.error !== undefined && <Problem error={stats.error} retry={stats.reload} />}
      {stats.value && stats.value.spool.webhooks > 0 && <Spooled spool={stats.value.spool} />}
      {stats.value && <Figures stats={stats.value} days={days} />}
    </>
  );
}

function Spooled({ spool }: { readonly spool: StatsView['spool'] }) {
  return (
    <p role="status">
      {t('overview.spooled', {
        count: spool.webhooks,
        size: bytes(spool.bytes),
        ago: spool.oldestAt ? ago(spool.oldestAt) : t('time.now'),
      })}
    </p>
  );
}

function Figures({ stats, days }: { readonly stats: StatsView; readonly days: number }) {
  if (stats.total.media === 0) {
    return (
      <Empty icon="overview" title={t('overview.nothing')}>
        <p>{t('overview.nothing_text')}</p>
      </Empty>
    );
  }
  const sums = summarise(stats, days);
  return (
    <>
      <KeyFigures stats={stats} sums={sums} days={days} />
      <section class="card panel">
        <h2>{t('overview.per_day')}</h2>
        <DayChart name={t('overview.all_channels')} days={sums.days} counts={sums.total} large />
        {sums.channels.length > 1 && (
          <div class="small-charts">
            {sums.channels.map(({ channel, counts }) => (
              <DayChart key={channel} name={channel} days={sums.days} counts={counts} max={sums.busiest} />
            ))}
          </div>
        )}
        <DayTable sums={sums} />
      </section>
      <Breakdowns stats={stats} />
    </>
  );
}

interface KeyFiguresProps {
  readonly stats: StatsView;
  readonly sums: Sums;
  readonly days: number;
}

function KeyFigures({ stats, sums, days }: KeyFiguresProps) {
  const { oldestPending } = stats;
  return (
    <dl class="figures">
      <Figure
        name={t('overview.received_in', { days })}
        value={number(sums.media)}
        more={bytes(sums.bytes)}
      />
      <Figure
        name={t('overview.median')}
        value={sums.secondsToReady === null ? '–' : duration(sums.secondsToReady)}
        more={t('overview.median_text')}
      />
      <Figure name={t('overview.failed')} value={number(sums.failed)} more={shareOfAll(sums)} />
      <Figure
        name={t('overview.oldest')}
        value={oldestPending ? ago(oldestPending.receivedAt) : t('overview.no_oldest')}
        more={oldestPending ? t('overview.downloading') : t('overview.downloaded')}
      />
    </dl>
  );
}

function shareOfAll({ failed, media }: Sums): string {
  if (media === 0) return '';
  return t('overview.share', { share: percent(failed / media) });
}

function Breakdowns({ stats }: { readonly stats: StatsView }) {
  return (
    <div class="columns">
      <Breakdown
        title={t('overview.by_channel')}
        rows={stats.byChannel.map((row) => ({ ...row, name: row.channel }))}
      />
      <Breakdown
        title={t('overview.by_state')}
        rows={stats.byState.map((row) => ({ ...row, name: t(`state.${row.state}`) }))}
      />
      <Breakdown
        title={t('overview.by_kind')}
        rows={stats.byKind.map((row) => ({ ...row, name: t(`kind.${row.kind}`) }))}
      />
      <Breakdown
        title={t('overview.by_direction')}
        rows={stats.byDirection.map((row) => ({ ...row, name: t(`direction.${row.direction}`) }))}
      />
    </div>
  );
}

function Figure({
  name,
  value,
  more,
}: {
  readonly name: string;
  readonly value: string;
  readonly more: string;
}) {
  return (
    <div class="card figure">
      <dt>{name}</dt>
      <dd>
        <b>{capital(value)}</b>
        <span>{more}</span>
      </dd>
    </div>
  );
}

/** The numbers of the charts as a table. */
function DayTable({ sums }: { readonly sums: Sums }) {
  return (
    <details class="raw">
      <summary>{t('overview.table')}</summary>
      <div class="table-wrap" tabIndex={0} role="region" aria-label={t('overview.table_label')}>
        <table>
          <thead>
            <tr>
              <th scope="col">{t('overview.day')}</th>
              {sums.channels.map(({ channel }) => (
                <th key={channel} scope="col" class="number">
                  {channel}
                </th>
              ))}
              <th scope="col" class="number">
                {t('common.all')}
              </th>
            </tr>
          </thead>
          <tbody>
            {sums.days.map((day, at) => (
              <tr key={day}>
                <th scope="row">{shortDay(day)}</th>
                {sums.channels.map(({ channel, counts }) => (
                  <td key={channel} class="number">
                    {number(counts[at] ?? 0)}
                  </td>
                ))}
                <td class="number">{number(sums.total[at] ?? 0)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}

interface Row {
  readonly name: string;
  readonly media: number;
  readonly bytes: number;
}

function Breakdown({ title, rows }: { readonly title: string; readonly rows: readonly Row[] }) {
  const highest = Math.max(1, ...rows.map(({ media }) => media));
  return (
    <section class="card panel">
      <h2>{title}</h2>
      <table class="breakdown">
        <thead class="unseen">
          <tr>
            <th scope="col">{t('overview.name')}</th>
            <th scope="col">{t('overview.number')}</th>
            <th scope="col">{t('overview.size')}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ name, media, bytes: size }) => (
            <tr key={name}>
              <th scope="row">
                {name}
                <i aria-hidden="true" style={{ width: `${String((media / highest) * 100)}%` }} />
              </th>
              <td class="number">{number(media)}</td>
              <td class="number soft">{bytes(size)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
