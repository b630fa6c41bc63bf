import { expect, it } from '@jest/globals';

import { createFaultLog } from '../../../src/infra/logging/fault-log.js';

function broken(name: string): Error {
  return new TypeError(`${name} is not a function`);
}

it('logs each fault once with its stack, whatever values its message contains', () => {
  const said: { readonly about: object; readonly message: string }[] = [];
  const report = createFaultLog({
    error: (about: object, message: string) => {
      said.push({ about, message });
    },
  } as Parameters<typeof createFaultLog>[0]);
  for (const name of ['a', 'b', 'c']) report('it broke', broken(name), { media: name });
  report('it broke', new RangeError('elsewhere'), { media: 'd' });
  report('another broke', broken('e'), { media: 'e' });
  report('it broke', 'no error at all', {});
  expect(said).toMatchObject([
    { message: 'it broke', about: { media: 'a', err: { stack: expect.stringContaining('broken') } } },
    { message: 'it broke', about: { media: 'd' } },
    { message: 'another broke', about: { media: 'e' } },
    { message: 'it broke', about: { err: 'no error at all' } },
  ]);
});
