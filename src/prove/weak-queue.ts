/** Weakened queues. */

/** PL/pgSQL statements that change each job (`new`) that is added to the queue or postponed. */
export function changingJobs(change: string): string {
  return `
    create function weaken_job() returns trigger language plpgsql as $$ begin ${change} return new; end $$;
    create trigger weaken_job before insert or update of run_at on graphile_worker._private_jobs
      for each row execute function weaken_job()`;
}
