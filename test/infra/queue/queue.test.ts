import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

import { expect, test } from '@jest/globals';
import { pino } from 'pino';

import { openDatabase, type Database } from '../../../src/infra/postgres/database.js';
import { createQueue, type Queue } from '../../../src/infra/queue/queue.js';
import { built, startScript } from '../../support/program.js';
import { cloneDatabase, type TestDatabase } from '../../support/test-database.js';
import { until } from '../../support/until.js';

/** A database with queues of its own, so that tests run beside each other. */
interface Bench {
  readonly clone: TestDatabase;
  /** The queue of a process, not started yet. */
  readonly openQueue: (
    run: (name: string) => Promise<void>,
    others?: Readonly<Record<string, () => Promise<void>>>,
  ) => Queue;
  /** A queue that runs its jobs at once and records their names. */
  readonly openRecorder: () => { readonly queue: Queue; readonly done: string[] };
  readonly addJob: (name?: string) => Promise<string>;
  readonly jobs: () => Promise<{ locked_by: string | null; attempts: number }[]>;
  /** The warnings of all queues. */
  readonly logged: () => string;
}

/** Gives a test its bench, and clears it afterwards. */
function onBench(work: (bench: Bench) => Promise<void>): () => Promise<void> {
  return async () => {
    const clone = await cloneDatabase();
    const opened: { readonly queue: Queue; readonly database: Database }[] = [];
    try {
      await work(createBench(clone, opened));
    } finally {
      await Promise.all(opened.map(({ queue }) => queue.stop()));
      await Promise.all(opened.map(({ database }) => database.close()));
      await clone.drop();
    }
  };
}

function createBench(
  clone: TestDatabase,
  opened: { readonly queue: Queue; readonly database: Database }[],
): Bench {
  const lines: string[] = [];
  const logger = pino({ level: 'warn' }, { write: (line) => lines.push(line) });
  const openQueue: Bench['openQueue'] = (run, others = {}) => {
    const database = openDatabase(clone.connectionString, logger);
    const tasks = {
      fetch: (payload: unknown) => run((payload as { name: string }).name),
      maintain: () => Promise.resolve(),
      ...others,
    };
    const queue = createQueue({ database, logger, tasks, concurrency: 4 });
    opened.push({ queue, database });
    return queue;
  };
  return {
    clone,
    openQueue,
    openRecorder: () => {
      const done: string[] = [];
      const queue = openQueue((name) => {
        done.push(name);
        return Promise.resolve();
      });
      return { queue, done };
    },
    addJob: async (name = randomUUID()) => {
      await clone.query(
        `select graphile_worker.add_job('fetch', json_build_object('name', $1::text), max_attempts => 100)`,
        [name],
      );
      return name;
    },
    jobs: () => clone.query('select locked_by, attempts from graphile_worker._private_jobs order by id'),
    logged: () => lines.join(''),
  };
}

/** Takes jobs and never ends them. */
const hanging = (): string => `
  import { pino } from 'pino';
  import { openDatabase } from '${built('infra/postgres/database.js')}';
  import { createQueue } from '${built('infra/queue/queue.js')}';
  const logger = pino({ level: 'silent' });
  const tasks = {
    fetch: ({ name }) => { console.log('took ' + name + '.'); return new Promise(() => {}); },
    maintain: async () => {},
  };
  const database = openDatabase(process.argv[1], logger);
  await createQueue({ database, logger, tasks, concurrency: 4 }).start();
  console.log('started');
`;

test.concurrent(
  'a job is run once, soon after it was added',
  onBench(async ({ openRecorder, addJob, jobs }) => {
    const { queue, done } = openRecorder();
    expect(queue.isRunning()).toBe(false);
    await queue.start();
    expect(queue.isRunning()).toBe(true);
    const names = await Promise.all(Array.from({ length: 50 }, () => addJob()));
    await until(async () => (await jobs()).length === 0);
    expect(done.toSorted()).toEqual(names.toSorted());
  }),
);

test.concurrent(
  'messages, events and maintenance continue while all places for pictures are taken and more pictures wait',
  onBench(async ({ clone, openQueue, jobs }) => {
    const done: string[] = [];
    const other = (name: string) => (): Promise<void> => {
      done.push(name);
      return Promise.resolve();
    };
    let end: () => void = () => undefined;
    const ended = new Promise<void>((resolve) => (end = resolve));
    const names = ['send', 'notify', 'discard', 'retain'] as const;
    const others = Object.fromEntries(names.map((name) => [name, other(name)]));
    const queue = openQueue(() => ended, others);
    await clone.query(
      `select graphile_worker.add_job('fetch', json_build_object('name', n::text)) from generate_series(1, 300) as n`,
    );
    await queue.start();
    await until(async () => (await jobs()).filter(({ locked_by }) => locked_by !== null).length >= 4);
    for (const name of names) await clone.query('select graphile_worker.add_job($1)', [name]);
    await until(() => names.every((name) => done.includes(name)));
    end();
  }),
);

