/**
 * The files of a message: grammyjs/types message.ts and rich.ts @340a667, which contain the official texts.
 */
import type { InboundMedia, MediaKind, MediaSource } from '../../domain/provider.js';
import { mediaFrom, referenceTo } from '../kit/events.js';
import { asRecord, fieldsOf, identifier, isAbsent, itemsOf, type JsonRecord } from '../kit/lenient.js';

/** Fields that contain one file. Thumbnails and covers within them are not media. */
const singleFiles = [
  { field: 'animation', kind: 'video' },
  { field: 'video', kind: 'video' },
  { field: 'video_note', kind: 'video' },
  { field: 'voice', kind: 'audio' },
  { field: 'voice_note', kind: 'audio' },
  { field: 'audio', kind: 'audio' },
  { field: 'sticker', kind: 'sticker' },
] as const satisfies readonly { readonly field: string; readonly kind: MediaKind }[];
const fileFields = ['photo', 'live_photo', 'document', ...singleFiles.map(({ field }) => field)] as const;
const mediaFields = [...fileFields, 'paid_media', 'rich_message'] as const;

/** Undefined takes the place of a file that is announced and not understood. */
type Files = readonly (InboundMedia | undefined)[];

/** The files of a message in their order, each of them once. */
export function filesOfMessage(message: JsonRecord): Files {
  const known = new Set<string>();
  const isNew = (file: InboundMedia | undefined): boolean => {
    if (file?.key === undefined) return true;
    const name = `${file.kind} ${file.key}`;
    if (known.has(name)) return false;
    known.add(name);
    return true;
  };
  const { paid_media: paid, rich_message: rich } = message;
  return [...filesIn(message), ...filesOfPaid(paid), ...filesOfRich(rich)].filter(isNew);
}

/** Whether a message has a field of media with an empty list or object. */
export function hasEmptyFile(message: JsonRecord): boolean {
  return mediaFields.some((name) => {
    const value = message[name];
    return isAbsent(value) && (asRecord(value) !== undefined || Array.isArray(value));
  });
}

/** The files in the fields of a message, of a paid item or of a rich block. */
function filesIn(fields: JsonRecord): Files {
  const { photo, live_photo: livePhoto, document } = fields;
  return [
    ...(isAbsent(photo) ? [] : [photoOf(photo)]),
    ...(isAbsent(livePhoto) ? [] : filesOfLivePhoto(fieldsOf(livePhoto), photo)),
    ...singleFiles.flatMap(({ field, kind }) =>
      isAbsent(fields[field]) ? [] : [fileOf(fields[field], kind)],
    ),
    ...(isAbsent(document) || isAnimation(document, fields['animation'])
      ? []
      : [fileOf(document, 'document')]),
  ];
}

/** Of the sizes of one picture, the one with the largest area, in whatever order they come. */
function photoOf(sizes: unknown): InboundMedia | undefined {
  let largest: JsonRecord = {};
  let largestArea = -1;
  for (const size of itemsOf(sizes) ?? []) {
    const fields = fieldsOf(size);
    const area = areaOf(fields);
    if (identifier(fields['file_id']) === undefined || area < largestArea) continue;
    largest = fields;
    largestArea = area;
  }
  return fileOf(largest, 'image');
}

function areaOf({ width, height }: JsonRecord): number {
  const isKnown = typeof width === 'number' && typeof height === 'number' && width > 0 && height > 0;
  return isKnown ? width * height : 0;
}

/** A picture and its video. The photo beside it in the message is the same picture. */
function filesOfLivePhoto(livePhoto: JsonRecord, beside: unknown): Files {
  const { photo } = livePhoto;
  const hasPicture = isAbsent(photo) || photoOf(beside) !== undefined;
  const video = fileOf(livePhoto, 'video');
  return hasPicture ? [video] : [photoOf(photo), video];
}

/** An animation also stands in the field of documents. */
function isAnimation(document: unknown, animation: unknown): boolean {
  const one = fieldsOf(animation);
  const other = fieldsOf(document);
  const isSame = (name: 'file_id' | 'file_unique_id'): boolean =>
    !isAbsent(one[name]) && one[name] === other[name];
  return identifier(one['file_id']) !== undefined && (isSame('file_id') || isSame('file_unique_id'));
}

/** Bots may download files of up to 20 MiB (tdlib/telegram-bot-api Client.h @01a3679). */
const maxFileBytes = 20 * 1024 * 1024;

const tooLarge: MediaSource = {
  type: 'unavailable',
  code: 'media.too_large',
  message: 'Telegram gives bots files of at most 20 MB',
};

function fileOf(value: unknown, kind: MediaKind): InboundMedia | undefined {
  const file = fieldsOf(value);
  const id = identifier(file['file_id']);
  const { file_size: bytes } = file;
  const isTooLarge = id !== undefined && typeof bytes === 'number' && bytes > maxFileBytes;
  return mediaFrom({
    kind,
    source: isTooLarge ? tooLarge : referenceTo(id),
    declaredType: file['mime_type'],
    filename: file['file_name'],
    // The same for every bot, and another one for a file that an edit puts in the place of the first.
    key: identifier(file['file_unique_id']),
  });
}

/** Each item has a type and a field of that name. A preview of what nobody has paid for has no file. */
function filesOfPaid(paid: unknown): Files {
  if (isAbsent(paid)) return [];
  const items = itemsOf(fieldsOf(paid)['paid_media']) ?? [];
  return items.length === 0 ? [undefined] : items.flatMap((item) => filesOfPaidItem(fieldsOf(item)));
}

/** An item that is neither a preview nor has a file is not understood. */
function filesOfPaidItem(item: JsonRecord): Files {
  const files = filesIn(item);
  return files.length === 0 && item['type'] !== 'preview' ? [undefined] : files;
}

function filesOfPart(part: JsonRecord): Files {
  const files = filesIn(part);
  const { type } = part;
  return files.length === 0 && fileFields.some((name) => name === type) ? [undefined] : files;
}

/** A rich message has up to 500 blocks, with those within others. */
const maxBlocks = 5_000;

/**
 * Blocks contain other blocks: collages, slideshows, quotations and details directly, lists in their items.
 */
function filesOfRich(rich: unknown): Files {
  const files: (InboundMedia | undefined)[] = [];
  const waiting: unknown[] = blocksIn(fieldsOf(rich));
  let seen = 0;
  while (waiting.length > 0) {
    seen += 1;
    // A message with more blocks is not read to its end, which is recorded.
    if (seen > maxBlocks) return [...files, undefined];
    const block = fieldsOf(waiting.pop());
    files.push(...filesOfPart(block));
    for (const inner of blocksIn(block)) waiting.push(inner);
  }
  return files;
}

/** The last one first, as a stack needs them. */
function blocksIn({ blocks, items }: JsonRecord): unknown[] {
  const inner = [...(itemsOf(blocks) ?? []), ...(itemsOf(items) ?? [])];
  return inner.slice(0, maxBlocks + 1).reverse();
}
