/**
 * What is wrong now, and what single processes report of themselves. An alert begins and ends with its event
 * in one statement, so that all processes together tell it once: SQL.
 */
import type { AlertType } from '../../domain/event.js';
import { newId } from '../../domain/id.js';
import type { Alert } from '../generated/client.js';
import type { Pool } from '../postgres/database.js';
import { topics } from '../postgres/notifications.js';
import { columnsOf, pageOf, type FilteredList, type Page } from '../postgres/pages.js';

/** Something that is wrong. */
export interface Condition {
  readonly type: AlertType;
  /** With the type, it identifies the alert. */
  readonly subject: string;
  /** Null: it is about the service as a whole. */
  readonly channel: string | null;
  readonly since: Date;
  /** A sentence without personal data. */
  readonly message: string;
}

/** A condition that was told and lasts. */
export type AlertRecord = Condition & { readonly id: string };

/** What is wrong now, as the API reads it. */
export interface OpenAlerts {
  /** Newest first. With channels, only the alerts about them: others are about the service as a whole. */
  readonly list: (channels: readonly string[] | undefined, page: Page) => Promise<AlertRecord[]>;
}

const openAlerts: FilteredList<{ readonly channels: readonly string[] | undefined }> = {
  select: `select ${columnsOf<Alert>({
    id: 'id',
    type: 'type',
    subject: 'subject',
    channel: 'channel',
    since: 'since',
    message: 'message',
  })} from alert`,
  key: 'id',
  conditions: { channels: 'channel = any(?)' },
};

export function createOpenAlerts(pool: Pick<Pool, 'query'>): OpenAlerts {
  return {
    list: async (channels, page) =>
      (await pool.query<AlertRecord>(pageOf(openAlerts, { channels }, page))).rows,
  };
}

/** What only one process can see. */
export interface ProcessReport {
  readonly type: AlertType;
  /** The same for all processes that see the same. */
  readonly reporter: string;
  readonly since: Date;
  readonly message: string;
}

export interface LateMedia {
  readonly channel: string;
  readonly oldest: Date;
  readonly media: number;
}

export interface AlertTable {
  /** Begins the alerts of these conditions that are new, and ends all others. */
  readonly tell: (conditions: readonly Condition[], now: Date) => Promise<void>;
  readonly report: (report: ProcessReport, now: Date) => Promise<void>;
  /** What was reported after this moment, by type; deletes what is older. */
  readonly reportsAfter: (moment: Date) => Promise<readonly ProcessReport[]>;
  /** Media that were received before this moment and are pending, as of the statistics. */
  readonly pendingBefore: (moment: Date) => Promise<readonly LateMedia[]>;
  /** The ids of subscriptions that were not disabled by hand. */
  readonly disabledSubscriptions: () => Promise<readonly { readonly id: string; readonly since: Date }[]>;
}

/** `disabledByHand` is the reason that does not count as a failure. */
export function createAlertTable(pool: Pool, disabledByHand: string): AlertTable {
  const { prisma } = pool;
  return {
    tell: async (conditions, now) => {
      const column = <Name extends keyof Condition>(name: Name) => conditions.map((one) => one[name]);
      await pool.query(tellStatement, [
        column('type'),
        column('subject'),
        column('channel'),
        column('since'),
        column('message'),
        now,
        conditions.map(() => newId()),
      ]);
    },
    report: async ({ type, reporter, since, message }, reportedAt) => {
      await prisma.processReport.upsert({
        where: { type_reporter: { type, reporter } },
        create: { type, reporter, since, message, reportedAt },
        update: { message, reportedAt },
      });
    },
    reportsAfter: async (moment) => {
      await prisma.processReport.deleteMany({ where: { reportedAt: { lte: moment } } });
      const rows = await prisma.processReport.findMany({ orderBy: [{ since: 'asc' }, { reporter: 'asc' }] });
      return rows as (ProcessReport & (typeof rows)[number])[];
    },
    pendingBefore: async (moment) => {
      const rows = await prisma.statsPending.groupBy({
        by: ['channel'],
        where: { minute: { lt: moment }, media: { gt: 0 } },
        orderBy: { channel: 'asc' },
        _min: { minute: true },
        _sum: { media: true },
      });
      return rows.map(({ channel, _min, _sum }) => ({
        channel,
        oldest: _min.minute ?? moment,
        media: Number(_sum.media ?? 0),
      }));
    },
    disabledSubscriptions: async () => {
      const rows = await prisma.subscription.findMany({
        where: { disabledAt: { not: null }, disabledReason: { not: disabledByHand } },
        select: { id: true, disabledAt: true },
        orderBy: { id: 'asc' },
      });
      return rows.flatMap(({ id, disabledAt }) => (disabledAt ? [{ id, since: disabledAt }] : []));
    },
  };
}

const iso = (moment: string): string =>
  `to_char(${moment} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

const details = (state: 'began' | 'ended', until: string): string => `
  type, coalesce(channel, ''), '${state}',
  jsonb_build_object('state', '${state}', 'subject', subject, 'since', ${iso('since')}, 'until', ${until}, 'message', message)`;

const tellStatement = `
  with wanted as (
    select * from unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::text[], $7::uuid[])
      as wanted (type, subject, channel, since, message, id)
  ), begun as (
    insert into alert (type, subject, channel, since, message, id)
    select type, subject, channel, since, message, id from wanted
    on conflict (type, subject) do nothing returning *
  ), ended as (
    delete from alert
    where not exists (select from wanted where wanted.type = alert.type and wanted.subject = alert.subject)
    returning *
  ), told as (
    insert into notification (type, channel, status, details)
    select ${details('began', 'null')} from begun
    union all
    select ${details('ended', iso('$6::timestamptz'))} from ended
    returning id
  )
  select pg_notify('${topics.outbox}', '') from told having count(*) > 0`;
