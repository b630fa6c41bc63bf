/** What people see in place of a share: a page in their language. Programs get the problem as JSON. */
import type { Request, Response } from 'express';

import { AppError } from '../../domain/errors.js';
import { noteProblem } from '../middleware/requests.js';
import { retryAfterSeconds, sendProblem } from '../middleware/errors.js';
import { passwordPage, problemPage, sendPage } from './page.js';
import { wordsFor } from './words.js';

/** Whether the caller asks for a page by name, as browsers do. */
export function wantsPage(request: Request): boolean {
  return /\btext\/html\b/i.test(request.get('accept') ?? '');
}

/** Answers a failure that has a page of its own, and throws any other. */
export function sendSharedProblem(error: unknown, request: Request, response: Response): void {
  if (!(error instanceof AppError)) throw error;
  const html = wantsPage(request) ? pageOf(error, request) : undefined;
  if (html === undefined) {
    sendProblem(response, error);
    return;
  }
  const seconds = retryAfterSeconds(error);
  if (seconds !== undefined) response.set('Retry-After', String(seconds));
  noteProblem(response, error.code);
  sendPage(response.status(error.status), html);
}

function pageOf({ code }: AppError, request: Request): string | undefined {
  const words = wordsFor(request);
  if (code === 'share.not_found') return problemPage(words, words.notFound);
  if (code === 'share.ended') return problemPage(words, words.ended);
  if (code === 'share.locked' || code === 'request.invalid') return passwordPage(words, words.wrongPassword);
  if (code === 'request.rate_limited') return problemPage(words, words.tooMany);
  return undefined;
}
