/** `GET /v1/export`: many media in one download, as an archive with their files, or as a table. */
import { once } from 'node:events';

import type { Response } from 'express';
import { z } from 'zod';

import type { Access } from '../../domain/access.js';
import { newId } from '../../domain/id.js';
import { idList, searchText } from '../input.js';
import { mediaFilterOf, mediaFilters } from '../media/routes.js';
import { factView } from '../media/facts.js';
import { checkAgain } from '../middleware/authenticate.js';
import { rawRoute } from '../routing/route.js';
import type { RouteServices } from '../services.js';
import { mediaView } from '../views/media.js';
import { writeArchive, type ArchiveServices, type Target } from './archive.js';
import { csvHead, csvRow, jsonLine, type ExportRow } from './rows.js';
import { contactSource, pagesOf, pagesOfIds, type Pages, type Source } from './source.js';

const formats = {
  zip: 'application/zip',
  csv: 'text/csv; charset=utf-8',
  jsonl: 'application/x-ndjson',
} as const;
type Format = keyof typeof formats;

/** More do not fit into an address that every proxy accepts. */
const maxIds = 200;

const exportQuery = mediaFilters
  .extend({
    format: z
      .enum(['zip', 'csv', 'jsonl'])
      .default('zip')
      .meta({ description: 'The files with a manifest, or only the manifest' }),
    ids: idList(maxIds)
      .optional()
      .meta({ description: `Up to ${String(maxIds)} ids with commas between them, instead of filters` }),
    contact: searchText(255).optional().meta({
      description:
        'Everything that was exchanged with this person or in this group, under all ids; needs `channel`. The archive then has also `messages.jsonl`: texts, locations and contact cards',
    }),
  })
  .refine((query) => query.ids === undefined || isOnly(query, ['format', 'ids']), {
    path: ['ids'],
    error: 'cannot be combined with filters',
  })
  .refine((query) => query.contact === undefined || isOnly(query, ['format', 'channel', 'contact']), {
    path: ['contact'],
    error: 'cannot be combined with other filters than channel',
  })
  .refine(({ contact, channel }) => contact === undefined || channel !== undefined, {
    path: ['channel'],
    error: 'is required together with contact',
  });

function isOnly(query: object, names: readonly string[]): boolean {
  return Object.entries(query).every(([name, value]) => value === undefined || names.includes(name));
}

type ExportServices = ArchiveServices &
  Pick<RouteServices, 'audit' | 'logger' | 'people' | 'pseudonym' | 'stopping' | 'timeline'>;

export const exportMedia = rawRoute(
  {
    method: 'get',
    path: '/v1/export',
    scope: 'media:read',
    limit: 'export',
    operationId: 'exportMedia',
    summary: 'Download many media as an archive or a table',
    description:
      'A stream of any length. The archive contains the files with readable names, `manifest.jsonl` and `manifest.csv`. Each line of a manifest is a media item with `file`, its path in the archive, and `omitted`, the reason why a file is missing: `not_ready`, `erased` or `unreadable`; of an `incomplete` file the archive contains only the beginning. An export that cannot be completed ends by a broken connection. Cells of CSV that a spreadsheet program would run begin with an apostrophe.',
    query: exportQuery,
    answers: { 200: { description: 'The archive, or the lines of the table', contentType: '*/*' } },
    errors: ['media.not_found', 'person.not_found'],
  },
  (services: ExportServices) =>
    async ({ query, access, request, response }) => {
      const { format, ids, contact, ...filters } = query;
      const wanted = { format, ids, contact, filters };
      const source = await begin(sourceOf(services, wanted, access));
      setHeaders(response, format, services.now());
      if (request.method === 'HEAD') response.end();
      else await writeAudited(services, { wanted, access, response }, source);
    },
);

/** What a caller wants to have. */
interface Wanted {
  readonly format: Format;
  readonly ids: readonly string[] | undefined;
  readonly contact: string | undefined;
  readonly filters: z.infer<typeof mediaFilters>;
}

function sourceOf(services: ExportServices, wanted: Wanted, access: Access): Source {
  const { ids, contact, filters } = wanted;
  const { channel } = filters;
  if (ids) return { pages: pagesOfIds(services.lookup, ids, access) };
  return contact !== undefined && channel !== undefined
    ? contactSource(services, { channel, contact }, access)
    : { pages: pagesOf(services.lookup, mediaFilterOf(filters, access)) };
}

