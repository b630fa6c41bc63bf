import { describe, expect, it } from '@jest/globals';
import { mediaProblems } from '../../src/domain/outbound.js';

describe('the type of outbound media', () => {
  const limits = { types: ['audio/mpeg', 'audio/ogg'], maxBytes: 10, maxCaption: 0 };
  const refused = (type: string | null) => mediaProblems({ type, bytes: null }, limits);

  it.each(['audio/ogg', 'audio/ogg; codecs=opus', null])('%j passes', (type) => {
    expect(refused(type)).toEqual([]);
  });

  it.each(['audio/amr', 'audio/oggish', ''])(
    '%j does not, and the message lists the accepted types',
    (type) => {
      expect(refused(type)).toEqual([`${type} is not accepted; accepted: audio/mpeg, audio/ogg`]);
    },
  );

  it('may have exactly as many bytes as the limit', () => {
    const ofBytes = (bytes: number) => mediaProblems({ type: 'audio/ogg', bytes }, limits);
    expect(ofBytes(10)).toEqual([]);
    expect(ofBytes(11)).toEqual(['has 11 bytes; at most 10 are allowed']);
  });
});
