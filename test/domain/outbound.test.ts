import { describe, expect, it } from '@jest/globals';
import { refusedMedia } from '../../src/domain/outbound.js';

describe('the type of media that are to be sent', () => {
  const limits = { types: ['audio/mpeg', 'audio/ogg'], maxBytes: 10, maxCaption: 0 };
  const refused = (type: string | null) => refusedMedia({ type, bytes: null }, limits);

  it.each(['audio/ogg', 'audio/ogg; codecs=opus', null])('%j passes', (type) => {
    expect(refused(type)).toEqual([]);
  });

  it.each(['audio/amr', 'audio/oggish', ''])('%j does not, and those that do are named', (type) => {
    expect(refused(type)).toEqual([`${type} is not taken; audio/mpeg, audio/ogg are`]);
  });

  it('may be of exactly as many bytes as the limit says', () => {
    const ofBytes = (bytes: number) => refusedMedia({ type: 'audio/ogg', bytes }, limits);
    expect(ofBytes(10)).toEqual([]);
    expect(ofBytes(11)).toEqual(['at most 10 bytes, these are 11']);
  });
});