test.concurrent(
  'the newest pictures come first, with some of the oldest',
  onBench(async ({ clone, openQueue }) => {
    const done: number[] = [];
    const queue = openQueue((name) => {
      done.push(Number(name));
      return Promise.resolve();
    });
    await clone.query(
      `select graphile_worker.add_job('fetch', json_build_object('name', n::text), max_attempts => 100,
                                    run_at => to_timestamp(-extract(epoch from now()) - n))
     from generate_series(1, 100) as n`,
    );
    await queue.start();
    await until(() => done.length >= 60);
    expect(Math.min(...done.slice(0, 4))).toBe(97);
    const early = done.slice(0, 60);
    expect(early.filter((name) => name <= 20).length).toBeGreaterThan(0);
    expect(early.filter((name) => name > 60).length).toBeGreaterThan(30);
  }),
);

test.concurrent(
  'other jobs are found without scanning those of pictures',
  onBench(async ({ clone }) => {
    await clone.query(
      `select graphile_worker.add_job('fetch', '{"name": "x"}') from generate_series(1, 3000)`,
    );
    await clone.query(`select graphile_worker.add_job('send')`);
    const [send] = await clone.query<{ id: number }>(
      `select id from graphile_worker._private_tasks where identifier = 'send'`,
    );
    // The same query as the library's.
    const plan = await clone.query(
      `explain select id from graphile_worker._private_jobs as jobs
     where jobs.is_available = true and run_at <= now() and task_id = any($1::int[])
     order by priority asc, run_at asc limit 8 for update skip locked`,
      [[send?.id]],
    );
    expect(JSON.stringify(plan)).toContain('inlet_other_jobs');
  }),
);

test.concurrent(
  'a job of a killed process is run by another one within seconds',
  onBench(async ({ clone, openRecorder, addJob, jobs }) => {
    const names = [await addJob(), await addJob()];
    const program = startScript(hanging(), [clone.connectionString]);
    for (const name of names) await program.says(new RegExp(`took ${name}`));
    const { queue, done } = openRecorder();
    await queue.start();
    await program.kill('SIGKILL');
    await until(async () => (await jobs()).length === 0);
    expect(done.toSorted()).toEqual(names.toSorted());
  }),
);

test.concurrent(
  'a job of a killed process is run by the next one that starts',
  onBench(async ({ clone, openRecorder, addJob }) => {
    const name = await addJob();
    const program = startScript(hanging(), [clone.connectionString]);
    await program.says(new RegExp(`took ${name}`));
    await program.kill('SIGKILL');
    const { queue, done } = openRecorder();
    await queue.start();
    await until(() => done.length > 0);
    expect(done).toEqual([name]);
  }),
);

test.concurrent(
  'a job that had scheduled its successor when its process was killed is removed',
  onBench(async ({ clone, openRecorder, addJob, jobs }) => {
    const name = await addJob();
    await clone.query(`update graphile_worker._private_jobs set key = 'k'`);
    const program = startScript(hanging(), [clone.connectionString]);
    await program.says(new RegExp(`took ${name}`));
    await clone.query(`select graphile_worker.add_job('fetch', '{"name": "next"}', job_key => 'k')`);
    await program.says(/took next/);
    expect(await jobs()).toHaveLength(2);
    await program.kill('SIGKILL');
    const { queue, done } = openRecorder();
    await queue.start();
    await until(async () => (await jobs()).length === 0);
    expect(done).toEqual(['next']);
  }),
);

test.concurrent(
  'the jobs of a running process stay with it, and are released when it stops',
  onBench(async ({ openQueue, openRecorder, addJob, jobs }) => {
    const name = await addJob();
    const took: string[] = [];
    let letGo = (): void => undefined;
    const slow = openQueue((job) => {
      took.push(job);
      return new Promise((resolve) => (letGo = resolve));
    });
    await slow.start();
    await until(() => took.length > 0);
    const { queue, done } = openRecorder();
    await queue.start();
    const [before] = await jobs();
    const since = performance.now();
    await until(() => performance.now() - since > 5_000); // Two rounds in which the other one checks for dead processes.
    expect(done).toEqual([]);
    expect(await jobs()).toEqual([before]);

    await slow.stop();
    expect(slow.isRunning()).toBe(false);
    await until(async () => (await jobs()).length === 0);
    expect(done).toEqual([name]);
    letGo();
  }),
  120_000,
);

test.concurrent(
  'stopping waits for running jobs and accepts no new ones',
  onBench(async ({ openQueue, addJob, jobs, logged }) => {
    let finish: (() => void) | undefined;
    const done: string[] = [];
    const queue = openQueue(async (name) => {
      await new Promise<void>((resolve) => (finish = resolve));
      done.push(name);
    });
    await queue.start();
    const name = await addJob();
    const end = await until(() => finish);
    const stopping = queue.stop();
    await addJob();
    expect(done).toEqual([]);
    end();
    await stopping;
    expect(done).toEqual([name]);
    // It ended with the job, not at the end of the time that it has.
    expect(logged()).not.toContain('abandoned');
    expect(await jobs()).toEqual([{ locked_by: null, attempts: 0 }]);
  }),
);

