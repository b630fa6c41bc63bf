import { expect, test } from '@jest/globals';

import { matchesHost } from '../../src/domain/channel.js';
import type { HostPattern } from '../../src/domain/provider.js';

test.each<[url: string, pattern: HostPattern, expected: boolean]>([
  ['https://media.example.org/x', 'media.example.org', true],
  ['https://MEDIA.Example.org/x', 'media.example.org', true],
  ['http://media.example.org/x', 'media.example.org', true],
  ['https://media.example.org:8443/x', 'media.example.org', true],
  ['https://media.example.org:8443/x', 'media.example.org:8443', true],
  ['https://media.example.org/x', 'media.example.org:443', true],
  ['http://media.example.org/x', 'media.example.org:80', true],
  ['https://media.example.org/x', 'media.example.org:80', false],
  ['https://media.example.org:8443/x', 'media.example.org:443', false],
  ['https://[2001:db8::1]:8443/x', '[2001:db8::1]:8443', true],
  ['https://evil.media.example.org/x', 'media.example.org', false],
  ['https://media.example.org.evil.org/x', 'media.example.org', false],
  ['https://media.example.org./x', 'media.example.org', false],
  ['https://evilmedia.example.org/x', 'media.example.org', false],
  ['https://media.example.org@evil.org/x', 'media.example.org', false],
  ['https://evil.org/?media.example.org', 'media.example.org', false],
  ['https://evil.org/#media.example.org:443', 'media.example.org:443', false],
  ['https://api-us-1.nexmo.com/x', /^api(-[a-z]+-\d)?\.nexmo\.com$/, true],
  ['https://api-us-1.nexmo.com:8443/x', /^api(-[a-z]+-\d)?\.nexmo\.com$/, true],
  ['https://api.nexmo.com.evil.org/x', /^api(-[a-z]+-\d)?\.nexmo\.com$/, false],
])('%s is among %s: %s', (url, pattern, expected) => {
  expect(matchesHost(new URL(url), [pattern])).toBe(expected);
});

test('one matching pattern is enough, and an empty list matches nothing', () => {
  const url = new URL('https://b.example.org/');
  expect(matchesHost(url, ['a.example.org', /^c/, 'b.example.org'])).toBe(true);
  expect(matchesHost(url, [])).toBe(false);
});
