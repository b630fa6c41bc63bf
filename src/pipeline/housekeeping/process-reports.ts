/**
 * Reports what only this process can see, its disks and its spool, for as long as it lasts. The job that runs
 * once for all processes makes alerts of the reports.
 */
import { hostname } from 'node:os';

import { freeShareOf } from '../../infra/files/disk-space.js';
import type { Logger } from '../../infra/logging/logger.js';
import type { Spool } from '../../infra/spool/spool.js';
import type { AlertTable, ProcessReport } from '../../infra/tables/alerts.js';

export interface ProcessReportOptions {
  readonly table: Pick<AlertTable, 'report'>;
  readonly spool: Pick<Spool, 'isEmpty'>;
  /** The folders of this process. The spool is in the first one. */
  readonly folders: readonly string[];
  /** 0: the disk is not watched. */
  readonly diskFreePercent: number;
  readonly logger: Logger;
  readonly now: () => Date;
  readonly intervals?: { readonly lookMs: number; readonly reportMs: number };
}

export interface ProcessReports {
  readonly start: () => void;
  readonly close: () => Promise<void>;
}

export const reportEveryMs = 30_000;
/** The spool may be empty again soon, so it is looked at more often than reports are written. */
const lookEveryMs = 2_000;
/** An alert ends only when this much more is free, so that it does not begin and end over and over. */
const marginPercent = 2;

export function createProcessReports(options: ProcessReportOptions): ProcessReports {
  const { table, logger, now } = options;
  const { lookMs, reportMs } = options.intervals ?? { lookMs: lookEveryMs, reportMs: reportEveryMs };
  const lookAtSpool = watchSpool(options);
  const lookAtDisks = watchDisks(options);
  let reports: readonly ProcessReport[] = [];
  let running = Promise.resolve();

  const look = async (): Promise<void> => {
    const found = await lookAtSpool();
    if (found) reports = [found];
  };
  const report = async (): Promise<void> => {
    const all = [...reports, ...(await lookAtDisks())];
    try {
      for (const one of all) await table.report(one, now());
      reports = [];
    } catch (error) {
      // Mostly the database is unavailable, which is why the spool is in use: it is reported later.
      logger.debug({ err: error }, 'what this process sees could not be reported');
    }
  };
  const every = (milliseconds: number, work: () => Promise<void>): NodeJS.Timeout =>
    setInterval(() => {
      running = running.then(work);
    }, milliseconds).unref();
  let timers: NodeJS.Timeout[] = [];
  return {
    start: () => {
      timers = [every(lookMs, look), every(reportMs, report)];
    },
    close: async () => {
      for (const timer of timers) clearInterval(timer);
      await running;
    },
  };
}

/** Finds whether webhooks wait in the spool, and since when. */
function watchSpool({ spool, folders, now }: ProcessReportOptions): () => Promise<ProcessReport | undefined> {
  let since: Date | undefined;
  return async () => {
    const isEmpty = await spool.isEmpty().catch(() => true);
    since = isEmpty ? undefined : (since ?? now());
    return (
      since && {
        type: 'alert.spool_in_use',
        reporter: reporterOf(folders[0] ?? ''),
        since,
        message: `webhooks are stored in the spool on ${hostname()}, because the database is or was unavailable`,
      }
    );
  };
}

/** Finds the disks that are filling up. */
function watchDisks({
  folders,
  diskFreePercent,
  now,
}: ProcessReportOptions): () => Promise<readonly ProcessReport[]> {
  const since = new Map<string, Date>();
  return async () => {
    if (diskFreePercent === 0) return [];
    const reports: ProcessReport[] = [];
    for (const folder of folders) {
      // A folder that is not there yet has no files either.
      const percent = 100 * (await freeShareOf(folder).catch(() => 1));
      const limit = since.has(folder) ? diskFreePercent + marginPercent : diskFreePercent;
      if (percent >= limit) {
        since.delete(folder);
        continue;
      }
      const begun = since.get(folder) ?? now();
      since.set(folder, begun);
      const message = `${percent.toFixed(1)} % of the disk with ${folder} on ${hostname()} are free`;
      reports.push({ type: 'alert.disk_filling', reporter: reporterOf(folder), since: begun, message });
    }
    return reports;
  };
}

function reporterOf(folder: string): string {
  return `${hostname()}:${folder}`;
}
