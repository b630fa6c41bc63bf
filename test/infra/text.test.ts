import { expect, test } from '@jest/globals';

import { storable } from '../../src/infra/text.js';

test.each([
  ['an ordinary text', 'Olá, 你好 👋', 100, 'Olá, 你好 👋'],
  ['NUL', 'a\u0000b\u0000', 100, 'ab'],
  ['nothing but NUL', '\u0000\u0000', 100, ''],
  ['the first half of a pair', 'a\uD83Db', 100, 'a\uFFFDb'],
  ['the second half of a pair', '\uDC4B', 100, '\uFFFD'],
  ['the halves in the wrong order', '\uDC4B\uD83D', 100, '\uFFFD\uFFFD'],
  ['other control characters, which PostgreSQL takes', '\u0001\u001F\u007F\n', 100, '\u0001\u001F\u007F\n'],
  ['a text of just the length', 'abc', 3, 'abc'],
  ['a longer one', 'abcd', 3, 'abc'],
  ['a pair that the cut goes through', 'ab👋', 3, 'ab\uFFFD'],
  ['NULs, which do not count', '\u0000\u0000abc', 3, 'abc'],
  ['nothing', '', 3, ''],
])('%s becomes what can be stored', (_, text, maxLength, expected) => {
  expect(storable(text, maxLength)).toBe(expected);
});
