/** What an export says of each media item, as JSON lines and as CSV. */
import type { FactView } from '../shapes/fact.js';
import type { MediaView } from '../shapes/media.js';

/** Why the file of a media item is not in the archive. `incomplete`: only its beginning is. */
export type Omission = 'not_ready' | 'erased' | 'unreadable' | 'incomplete';

export interface ExportRow extends MediaView {
  /** The path in the archive; null in an export without files. */
  readonly file: string | null;
  readonly omitted: Omission | null;
  /** What programs have found out about it. */
  readonly facts: readonly FactView[];
}

export function jsonLine(row: ExportRow): string {
  return `${JSON.stringify(row)}\n`;
}

type Cell = string | number | boolean | null | undefined;

/** The columns in their order. */
const columns: Readonly<Record<string, (row: ExportRow) => Cell>> = {
  file: ({ file }) => file,
  omitted: ({ omitted }) => omitted,
  id: ({ id }) => id,
  channel: ({ channel }) => channel,
  provider: ({ provider }) => provider,
  direction: ({ direction }) => direction,
  kind: ({ kind }) => kind,
  state: ({ state }) => state,
  receivedAt: ({ receivedAt }) => receivedAt,
  sentAt: ({ message }) => message?.sentAt,
  from: ({ message }) => message?.from,
  senderName: ({ message }) => message?.senderName,
  to: ({ message }) => message?.to,
  chat: ({ message }) => message?.chat,
  messageId: ({ message }) => message?.id,
  caption: ({ message }) => message?.caption,
  filename: ({ filename }) => filename,
  type: ({ type }) => type,
  bytes: ({ bytes }) => bytes,
  width: ({ width }) => width,
  height: ({ height }) => height,
  sha256: ({ sha256 }) => sha256,
  readyAt: ({ readyAt }) => readyAt,
  deletedBySenderAt: ({ deletedBySenderAt }) => deletedBySenderAt,
  warnings: ({ warnings }) => warnings.map(({ code }) => code).join(' '),
  attempts: ({ attempts }) => attempts,
  takenAt: ({ metadata }) => metadata?.takenAt,
  camera: ({ metadata }) => metadata?.camera,
  latitude: ({ metadata }) => metadata?.latitude,
  longitude: ({ metadata }) => metadata?.longitude,
  software: ({ metadata }) => metadata?.software,
  errorCode: ({ error }) => error?.code,
  errorMessage: ({ error }) => error?.message,
  tags: ({ annotations }) => annotations.tags.join(', '),
  note: ({ annotations }) => annotations.note,
  resolvedAt: ({ annotations }) => annotations.resolvedAt,
  held: ({ held }) => held,
  facts: ({ facts }) => (facts.length === 0 ? null : JSON.stringify(facts)),
};

/** Spreadsheet programs recognise UTF-8 by the mark at the beginning. */
export const csvHead = `\ufeff${csvLine(Object.keys(columns))}`;

export function csvRow(row: ExportRow): string {
  return csvLine(Object.values(columns).map((cellOf) => cellOf(row)));
}

/** RFC 4180, with every cell in quotes. */
function csvLine(cells: readonly Cell[]): string {
  return `${cells.map((cell) => `"${textOf(cell).replaceAll('"', '""')}"`).join(',')}\r\n`;
}

/** A negative number is no formula. */
function textOf(cell: Cell): string {
  return typeof cell === 'string' ? defused(cell) : String(cell ?? '');
}

/**
 * Spreadsheet programs run a cell as a formula if it begins with one of these letters, some of them also
 * behind white space or in their wide form. An apostrophe in front makes it a text.
 */
function defused(text: string): string {
  return /^[\s\p{Cc}\p{Cf}]*[=+\-@＝＋－＠]|^[\t\r\n]/u.test(text) ? `'${text}` : text;
}
