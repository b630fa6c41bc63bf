import { describe, expect, test } from '@jest/globals';

import { isDecodable, isInline, typeFitsKind, unknownType } from '../../src/domain/media.js';
import { mediaKinds } from '../../src/domain/provider.js';

const markup = ['text/html', 'image/svg+xml', 'application/xml', 'text/plain', 'application/pdf'];

describe('what bytes may be', () => {
  test.each([
    ...['image/jpeg', 'image/png', 'image/webp', 'image/gif', 'image/tiff', 'image/avif'],
    ...['image/heic', 'image/heif', 'image/jxl'],
  ])('%s is a picture and a sticker', (type) => {
    expect(typeFitsKind(type, 'image')).toBe(true);
    expect(typeFitsKind(type, 'sticker')).toBe(true);
  });

  test.each([...markup, unknownType, 'video/mp4', 'image/x-icon', 'image/bmp'])(
    '%s is no picture',
    (type) => {
      expect(typeFitsKind(type, 'image')).toBe(false);
      expect(typeFitsKind(type, 'sticker')).toBe(false);
    },
  );

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

test('parameters of a type do not keep it from being shown in place', () => {
  expect(isInline('audio/ogg; codecs=opus')).toBe(true);
});

test('everything that decodes is a picture of some kind', () => {
  const kinds = mediaKinds.filter((kind) => typeFitsKind('image/jpeg', kind));
  expect(kinds).toEqual(['image', 'document', 'sticker']);
});
