/** Terms and rules of attachments: states, previews, and which types match which kind. */
import type { FileMetadata } from './file-metadata.js';
import type { MediaKind } from './provider.js';
import { readableType } from './type-names.js';

export const mediaStates = ['pending', 'ready', 'rejected', 'failed', 'erased'] as const;
/**
 * `pending` (to be downloaded, or waiting for the next attempt) → `ready` (file and previews can be read),
 * `rejected` (permanently refused) or `failed` (attempts used up, or gone at the provider); any of them →
 * `erased`; `rejected` and `failed` → `pending` when a user requests another attempt.
 */
export type MediaState = (typeof mediaStates)[number];

export const previewSizes = ['small', 'large'] as const;
export type PreviewSize = (typeof previewSizes)[number];

/** The longest edge in pixels. Previews that earlier versions made are smaller: 320 and 1 280. */
export const previewEdge = { small: 533, large: 1600 } as const satisfies Record<PreviewSize, number>;

export interface Preview {
  readonly size: PreviewSize;
  readonly type: string;
  readonly width: number;
  readonly height: number;
  /**
   * The parts of the stored file that are the preview when they are joined in this order. If undefined, the
   * preview has a file of its own.
   */
  readonly ranges?: readonly ByteRange[];
}

/** A part of a file, in bytes; `start` and `end` are both included. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

export const warningCodes = [
  'media.damaged',
  'media.no_decoder',
  'media.too_many_pixels',
  'media.not_previewed',
  'media.kind_differs',
  'media.hash_mismatch',
] as const;
export type WarningCode = (typeof warningCodes)[number];

/** An irregularity of a file that is stored nevertheless. */
export interface MediaWarning {
  readonly code: WarningCode;
  readonly message: string;
}

/** Whether previews may still be made. */
export function awaitsPreviews({ warnings }: { readonly warnings: readonly MediaWarning[] }): boolean {
  return warnings.some(({ code }) => code === 'media.not_previewed');
}

/** The known facts about stored bytes. */
export interface BlobFacts {
  /** The digest in hexadecimal. */
  readonly sha256: string;
  readonly type: string;
  readonly bytes: number;
  /** The width as displayed, after EXIF orientation. */
  readonly width: number | null;
  readonly height: number | null;
  /** The hash in Base64. */
  readonly thumbhash: string | null;
  /** What the picture looks like, 16 hexadecimal digits; null if it has no contrast or is no picture. */
  readonly perceptualHash: string | null;
  readonly previews: readonly Preview[];
  /**
   * What the previews lack, and why. Independent of the sender's announcement, because others may announce
   * the same bytes differently.
   */
  readonly warnings: readonly MediaWarning[];
  readonly metadata: FileMetadata | null;
}

/**
 * A blob whose files exist. Files are deleted together with their row and stored again under a new one: as
 * long as the revision is unchanged, they have not been deleted in between.
 */
export interface HeldBlob extends BlobFacts {
  /** The revision of the row, a number. */
  readonly revision: string;
}

/** Raster formats that libvips may decode. SVG, PDF and similar formats never reach it. */
const decodableTypes = new Set([
  'image/jpeg',
  'image/png',
  'image/webp',
  'image/gif',
  'image/tiff',
  'image/avif',
]);
/** The formats of Apple's phones, which have a decoder of their own. */
const heicTypes = new Set(['image/heic', 'image/heif', 'image/heic-sequence', 'image/heif-sequence']);
/** Containers for sound or video, whichever was announced. */
const audioVideoTypes = new Set(['application/ogg', 'application/vnd.ms-asf', 'application/mp4']);

/** Animated stickers of Telegram are videos, or compressed drawings (Lottie). */
const animatedStickerTypes = new Set(['video/webm', 'application/gzip']);

export function isDecodable(type: string): boolean {
  return decodableTypes.has(type);
}

export function isHeic(type: string): boolean {
  return heicTypes.has(type);
}

/** Markup and data. Where a picture was announced, such a response is a login page or an error message. */
const markupTypes = new Set(['text/html', 'application/json', 'application/xml']);

/** Whether bytes of this type certainly differ from the announced file. Documents may have any type. */
export function isNotMedia(type: string, kind: MediaKind): boolean {
  return kind !== 'document' && markupTypes.has(type);
}

/** Whether bytes of this type match the announced kind. Documents may have any type. */
export function typeFitsKind(type: string, kind: MediaKind): boolean {
  switch (kind) {
    case 'document':
      return true;
    case 'image':
      return type.startsWith('image/');
    case 'sticker':
      return type.startsWith('image/') || animatedStickerTypes.has(type);
    case 'video':
    case 'audio':
      return isAudioOrVideo(type);
  }
}

/** Some apps send animated pictures as video, and sound and video share containers. */
function isAudioOrVideo(type: string): boolean {
  return (
    /^(audio|video)\//.test(type) || type === 'image/gif' || audioVideoTypes.has(type) || type === unknownType
  );
}

/** The kind of a file of this type that nobody has announced as another kind. */
export function kindOfType(type: string): MediaKind {
  const [family] = type.split('/');
  return family === 'image' || family === 'video' || family === 'audio' ? family : 'document';
}

/** What the provider announced about a file. */
export interface Announcement {
  readonly kind: MediaKind;
  /** The digest in hexadecimal. */
  readonly declaredSha256: string | null;
}

/** All warnings of a stored media item, from its own announcement and from its bytes. */
export function warningsOf(
  { kind, declaredSha256 }: Announcement,
  { type, sha256, warnings }: Pick<BlobFacts, 'type' | 'sha256' | 'warnings'>,
): readonly MediaWarning[] {
  const mismatches: MediaWarning[] = [];
  if (!typeFitsKind(type, kind))
    mismatches.push({
      code: 'media.kind_differs',
      message: `announced as ${kind}, but the file is ${readableType(type)}`,
    });
  if (declaredSha256 !== null && declaredSha256 !== sha256)
    mismatches.push({
      code: 'media.hash_mismatch',
      message: 'the SHA-256 of the file differs from the announced one',
    });
  return [...mismatches, ...warnings];
}

export const unknownType = 'application/octet-stream';

/** Types that a browser may display: none of them can run scripts. Everything else is downloaded. */
const inlineTypes = new Set([
  'image/jpeg',
  'image/png',
  'image/webp',
  'image/gif',
  'image/avif',
  'video/mp4',
  'video/webm',
  'video/3gpp',
  'video/quicktime',
  'audio/mpeg',
  'audio/mp4',
  'audio/quicktime',
  'audio/x-m4a',
  'audio/aac',
  'audio/ogg',
  'audio/opus',
  'audio/webm',
  'audio/amr',
  'audio/3gpp',
  'audio/3gpp2',
  'audio/wav',
]);

export function isInline(type: string): boolean {
  return inlineTypes.has(type.split(';')[0] ?? type);
}
