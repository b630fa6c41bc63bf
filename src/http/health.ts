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
    summary: 'Whether the database answers and jobs are taken',
    answers: {
      200: { description: 'Both', schema: z.object({ status: ok, database: ok, queue: ok }) },
    },
    errors: ['service.unavailable'],
  },
];

const databaseTrouble = {
  here: 'database: away',
  spooling: 'database: away, spooling',
  refusing: 'database: away, and the spool takes nothing either',
} as const;
const databaseTimeoutMs = 2_000;

export function healthRoutes(readiness: Readiness): Router {
  const router = Router();
  router.get('/health/live', (_: Request, response: Response) => {
    response.json({ status: 'ok' });
  });
  router.get('/health/ready', async (_: Request, response: Response) => {
    const [answers, queue] = [await answersInTime(readiness.database()), readiness.queue()];
    const spooling = readiness.spooling();
    if (!answers || spooling !== 'here') throw new AppError('service.unavailable', databaseTrouble[spooling]);
    if (!queue) throw new AppError('service.unavailable', 'the queue is not running');
    response.json({ status: 'ok', database: 'ok', queue: 'ok' });
  });
  router.all(['/health/live', '/health/ready'], allowOnly('GET, HEAD'));
  return router;
}

async function answersInTime(work: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((give) => {
    timer = setTimeout(give, databaseTimeoutMs, false);
  });
  const answered = work.then(
    () => true,
    () => false,
  );
  return Promise.race([answered, late]).finally(() => {
    clearTimeout(timer);
  });
}
