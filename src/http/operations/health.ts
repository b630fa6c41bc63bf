import { z } from 'zod';

import { AppError } from '../../domain/errors.js';
import { sendProblem } from '../middleware/errors.js';
import { rawRoute, route } from '../routing/route.js';
import type { Readiness, RouteServices } from '../services.js';

const ok = z.literal('ok');

export const checkLiveness = route(
  {
    method: 'get',
    path: '/health/live',
    scope: 'public',
    operationId: 'checkLiveness',
    summary: 'Check whether the process responds',
    answers: { 200: { description: 'The process responds', schema: z.object({ status: ok }) } },
  },
  () => () => ({ status: 'ok' as const }),
);

const ready = z.object({ status: ok, database: ok, queue: ok, uploads: ok });

export const checkReadiness = rawRoute(
  {
    method: 'get',
    path: '/health/ready',
    scope: 'public',
    operationId: 'checkReadiness',
    summary: 'Check whether the database responds, jobs are processed and files can be written',
    answers: { 200: { description: 'The service is ready', schema: ready } },
    errors: ['service.unavailable'],
  },
  ({ readiness }: Pick<RouteServices, 'readiness'>) =>
    async ({ response }) => {
      const trouble = await troubleOf(readiness);
      const answer: z.infer<typeof ready> = { status: 'ok', database: 'ok', queue: 'ok', uploads: 'ok' };
      if (trouble.length === 0) response.json(answer);
      // Not thrown, because each check would then be logged, although the log has the cause already.
      else sendProblem(response, new AppError('service.unavailable', trouble.join('; ')));
    },
);

const databaseTrouble = {
  here: 'database: away',
  spooling: 'database: away, spooling',
  refusing: 'database: away, and the spool cannot be written either',
} as const;
const answerMs = 2_000;
const noAnswer = { reason: 'TimeoutError' };

async function troubleOf(readiness: Readiness): Promise<string[]> {
  if (readiness.stopping.aborted) return ['the process is shutting down'];
  const [database, uploads] = await Promise.all([
    inTime(readiness.database().then(isAvailable, isUnavailable), false),
    inTime(readiness.uploads(), noAnswer),
  ]);
  const spooling = readiness.spooling();
  const hasNoDatabase = !database || spooling !== 'here';
  return [
    ...(hasNoDatabase ? [databaseTrouble[spooling]] : []),
    // Without a database, there is no queue.
    ...(hasNoDatabase || readiness.queue() ? [] : ['the queue is not running']),
    ...(uploads ? [`uploads: no file can be written (${uploads.reason})`] : []),
  ];
}

const isAvailable = (): boolean => true;
const isUnavailable = (): boolean => false;

/** The result, or `late` if there is none in time. */
async function inTime<T>(work: Promise<T>, late: T): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<T>((give) => {
    timer = setTimeout(give, answerMs, late);
  });
  return Promise.race([work, tooLate]).finally(() => {
    clearTimeout(timer);
  });
}
