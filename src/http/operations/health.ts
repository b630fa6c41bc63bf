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
    summary: 'Check whether the process answers',
    answers: { 200: { description: 'It does', schema: z.object({ status: ok }) } },
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
    summary: 'Check whether the database answers, jobs are processed and files can be written',
    answers: { 200: { description: 'All of it', schema: ready } },
    errors: ['service.unavailable'],
  },
  ({ readiness }: Pick<RouteServices, 'readiness'>) =>
    async ({ response }) => {
      const trouble = await troubleOf(readiness);
      const answer: z.infer<typeof ready> = { status: 'ok', database: 'ok', queue: 'ok', uploads: 'ok' };
      if (trouble.length === 0) response.json(answer);
      // Not thrown: it would be logged each time that somebody asks, and the log has it already.
      else sendProblem(response, new AppError('service.unavailable', trouble.join('; ')));
    },
);

const databaseTrouble = {
  here: 'database: away',
  spooling: 'database: away, spooling',
  refusing: 'database: away, and the spool takes nothing either',
} as const;
const answerMs = 2_000;
const noAnswer = { reason: 'TimeoutError' };

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
