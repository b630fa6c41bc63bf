/** Digests of passwords: what they tell, and how many are made at once. */
import { expect, it } from '@jest/globals';

import { createPasswords } from '../../../src/infra/secrets/passwords.js';

const passwords = createPasswords();

it('a digest fits its password only, in every spelling of the same text, and tells nothing', async () => {
  const stored = await passwords.hash('caf\u00E9 at the corner');
  expect(stored).toMatch(/^\$argon2id\$v=19\$m=32768,t=3,p=1\$[\w+/]{22}\$[\w+/]{43}$/);
  expect(await passwords.matches('cafe\u0301 at the corner', stored)).toBe(true);
  expect(await passwords.matches('cafe at the corner', stored)).toBe(false);
  expect(await passwords.matches('', null)).toBe(false);
  expect(await passwords.matches('', 'scrypt:32768:8:3:c2FsdA:ZGlnZXN0')).toBe(false);
});

it('the same password has another digest each time', async () => {
  expect(await passwords.hash('the same')).not.toBe(await passwords.hash('the same'));
});

it('only a few are made at once, others wait for their turn, and more are refused', async () => {
  const few = createPasswords({ atOnce: 1, waiting: 1 });
  const ended: string[] = [];
  const attempt = (name: string) =>
    few.matches(name, null).then(
      () => ended.push(name),
      (error: unknown) => {
        ended.push(`${name} refused`);
        expect(error).toMatchObject({ code: 'service.unavailable', retryAt: expect.any(Date) });
      },
    );
  await Promise.all(['first', 'second', 'third'].map(attempt));
  expect(ended).toEqual(['third refused', 'first', 'second']);
  await attempt('fourth');
  expect(ended.at(-1)).toBe('fourth');
});
