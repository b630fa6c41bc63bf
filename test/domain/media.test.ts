import { describe, expect, test } from '@jest/globals';

import {
  isDecodable,
  isInline,
  isNotMedia,
  kindOfType,
  typeFitsKind,
  unknownType,
  warningsOf,
} from '../../src/domain/media.js';
import { mediaKinds } from '../../src/domain/provider.js';

const text = ['text/html', 'application/xml', 'application/json', 'text/plain', 'application/pdf'];
const markup = [...text, 'image/svg+xml'];

describe('the kinds that a type matches', () => {
  test.each([
    'image/jpeg',
    'image/png',
    'image/webp',
    'image/gif',
    'image/tiff',
    'image/avif',
    'image/heic',
    'image/heif',
    'image/jxl',
    'image/bmp',
    'image/x-icon',
    'image/svg+xml',
  ])('%s is a picture and a sticker', (type) => {
    expect(typeFitsKind(type, 'image')).toBe(true);
    expect(typeFitsKind(type, 'sticker')).toBe(true);
  });

  test.each([...text, unknownType, 'video/mp4', 'application/zip'])('%s is not a picture', (type) => {
    expect(typeFitsKind(type, 'image')).toBe(false);
    expect(typeFitsKind(type, 'sticker')).toBe(false);
  });

  test.each(['video/mp4', 'audio/ogg', 'application/ogg', 'image/gif', unknownType])(
    '%s is sound or moving pictures, whichever was announced',
    (type) => {
      expect(typeFitsKind(type, 'video')).toBe(true);
      expect(typeFitsKind(type, 'audio')).toBe(true);
    },
  );

  test.each([...markup, 'image/jpeg', 'application/zip'])(
    '%s is neither sound nor moving pictures',
    (type) => {
      expect(typeFitsKind(type, 'video')).toBe(false);
      expect(typeFitsKind(type, 'audio')).toBe(false);
    },
  );

  test.each([...markup, unknownType, 'application/x-msdownload'])('%s may be a document', (type) => {
    expect(typeFitsKind(type, 'document')).toBe(true);
  });
});

test.each(['text/html', 'application/xml', 'application/json'])(
  '%s is a file only where any may come',
  (type) => {
    expect(mediaKinds.filter((kind) => !isNotMedia(type, kind))).toEqual(['document']);
  },
);

test.each(['text/plain', 'image/svg+xml', 'application/pdf', 'application/zip', unknownType])(
  '%s is a file, whatever was announced',
  (type) => {
    expect(mediaKinds.filter((kind) => !isNotMedia(type, kind))).toEqual([...mediaKinds]);
  },
);

test('warnings include those of the bytes and the differences from the announcement', () => {
  const damaged = { code: 'media.damaged', message: 'a part is missing' } as const;
  const blob = { type: 'video/mp4', sha256: 'a'.repeat(64), warnings: [damaged] };
  const codesFor = (kind: 'image' | 'video', declaredSha256: string | null) =>
    warningsOf({ kind, declaredSha256 }, blob).map(({ code }) => code);
  expect(codesFor('video', null)).toEqual(['media.damaged']);
  expect(codesFor('video', blob.sha256)).toEqual(['media.damaged']);
  expect(codesFor('image', 'b'.repeat(64))).toEqual([
    'media.kind_differs',
    'media.hash_mismatch',
    'media.damaged',
  ]);
});

test.each([...markup, unknownType, 'image/heic', 'image/bmp'])('%s never reaches the decoder', (type) => {
  expect(isDecodable(type)).toBe(false);
});

test.each([...markup, unknownType, 'text/css', 'application/javascript', 'image/tiff', 'image/heic'])(
  '%s is never shown in place',
  (type) => {
    expect(isInline(type)).toBe(false);
    expect(isInline(`${type}; charset=utf-8`)).toBe(false);
  },
);

test('a type with parameters can be displayed inline', () => {
  expect(isInline('audio/ogg; codecs=opus')).toBe(true);
});

test('every decodable type is a picture', () => {
  const kinds = mediaKinds.filter((kind) => typeFitsKind('image/jpeg', kind));
  expect(kinds).toEqual(['image', 'document', 'sticker']);
});

test.each([
  ['image/heic', 'image'],
  ['video/mp4', 'video'],
  ['audio/ogg; codecs=opus', 'audio'],
  ['application/zip', 'document'],
  [unknownType, 'document'],
])('%s belongs to the kind %s unless it is announced as another', (type, kind) => {
  expect(kindOfType(type)).toBe(kind);
});

test.each([
  ['video/mp4', 'MP4 (video/mp4)'],
  ['application/zip', 'ZIP (application/zip)'],
  [unknownType, 'Unknown type (application/octet-stream)'],
  ['audio/ogg', 'audio/ogg'],
])('a warning about the kind has words that people know: %s', (type, words) => {
  const [warning] = warningsOf({ kind: 'image', declaredSha256: null }, { type, sha256: 'a', warnings: [] });
  expect(warning?.message).toBe(`announced as image, but the file is ${words}`);
});
