import { api, type StatsView } from '../api.js';
import { attentionCount, countAttention } from '../attention-count.js';
import { at } from '../base.js';
import { ago, bytes, capital, directionNames, duration, kindNames, number, stateNames } from '../format.js';
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
    attentionCount.value = countAttention(value.needsAttention);
    return value;
  }, String(days));
  return (
    <>
      <PageHead title="Overview">
        <div class="segments" role="group" aria-label="Days">
          {spans.map((span) => (
            <a
              key={span}
              href={at(`/admin/overview?days=${String(span)}`)}
              aria-current={span === days ? 'true' : undefined}
            >
              {span} days
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
      {number(spool.webhooks)} {spool.webhooks === 1 ? 'webhook' : 'webhooks'} ({bytes(spool.bytes)}) arrived
      while the database was unavailable, the first {spool.oldestAt ? ago(spool.oldestAt) : 'just now'}. They
      will appear here soon.
    </p>
  );
}

function Figures({ stats, days }: { readonly stats: StatsView; readonly days: number }) {
  if (stats.total.media === 0) {
    return (
      <Empty icon="overview" title="No statistics yet">
        <p>Once files arrive, this page shows how many there are, how fast they came, and what failed.</p>
      </Empty>
    );
  }
  const sums = summarise(stats, days);
  return (
    <>
      <KeyFigures stats={stats} sums={sums} days={days} />
      <section class="card panel">
        <h2>Received per day</h2>
        <DayChart name="All channels" days={sums.days} counts={sums.total} large />
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
      <Figure name={`Received in ${String(days)} days`} value={number(sums.media)} more={bytes(sums.bytes)} />
      <Figure
        name="Median time to ready"
        value={sums.secondsToReady === null ? '–' : duration(sums.secondsToReady)}
        more="from webhook to stored file"
      />
      <Figure name="Failed or rejected" value={number(sums.failed)} more={shareOfAll(sums)} />
      <Figure
        name="Oldest waiting"
        value={oldestPending ? ago(oldestPending.receivedAt) : 'None'}
        more={oldestPending ? 'still being downloaded' : 'everything was downloaded'}
      />
    </dl>
  );
}

function shareOfAll({ failed, media }: Sums): string {
  if (media === 0) return '';
  const share = (failed / media).toLocaleString(undefined, { style: 'percent', maximumFractionDigits: 1 });
  return `${share} of all`;
}

function Breakdowns({ stats }: { readonly stats: StatsView }) {
  return (
    <div class="columns">
      <Breakdown title="By channel" rows={stats.byChannel.map((row) => ({ ...row, name: row.channel }))} />
      <Breakdown
        title="By state"
        rows={stats.byState.map((row) => ({ ...row, name: stateNames[row.state] }))}
      />
      <Breakdown title="By kind" rows={stats.byKind.map((row) => ({ ...row, name: kindNames[row.kind] }))} />
      <Breakdown
        title="By direction"
        rows={stats.byDirection.map((row) => ({ ...row, name: directionNames[row.direction] }))}
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
      <summary>The numbers as a table</summary>
      <div class="table-wrap" tabIndex={0} role="region" aria-label="Received per day and channel">
        <table>
          <thead>
            <tr>
              <th scope="col">Day</th>
              {sums.channels.map(({ channel }) => (
                <th key={channel} scope="col" class="number">
                  {channel}
                </th>
              ))}
              <th scope="col" class="number">
                All
              </th>
            </tr>
          </thead>
          <tbody>
            {sums.days.map((day, at) => (
              <tr key={day}>
                <th scope="row">{day}</th>
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
            <th scope="col">Name</th>
            <th scope="col">Number</th>
            <th scope="col">Size</th>
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
