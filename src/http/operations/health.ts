import { Router, type Request, type Response } from 'express';
import { z } from 'zod';

import { AppError } from '../../domain/errors.js';
import type { StorageProblem } from '../../infra/files/storage-problem.js';
import type { ApiRoute } from '../api-route.js';
import { allowOnly, sendProblem } from '../middleware/errors.js';

export interface Readiness {
  /** Rejects, or does not answer, when the database is away. */
  readonly database: () => Promise<unknown>;
  /** What becomes of webhooks: `here`, they go to the database. */
  readonly spooling: () => 'here' | 'spooling' | 'refusing';
  /** Whether jobs are taken; true where this process takes none. */
  readonly queue: () => boolean;
  /** What keeps files from being written; undefined: nothing does. May take long to answer. */
  readonly uploads: () => Promise<Pick<StorageProblem, 'reason'> | undefined>;
  /** Aborted when the process is on its way out. */
  readonly stopping: AbortSignal;
}

const ok = z.literal('ok');

export const healthApi: readonly ApiRoute[] = [
  {
    method: 'get',
    path: '/health/live',
    scope: null,
    summary: 'Check whether the process answers',
    answers: { 200: { description: 'It does', schema: z.object({ status: ok }) } },
  },
  {
    method: 'get',
    path: '/health/ready',
    scope: null,
    summary: 'Check whether the database answers, jobs are processed and files can be written',
    answers: {
      200: {
        description: 'All of it',
        schema: z.object({ status: ok, database: ok, queue: ok, uploads: ok }),
      },
    },
    errors: ['service.unavailable'],
  },
];

const databaseTrouble = {
  here: 'database: away',
  spooling: 'database: away, spooling',
  refusing: 'database: away, and the spool takes nothing either',
} as const;
const answerMs = 2_000;
const noAnswer = { reason: 'TimeoutError' };

export function healthRoutes(readiness: Readiness): Router {
  const router = Router();
  router.get('/health/live', (_: Request, response: Response) => {
    response.json({ status: 'ok' });
  });
  router.get('/health/ready', async (_: Request, response: Response) => {
    const trouble = await troubleOf(readiness);
    if (trouble.length === 0) response.json({ status: 'ok', database: 'ok', queue: 'ok', uploads: 'ok' });
    // Not thrown: it would be logged each time that somebody asks, and the log has it already.
    else sendProblem(response, new AppError('service.unavailable', trouble.join('; ')));
  });
  router.all(['/health/live', '/health/ready'], allowOnly('GET, HEAD'));
  return router;
}

async function troubleOf(readiness: Readiness): Promise<string[]> {
  if (readiness.stopping.aborted) return ['the process is ending'];
  const [database, uploads] = await Promise.all([
    inTime(readiness.database().then(isThere, isAway), false),
    inTime(readiness.uploads(), noAnswer),
  ]);
  const spooling = readiness.spooling();
  const hasNoDatabase = !database || spooling !== 'here';
  return [
    ...(hasNoDatabase ? [databaseTrouble[spooling]] : []),
    // Without the database there is none.
    ...(hasNoDatabase || readiness.queue() ? [] : ['the queue is not running']),
    ...(uploads ? [`uploads: no file can be written (${uploads.reason})`] : []),
  ];
}

const isThere = (): boolean => true;
const isAway = (): boolean => false;

/** The answer, or `late` when there is none in time. */
async function inTime<T>(work: Promise<T>, late: T): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<T>((give) => {
    timer = setTimeout(give, answerMs, late);
  });
  return Promise.race([work, tooLate]).finally(() => {
    clearTimeout(timer);
  });
}
