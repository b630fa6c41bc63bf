import { Router, type Request, type Response } from 'express';

import { AppError } from '../domain/errors.js';
import { allowOnly } from './middleware/errors.js';

export interface Readiness {
  /** Rejects, or does not answer, when the database is away. */
  readonly database: () => Promise<unknown>;
  /** Whether jobs are taken; true where this process takes none. */
  readonly queue: () => boolean;
}

const databaseTimeoutMs = 2_000;

export function healthRoutes(readiness: Readiness): Router {
  const router = Router();
  router.get('/health/live', (_: Request, response: Response) => {
    response.json({ status: 'ok' });
  });
  router.get('/health/ready', async (_: Request, response: Response) => {
    const [database, queue] = [await answersInTime(readiness.database()), readiness.queue()];
    if (!database || !queue) {
      throw new AppError(
        'service.unavailable',
        database ? 'the queue is not running' : 'the database does not answer',
      );
    }
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
