/** Renders the pages of stored documents for readers. Nothing is kept: a page takes a fraction of a second. */
import { AppError } from '../../domain/errors.js';
import type { IsolatedDecoder } from '../../infra/pictures/isolated-decoder.js';
import type { PageList } from '../../infra/pictures/pdf.js';
import { pdfProblems } from '../../infra/pictures/translations.js';
import { createLimit } from '../concurrency.js';
import { stagedCopy, type CopyServices } from './staged-copy.js';

export interface Document {
  readonly sha256: string;
  readonly bytes: number;
}

export interface DocumentPages {
  /**
   * Rejects with `media.no_preview` if the document cannot be read, and with `service.unavailable` if it cannot
   * be read now. Once `signal` is aborted, the work ends.
   */
  readonly list: (document: Document, signal: AbortSignal) => Promise<PageList>;
  /** Draws a page as JPEG that fits 1600x1600. The first page is 0. Rejects like `list`. */
  readonly draw: (document: Document, index: number, signal: AbortSignal) => Promise<Buffer>;
}

export interface DocumentPagesOptions extends CopyServices {
  readonly isolated: Pick<IsolatedDecoder, 'pages'>;
}

/** PDFium has 400 MB, and its copy of the document is a part of them. */
const maxDocumentBytes = 100_000_000;
/** Readers who wait longer than some seconds have turned the page. */
const maxWaiting = 16;

/** One page is rendered at a time, because each needs a process with its own memory. */
export function createDocumentPages({ isolated, ...services }: DocumentPagesOptions): DocumentPages {
  const limit = createLimit(1, { maxQueued: maxWaiting });
  // Readers who turn pages quickly leave most of them before they are drawn: these hold up nobody.
  const ask = (document: Document, wanted: 'all' | number, signal: AbortSignal) =>
    limit(async () => {
      if (document.bytes > maxDocumentBytes) throw noPreview(pdfProblems.large.message);
      const file = await stagedCopy(services, document);
      try {
        const answer = await isolated.pages(file.path, wanted, signal);
        if ('problem' in answer) throw noPreview(pdfProblems[answer.problem].message);
        return answer;
      } finally {
        await file.discard();
      }
    }, signal).catch(asAnswer);
  return {
    list: async (document, signal) => {
      const answer = await ask(document, 'all', signal);
      if (!('count' in answer)) throw noPreview(pdfProblems.broken.message);
      return answer;
    },
    draw: async (document, index, signal) => {
      const answer = await ask(document, index, signal);
      if (!('jpeg' in answer)) throw noPreview(pdfProblems.broken.message);
      return Buffer.from(answer.jpeg);
    },
  };
}

function noPreview(message: string, cause?: unknown): AppError {
  return new AppError('media.no_preview', message, { cause });
}

function notNow(cause?: unknown): AppError {
  return new AppError('service.unavailable', 'the page cannot be rendered now', { cause });
}

/**
 * The reader of a document is told whether to try again. What the store says about missing bytes is left to
 * the caller.
 */
function asAnswer(error: unknown): never {
  if (!(error instanceof AppError)) throw error;
  if (error.code === 'media.busy' || error.code === 'media.storage_failed') throw notNow(error);
  if (error.code === 'media.no_preview' || error.code === 'service.unavailable') throw error;
  throw noPreview(error.message, error);
}
