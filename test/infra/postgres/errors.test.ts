import { describe, expect, test } from '@jest/globals';

import { isDatabaseFailure } from '../../../src/infra/postgres/errors.js';

const failure = (properties: Partial<NodeJS.ErrnoException>): Error =>
  Object.assign(new Error('failed'), properties);

describe('a failure of the database', () => {
  test.each([
    ['a server that is starting', { code: '57P03' }],
    ['a lost right', { code: '42501' }],
    ['nobody at the port', { code: 'ECONNREFUSED', syscall: 'connect' }],
    ['no socket in the folder', { code: 'ENOENT', syscall: 'connect' }],
  ])('is %s', (_, properties) => {
    expect(isDatabaseFailure(failure(properties))).toBe(true);
  });

  test.each([
    ['a file that is not there', { code: 'ENOENT', syscall: 'open' }],
    ['a disk that is read-only', { code: 'EROFS', syscall: 'open' }],
    ['a file that must not be written', { code: 'EPERM', syscall: 'open' }],
    ['a value that is refused', { code: '22021' }],
  ])('is not %s', (_, properties) => {
    expect(isDatabaseFailure(failure(properties))).toBe(false);
  });
});
