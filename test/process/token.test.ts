import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import jwt from 'jsonwebtoken';

import { createTokenSigner } from '../../src/infra/secrets/token-signer.js';
import { token } from './service.js';

let cwd: string;
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'inlet-token-'));
});
afterAll(() => rm(cwd, { recursive: true }));

const secret = 'a secret of more than thirty-two characters';
const run = (...args: string[]) => token(cwd, args, { AUTH_SECRET: secret });
const tokens = createTokenSigner(secret, () => new Date());

describe('the token command prints', () => {
  test('one token and nothing else', async () => {
    const { status, output } = await run('--scope', 'media:read');
    expect(status).toBe(0);
    expect(tokens.check(output)).toMatchObject({ scopes: ['media:read'], channels: null });
    expect(jwt.decode(output)).not.toHaveProperty('exp');
  });

  test('a named token with several scopes and channels and an expiry', async () => {
    const args = ['--scope', 'media:read,messages:send', '--channel', 'blip', '--channel', 'z-api'];
    const { output } = await run(...args, '--expires', '12h', '--name', 'the shop');
    expect(tokens.check(output)).toMatchObject({
      scopes: ['media:read', 'messages:send'],
      channels: ['blip', 'z-api'],
      name: 'the shop',
    });
    const { iat = 0, exp = 0 } = jwt.decode(output, { json: true }) ?? {};
    expect(exp - iat).toBe(12 * 3_600);
  });

  test('a token that the service accepts, even before its first start', async () => {
    const { status } = await token(cwd, ['--scope', 'admin']);
    expect(status).toBe(0);
    expect((await stat(join(cwd, '.inlet', 'auth-secret'))).mode & 0o777).toBe(0o600);
  });
});

describe('the token command explains itself and exits with 64', () => {
  test.each([
    ['without arguments', []],
    ['for an unknown scope', ['--scope', 'root']],
    ['for an unknown scope beside a known one', ['--scope', 'admin,root']],
    ['for an empty scope', ['--scope', '']],
    ['for a scope without a value', ['--scope']],
    ['for an unknown option', ['--scope', 'admin', '--forever']],
    ['for a stray word', ['admin']],
    ['for an end that is no time', ['--scope', 'admin', '--expires', 'soon']],
    ['for an end that is now', ['--scope', 'admin', '--expires', '0d']],
    ['for an end without a unit', ['--scope', 'admin', '--expires', '30']],
    ['for an end in the past', ['--scope', 'admin', '--expires', '-1d']],
  ])('%s', async (_, args) => {
    const { status, output } = await run(...args);
    expect(output).toContain('usage: npm run token -- --scope');
    expect(output).not.toMatch(/eyJ/);
    expect(status).toBe(64);
  });
});

test('the token command names an invalid setting', async () => {
  const { status, output } = await token(cwd, ['--scope', 'admin'], { AUTH_SECRET: 'short' });
  expect(status).toBe(78);
  expect(output).toContain('AUTH_SECRET: ');
});