/** Reads the first page, so that the answer can still say what is wrong. */
async function begin({ pages, ...rest }: Source): Promise<Source> {
  const first = await pages.next();
  const all = async function* (): Pages {
    if (first.done) return;
    yield first.value;
    yield* pages;
  };
  return { ...rest, pages: all() };
}

function setHeaders(response: Response, format: Format, now: Date): void {
  const name = `inlet-${now.toISOString().slice(0, 19).replaceAll(':', '')}.${format}`;
  response.setHeader('Content-Type', formats[format]);
  response.setHeader('Content-Disposition', `attachment; filename="${name}"`);
  response.setHeader('Cache-Control', 'no-store');
}

interface Exchange {
  readonly wanted: Wanted;
  readonly access: Access;
  readonly response: Response;
}

/** The audit trail says that the export began before its first byte leaves, and how it ended. */
async function writeAudited(services: ExportServices, exchange: Exchange, source: Source): Promise<void> {
  const { audit, logger, pseudonym } = services;
  const { access, response, wanted } = exchange;
  const { format, ids } = wanted;
  const { channel, from } = wanted.filters;
  const person = wanted.contact ?? from;
  const target = {
    ...writerTo(response, services.stopping),
    mayContinue: () => checkAgain(response),
    counts: { media: 0, files: 0 },
  };
  const entry = {
    id: newId(),
    actor: access.tokenId,
    action: 'media.export',
    channel: channel ?? null,
    target: channel !== undefined && person !== undefined ? pseudonym(channel, person) : null,
  };
  const record = (outcome: 'begun' | 'complete' | 'broken'): Promise<void> =>
    audit.record({ ...entry, details: { format, ids: ids?.length ?? null, outcome, ...target.counts } });
  await record('begun');
  try {
    await writeExport(services, { format, target }, source);
    await record('complete');
    response.end();
  } catch (error) {
    await record('broken').catch((cause: unknown) => {
      logger.warn({ err: cause }, 'the audit trail does not say that an export was broken off');
    });
    breakOff(response);
    // A client that has left is no failure, and neither is a shutdown.
    if (!target.isOver()) throw error;
  }
}

/** A client must never take what it has for the whole. */
function breakOff(response: Response): void {
  if (response.headersSent) response.destroy();
  else response.removeHeader('Content-Disposition');
}

function writeExport(
  services: ExportServices,
  { format, target }: { readonly format: Format; readonly target: Target },
  source: Source,
): Promise<void> {
  return format === 'zip'
    ? writeArchive(services, source, target)
    : writeTable(services, source.pages, { ...target, format });
}

async function writeTable(
  { facts }: ExportServices,
  pages: Pages,
  { format, write, mayContinue, counts }: Target & { readonly format: 'csv' | 'jsonl' },
): Promise<void> {
  const lineOf = format === 'csv' ? csvRow : jsonLine;
  if (format === 'csv') await write(Buffer.from(csvHead));
  for await (const page of pages) {
    await mayContinue();
    const found = await facts.of(page.map(({ id }) => id));
    const rows = page.map((media): ExportRow => {
      const own = found.get(media.id) ?? [];
      return { ...mediaView(media), file: null, omitted: null, facts: own.map(factView) };
    });
    if (rows.length > 0) await write(Buffer.from(rows.map(lineOf).join('')));
    counts.media += rows.length;
  }
}

/** A client that reads nothing for this long is disconnected: its place is for others then. */
const stalledMs = 60_000;

/** Writes and waits until the client can take more. Rejects once it has left, or at shutdown. */
function writerTo(response: Response, stopping: AbortSignal) {
  const gone = new AbortController();
  response.once('close', () => {
    gone.abort();
  });
  const signal = AbortSignal.any([gone.signal, stopping]);
  return {
    write: async (bytes: Buffer): Promise<void> => {
      signal.throwIfAborted();
      if (response.write(bytes)) return;
      const timer = setTimeout(() => {
        gone.abort();
      }, stalledMs);
      await once(response, 'drain', { signal }).finally(() => {
        clearTimeout(timer);
      });
    },
    isOver: () => signal.aborted,
  };
}
