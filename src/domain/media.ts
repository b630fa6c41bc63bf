/** Words and rules about attachments: states, previews, which types go with which kind. */
import type { MediaKind } from './provider.js';

export const mediaStates = ['pending', 'ready', 'rejected', 'failed', 'erased'] as const;
/**
 * `pending` (to be fetched, or waiting for the next attempt) → `ready` (bytes and previews can be read), `rejected` (never
 * will be) or `failed` (attempts used up, or gone at the provider); any of them → `erased`; `rejected` and `failed` →
 * `pending` when somebody asks for another try.
 */
export type MediaState = (typeof mediaStates)[number];

export const previewSizes = ['small', 'large'] as const;
export type PreviewSize = (typeof previewSizes)[number];

/** Longest edge in pixels. */
export const previewEdge = { small: 320, large: 1280 } as const satisfies Record<PreviewSize, number>;

export interface Preview {
  readonly size: PreviewSize;
  readonly type: string;
  readonly width: number;
  readonly height: number;
}

/** What is known of stored bytes. */
export interface BlobFacts {
  /** Hex. */
  readonly sha256: string;
  readonly type: string;
  readonly bytes: number;
  /** As displayed, after EXIF orientation. */
  readonly width: number | null;
  readonly height: number | null;
  /** Base64. */
  readonly thumbhash: string | null;
  readonly previews: readonly Preview[];
}

/** Raster images that the decoder may see. SVG, PDF and the like never reach it. */
const decodableTypes = new Set([
  'image/jpeg',
  'image/png',
  'image/webp',
  'image/gif',
  'image/tiff',
  'image/avif',
]);
/** As Apple's phones write them; they have a decoder of their own. */
const heicTypes = new Set(['image/heic', 'image/heif', 'image/heic-sequence', 'image/heif-sequence']);
/** Pictures that are kept as they are: nothing here can decode them, and nobody's photo is to be lost for that. */
const opaqueImageTypes = new Set(['image/jxl']);
/** Containers that hold sound or moving pictures, whichever was announced. */
const audioVideoTypes = new Set(['application/ogg', 'application/vnd.ms-asf', 'application/mp4']);

export function isDecodable(type: string): boolean {
  return decodableTypes.has(type);
}

export function isHeic(type: string): boolean {
  return heicTypes.has(type);
}

function isKeptPicture(type: string): boolean {
  return isHeic(type) || opaqueImageTypes.has(type);
}

/** Whether bytes of this type are what the message said they were. Documents may be anything. */
export function typeFitsKind(type: string, kind: MediaKind): boolean {
  switch (kind) {
    case 'document':
      return true;
    case 'image':
    case 'sticker':
      return isDecodable(type) || isKeptPicture(type);
    case 'video':
    case 'audio':
      // Animated pictures come as video in some apps; sound and moving pictures share containers.
      return (
        /^(audio|video)\//.test(type) ||
        type === 'image/gif' ||
        audioVideoTypes.has(type) ||
        type === unknownType
      );
  }
}

export const unknownType = 'application/octet-stream';

/** Types a browser may show in place: none of them can run script. Everything else is downloaded. */
const inlineTypes = new Set([
  ...['image/jpeg', 'image/png', 'image/webp', 'image/gif', 'image/avif'],
  ...['video/mp4', 'video/webm', 'video/3gpp', 'video/quicktime'],
  ...[
    'audio/mpeg',
    'audio/mp4',
    'audio/x-m4a',
    'audio/aac',
    'audio/ogg',
    'audio/opus',
    'audio/webm',
    'audio/amr',
    'audio/wav',
  ],
]);

export function isInline(type: string): boolean {
  return inlineTypes.has(type.split(';')[0] ?? type);
}
