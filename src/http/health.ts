import { Router, type Request, type Response } from 'express';
import { z } from 'zod';

import { AppError } from '../domain/errors.js';
import type { ApiRoute } from './api-route.js';
import { allowOnly } from './middleware/errors.js';

export interface Readiness {
  /** Rejects, or does not answer, when the database is away. */
  readonly database: () => Promise<unknown>;
  /** What becomes of webhooks: `here`, they go to the database. */
  readonly spooling: () => 'here' | 'spooling' | 'refusing';
  /** Whether jobs are taken; true where this process takes none. */
  readonly queue: () => boolean;
  /** Rejects, or does not answer, when no file can be written. */
  readonly uploads: () => Promise<unknown>;
  /** Aborted when the process is on its way out. */
  readonly stopping: AbortSignal;
}

const ok = z.literal('ok');

export const healthApi: readonly ApiRoute[] = [
  {
    method: 'get',
    path: '/health/live',
    scope: null,
    summary: 'Whether the process answers',
    answers: { 200: { description: 'It does', schema: z.object({ status: ok }) } },
  },
  {
    method: 'get',
    path: '/health/ready',
    scope: null,
    summary: 'Whether the database answers, jobs are taken and files can be written',
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

export function healthRoutes(readiness: Readiness): Router {
  const router = Router();
  router.get('/health/live', (_: Request, response: Response) => {
    response.json({ status: 'ok' });
  });
  router.get('/health/ready', async (_: Request, response: Response) => {
    const trouble = await troubleOf(readiness);
    if (trouble.length > 0) throw new AppError('service.unavailable', trouble.join('; '));
    response.json({ status: 'ok', database: 'ok', queue: 'ok', uploads: 'ok' });
  });
  router.all(['/health/live', '/health/ready'], allowOnly('GET, HEAD'));
  return router;
}

async function troubleOf(readiness: Readiness): Promise<string[]> {
  if (readiness.stopping.aborted) return ['the process is ending'];
  const [database, uploads] = await Promise.all([
    answersInTime(readiness.database()),
    answersInTime(readiness.uploads()),
  ]);
  const spooling = readiness.spooling();
  const isAway = !database || spooling !== 'here';
  return [
    ...(isAway ? [databaseTrouble[spooling]] : []),
    // Without the database there is none.
    ...(isAway || readiness.queue() ? [] : ['the queue is not running']),
    ...(uploads ? [] : ['uploads: no file can be written']),
  ];
}

async function answersInTime(work: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((give) => {
    timer = setTimeout(give, answerMs, false);
  });
  const answered = work.then(
    () => true,
    () => false,
  );
  return Promise.race([answered, late]).finally(() => {
    clearTimeout(timer);
  });
}
