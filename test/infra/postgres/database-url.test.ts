import { describe, expect, test } from '@jest/globals';

import { readDatabaseUrl } from '../../../src/infra/postgres/database-url.js';

describe('a database URL', () => {
  test.each([
    ['postgresql://u:p@h/db'],
    ['postgres://u:p%40q@h:6432/db?application_name=x'],
    ['postgresql://u:a,b@h/db'],
    ['postgresql:///db?host=/var/run/postgresql'],
    ['postgresql://u@h/db?schema=public'],
    ['postgresql://u@h/db?options=-c%20search_path%3Dapp'],
    ['postgresql://u@h/db?sslmode=require&uselibpqcompat=true'],
    ['postgresql://u@h/db?sslmode=no-verify'],
  ])('is taken as it is: %s', (url) => {
    expect(readDatabaseUrl(url)).toEqual({ url });
  });

  test.each(['allow', 'prefer', 'require', 'verify-ca'])('with sslmode=%s checks the certificate', (mode) => {
    expect(readDatabaseUrl(`postgresql://h/db?a=b&sslmode=${mode}&c=d`)).toEqual({
      url: 'postgresql://h/db?a=b&sslmode=verify-full&c=d',
    });
  });

  test.each([
    ['mysql://hunter2@h/db', /^is not a postgresql:\/\/ URL/],
    ['postgresql://u:hunter2/x@h/db', /^is not a postgresql:\/\/ URL \(in the user name/],
    ['postgresql://u:hunter2@one,two/db', /^names several hosts/],
    ['postgresql://u:hunter2@one:5432,two:5432/db?target_session_attrs=read-write', /^names several hosts/],
    ['postgresql://u:hunter2@/db?host=one,two', /^names several hosts/],
    ['postgresql://u:hunter2@h/db?schema=app', /^has \?schema=/],
    ['postgresql://u:hunter2@h/db?sslmode=on', /^has an sslmode that is not one of/],
    ['postgresql://u:hunter2@h/db?sslcert=hunter2.pem', /^has one of sslcert and sslkey/],
    // Files that are no certificates and no keys.
    [
      'postgresql://u:hunter2@h/db?sslmode=verify-full&sslrootcert=package.json',
      /^names a certificate or a key that cannot be used: look at sslrootcert/,
    ],
    [
      'postgresql://u:hunter2@h/db?sslmode=no-verify&sslcert=package.json&sslkey=package.json',
      /^names a certificate or a key that cannot be used: look at sslrootcert/,
    ],
    [
      'postgresql://u:hunter2@h/db?sslmode=verify-full&sslrootcert=/hunter2.pem',
      /cannot be read \(ENOENT\): look at sslrootcert/,
    ],
    [
      'postgresql://u:hunter2@h/db?sslmode=verify-ca&uselibpqcompat=true',
      /^has sslmode=verify-ca, which needs sslrootcert/,
    ],
  ])('%s is refused, without a word of it', (url, problem) => {
    const read = readDatabaseUrl(url);
    expect(read).toEqual({ problem: expect.stringMatching(problem) as unknown });
    expect(JSON.stringify(read)).not.toContain('hunter2');
  });
});
