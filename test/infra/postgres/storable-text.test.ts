import { expect, test } from '@jest/globals';

import { storable, storableName } from '../../../src/infra/postgres/storable-text.js';

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
  ['a pair that the cut goes through', 'ab👋', 3, 'ab'],
  ['a family that the cut goes through', 'ab👨‍👩‍👧‍👦', 10, 'ab'],
  ['a letter with an accent of its own', 'abe\u0301', 3, 'ab'],
  ['one letter that is longer than all', `a${'\u0301'.repeat(500)}`, 3, 'a\u0301\u0301'],
  ['a flag behind a long text', `${'x'.repeat(300)}🇧🇷`, 302, 'x'.repeat(300)],
  ['NULs, which do not count', '\u0000\u0000abc', 3, 'abc'],
  ['nothing', '', 3, ''],
])('%s becomes what can be stored', (_, text, maxLength, expected) => {
  expect(storable(text, maxLength)).toBe(expected);
});

test.each([
  ['an ordinary name', 'photo.jpg', 'photo.jpg'],
  ['a long one', `${'a'.repeat(260)}.pdf`, `${'a'.repeat(251)}.pdf`],
  ['a long one with two extensions', `${'a'.repeat(260)}.tar.gz`, `${'a'.repeat(248)}.tar.gz`],
  ['a long one without any', 'a'.repeat(260), 'a'.repeat(255)],
  ['a long one with emoji', `${'👨‍👩‍👧'.repeat(40)}.docx`, `${'👨‍👩‍👧'.repeat(31)}.docx`],
  ['a long one that ends in a sentence', 'a. b'.repeat(70), `${'a. b'.repeat(63)}a. `],
  ['one that is all extension', `.${'a'.repeat(300)}`, `.${'a'.repeat(254)}`],
  ['NUL in a long one', `${'a'.repeat(260)}\u0000.pdf`, `${'a'.repeat(251)}.pdf`],
  ['one of blanks, which nobody can see,', ' \u00A0\t', null],
  ['one of characters without a look', '\u200B\u202E\u0000', null],
  ['the name of a folder', '..', null],
  ['the name of a folder with NUL', '.\u0000. ', null],
  ['a hidden one', '.env', '.env'],
  ['no name', null, null],
])('%s of a file becomes what can be stored', (_, name, expected) => {
  expect(storableName(name, 255)).toBe(expected);
});
