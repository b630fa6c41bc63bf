/** What holds for every range and every file name that a download can have. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { disposition, rangeOf } from '../../../src/http/media/stored-bytes.js';

describe('a range', () => {
  const anySize = fc.integer({ min: 1, max: 2 ** 40 });
  const anyNumber = fc.oneof(fc.nat(20), fc.nat(2 ** 31 - 1), fc.constant(2 ** 53));
  const anySpec = fc.oneof(
    fc.tuple(anyNumber, anyNumber).map(([from, to]) => `${String(from)}-${String(to)}`),
    anyNumber.map((from) => `${String(from)}-`),
    anyNumber.map((count) => `-${String(count)}`),
  );

  /** RFC 9110, 14.1.2, said in another way: the places of one spec, cut to the file. */
  function modelOf(spec: string, size: number): { start: number; end: number } | 'unsatisfiable' | undefined {
    const [from = '', to = ''] = spec.split('-');
    // Not valid, and so to be ignored.
    if (from !== '' && to !== '' && Number(from) > Number(to)) return undefined;
    const start = from === '' ? Math.max(0, size - Number(to)) : Number(from);
    const end = from === '' || to === '' ? size - 1 : Math.min(Number(to), size - 1);
    return start > end ? 'unsatisfiable' : { start, end };
  }

  test('is exactly what the standard says', () => {
    fc.assert(
      fc.property(anySize, anySpec, (size, spec) => {
        expect(rangeOf(`bytes=${spec}`, size)).toEqual(modelOf(spec, size));
      }),
      { numRuns: 1_000 },
    );
  });

  test('of several is given only where they make one, and never more than was asked for', () => {
    fc.assert(
      fc.property(anySize, fc.array(anySpec, { minLength: 2, maxLength: 6 }), (size, specs) => {
        const range = rangeOf(`bytes=${specs.join(',')}`, size);
        if (typeof range !== 'object') return;
        const asked = specs.map((spec) => modelOf(spec, size)).filter((one) => typeof one === 'object');
        expect(asked.some(({ start }) => start === range.start)).toBe(true);
        expect(asked.some(({ end }) => end === range.end)).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  test('of any text lies in the file, or is none', () => {
    const alphabet = fc.constantFrom(...Array.from('0123456789-,= \tbytes.xe+'));
    const anyText = fc.oneof(fc.string({ unit: alphabet }), fc.string({ unit: 'binary' }));
    fc.assert(
      fc.property(anySize, anyText, fc.boolean(), (size, text, isPrefixed) => {
        const range = rangeOf(isPrefixed ? `bytes=${text}` : text, size);
        if (typeof range !== 'object') return;
        expect(Number.isInteger(range.start) && Number.isInteger(range.end)).toBe(true);
        expect(range.start >= 0 && range.start <= range.end && range.end < size).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('a file name', () => {
  const anyName = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({
      unit: fc.constantFrom(...Array.from('a.%"\\/;=\'()*\r\n\t\u0000\u007f\u0085\u202e\u2066é🌹')),
    }),
  );
  /** As a browser reads it: RFC 6266 with the extended notation of RFC 8187. */
  function parsed(header: string): { kind: string; plain: string; extended: string } {
    const found =
      /^(inline|attachment); filename="((?:[^"\\]|\\.)*)"; filename\*=UTF-8''([\w!#$&+.^`|~%-]*)$/.exec(
        header,
      );
    if (!found) throw new Error(`not understood: ${header}`);
    const [, kind = '', plain = '', extended = ''] = found;
    return { kind, plain, extended: decodeURIComponent(extended) };
  }

  test('is read as it was given, but for what steers terminals, paths and the direction of writing', () => {
    fc.assert(
      fc.property(fc.constantFrom('inline', 'attachment'), anyName, (kind, name) => {
        const header = disposition(kind, name);
        expect(header).toMatch(/^[\x20-\x7e]*$/);
        const { plain, extended, ...rest } = parsed(header);
        expect(rest.kind).toBe(kind);
        const harmful = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069/\\]/g; // eslint-disable-line no-control-regex -- they are what must go
        expect(extended).toBe(name.replace(harmful, '_'));
        expect(plain).toBe(extended.replace(/[^\x20-\x7e]|["%]/g, '_'));
      }),
      { numRuns: 1_000 },
    );
  });

  test('that is not there leaves the word alone', () => {
    expect(disposition('inline', null)).toBe('inline');
  });
});