test.concurrent(
  'the queue continues after all its connections were terminated, repeatedly',
  onBench(async ({ clone, openRecorder, addJob, jobs }) => {
    const { queue, done } = openRecorder();
    await queue.start();
    for (let time = 1; time <= 3; time++) {
      await clone.query(
        `select pg_terminate_backend(pid, 5000) from pg_stat_activity
       where datname = current_database() and application_name = 'inlet'`,
      );
      const name = await addJob();
      await until(() => done.includes(name));
      await until(async () => (await jobs()).length === 0);
      expect(done).toHaveLength(time);
    }
  }),
  120_000,
);

test.concurrent(
  'a job that runs when the connections are terminated is repeated at most once, and not lost',
  onBench(async ({ clone, openQueue, addJob, jobs }) => {
    const runs: string[] = [];
    let finish = (): void => undefined;
    const queue = openQueue(async (name) => {
      runs.push(name);
      await new Promise<void>((resolve) => (finish = resolve));
    });
    await queue.start();
    const name = await addJob();
    await until(() => runs.length > 0);
    await clone.query(
      `select pg_terminate_backend(pid, 5000) from pg_stat_activity
     where datname = current_database() and application_name = 'inlet'`,
    );
    await until(async () => {
      finish();
      return (await jobs()).length === 0;
    });
    expect(new Set(runs)).toEqual(new Set([name]));
    expect(runs.length).toBeLessThanOrEqual(2);
  }),
  120_000,
);

/** Its first job fails while the database is unavailable. */
const failing = (): string => `
  import { pino } from 'pino';
  import { openDatabase } from '${built('infra/postgres/database.js')}';
  import { createQueue } from '${built('infra/queue/queue.js')}';
  const logger = pino({ level: 'silent' });
  const database = openDatabase(process.argv[1], logger);
  const isThere = () => database.work.query('select 1').then(() => true, () => false);
  let times = 0;
  const tasks = {
    fetch: async () => {
      times += 1;
      console.log('took it: ' + times);
      if (times > 1) return;
      while (await isThere());
      console.log('fails');
      throw new Error('it has failed');
    },
    maintain: async () => {},
  };
  await createQueue({ database, logger, tasks, concurrency: 4 }).start();
`;

test.concurrent(
  'a queue that cannot request jobs at its start restarts, and then runs them',
  onBench(async ({ clone, openRecorder, addJob }) => {
    const rename = (from: string, to: string) =>
      clone.query(`alter table graphile_worker.${from} rename to ${to}`);
    await rename('_private_tasks', 'not_there');
    const { queue, done } = openRecorder();
    await queue.start();
    await delay(1_500); // By now it has requested jobs and failed.
    await rename('not_there', '_private_tasks');
    const name = await addJob();
    await until(() => done.length > 0, 60_000);
    expect(done).toEqual([name]);
  }),
);

/** Ends the connections of a queue, so that it restarts, and stops it at that time. */
const stopAfter = (ms: number): Promise<void> =>
  onBench(async ({ clone, openRecorder }) => {
    const { queue } = openRecorder();
    await queue.start();
    await clone.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
    );
    await delay(ms);
    await queue.stop();
  })();

test.concurrent('stopping during a restart of the queue leaves no unhandled error', async () => {
  const unhandled: unknown[] = [];
  const hear = (error: unknown): void => {
    unhandled.push(error);
  };
  process.on('unhandledRejection', hear);
  await Promise.all([0, 1_000, 1_010, 1_020, 1_030, 1_040, 1_060, 1_080, 1_100].map(stopAfter));
  await delay(100);
  process.off('unhandledRejection', hear);
  expect(unhandled).toEqual([]);
});

test.concurrent(
  'a job that fails while the database is unavailable ends no process, and runs again afterwards',
  onBench(async ({ clone, addJob, jobs }) => {
    await addJob();
    const program = startScript(failing(), [clone.connectionString]);
    await program.says(/took it: 1/);
    await clone.goAway();
    await program.says(/fails/);
    await clone.comeBack();
    await program.says(/took it: 2/);
    await until(async () => (await jobs()).length === 0);
    await program.kill('SIGKILL');
  }),
  180_000,
);

test.concurrent(
  'stopping waits neither for a job that never ends nor for a database that does not respond',
  onBench(async ({ openQueue, openRecorder, addJob, jobs }) => {
    const queue = openQueue(() => new Promise(() => undefined));
    await addJob();
    await queue.start();
    await until(async () => (await jobs()).some(({ locked_by }) => locked_by !== null));
    await expect(queue.stop()).resolves.toBeUndefined();
    expect(queue.isRunning()).toBe(false);
    // Another process may have taken it.
    const { queue: next, done } = openRecorder();
    await next.start();
    await until(() => done.length > 0);
  }),
  180_000,
);
