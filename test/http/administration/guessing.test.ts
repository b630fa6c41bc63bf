/** Guessed passwords: what they cost, what they reveal, and how many there may be. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { call, type Call } from '../../support/client.js';
import { startTestService, type TestService } from '../../support/test-service.js';
import { until } from '../../support/until.js';
import {
  accept,
  countDigests,
  createUser,
  enter,
  goodPassword,
  newEmail,
  ownPage,
  secretOf,
  signIn,
} from '../../support/users.js';

const start = Date.parse('2026-11-21T10:00:00.000Z');
let now: number;
let one: TestService;
let other: TestService;

beforeAll(async () => {
  now = start;
  const options = {
    queue: false,
    now: () => new Date(now),
    // The limit of an address has a test of its own.
    env: { FAILED_WEBHOOKS_PER_MINUTE: '1000' },
  };
  one = await startTestService(options);
  other = await startTestService({ ...options, beside: one });
});
afterAll(async () => {
  await other.stop();
  await one.stop();
});

const wrong = 'not the right password';

describe('a wrong password', () => {
  it('is answered like an unknown address, a user without a password and a disabled one, at the same cost', async () => {
    const { user } = await enter(one);
    const invited = (await createUser(one)).body;
    const { user: disabled } = await enter(one);
    const json = { disabled: true };
    const token = one.token('admin');
    await call(one.url, `/v1/users/${disabled.id}`, { method: 'patch', json, token });
    const attempts = [
      { email: user.email, password: wrong },
      { email: newEmail(), password: wrong },
      { email: invited.email, password: wrong },
      { email: disabled.email, password: goodPassword },
    ];
    for (const attempt of attempts) {
      const digests = await countDigests(async () => {
        const answer = await signIn(one, attempt);
        expect(answer).toMatchObject({ status: 401, body: { code: 'auth.invalid' } });
        expect(answer.body.detail).toBe('the e-mail address or the password is wrong');
        expect(answer.headers['set-cookie']).toBeUndefined();
      });
      expect(digests).toBe(1);
    }
  });

  it('is written into the audit trail if there is such a user, without the address', async () => {
    const { user } = await enter(one);
    await signIn(one, { email: user.email, password: wrong });
    const unknown = newEmail();
    await signIn(one, { email: unknown, password: wrong });
    const rows = await until(async () => {
      const found = await one.database.query(
        `select actor, target, details from audit_entry where action = 'session.refuse' and target = $1`,
        [user.id],
      );
      return found.length > 0 && found;
    });
    expect(rows).toEqual([{ actor: 'unknown', target: user.id, details: {} }]);
    expect(JSON.stringify(await one.database.query('select * from audit_entry'))).not.toContain(unknown);
  });
});

describe('guessing at one account', () => {
  it('is slowed down in all processes together, before a digest is made, and never for ever', async () => {
    const { user } = await enter(one);
    const guess = (at: TestService, password = wrong) => signIn(at, { email: user.email, password });
    const together = await Promise.all(
      Array.from({ length: 12 }, (_, index) => guess(index % 2 === 0 ? one : other)),
    );
    expect(together.map(({ status }) => status).sort()).toEqual([
      ...Array<number>(10).fill(401),
      ...Array<number>(2).fill(429),
    ]);
    const digests = await countDigests(async () => {
      const refused = await guess(other, goodPassword);
      expect(refused).toMatchObject({ status: 429, body: { code: 'request.rate_limited' } });
      expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    });
    expect(digests).toBe(0);

    now += 60_000;
    expect((await guess(other)).status).toBe(401);
    expect((await guess(one)).status).toBe(429);
    now += 60_000;
    expect((await guess(one, goodPassword)).status).toBe(200);
    expect((await guess(other)).status).toBe(401);
  });

  it('is limited alike where there is no such account', async () => {
    const email = newEmail();
    await one.database.query(
      `insert into sign_in_attempt (account, booked_until)
       select account, $2 from (select sha256(convert_to($1, 'utf8')) as account) as one`,
      [email, new Date(now + 600_000)],
    );
    expect((await signIn(one, { email, password: wrong })).status).toBe(429);
  });

  it('does not keep the user from a link of an administrator', async () => {
    const { user } = await enter(one);
    await one.database.query(
      `insert into sign_in_attempt (account, booked_until) values (sha256(convert_to($1, 'utf8')), $2)`,
      [user.email, new Date(now + 600_000)],
    );
    expect((await signIn(one, { email: user.email, password: goodPassword })).status).toBe(429);
    const path = `/v1/users/${user.id}/invitation`;
    const invited = await call<Parameters<typeof secretOf>[0]>(one.url, path, {
      method: 'post',
      token: one.token('admin'),
    });
    expect((await accept(one, secretOf(invited.body))).status).toBe(200);
    expect((await signIn(one, { email: user.email, password: goodPassword })).status).toBe(200);
  });

  it('is limited for the current password of a session, too', async () => {
    const { user, page } = await enter(one);
    const change = (json: object, by: Call = page) =>
      call(one.url, '/v1/session/password', { method: 'put', json, ...by });
    const password = 'another long password';
    expect(await change({ current: wrong, password })).toMatchObject({
      status: 403,
      body: { code: 'auth.wrong_password' },
    });
    expect(await change({ current: goodPassword, password: 'short' })).toMatchObject({ status: 400 });
    await one.database.query(
      `update sign_in_attempt set booked_until = $2 where account = sha256(convert_to($1, 'utf8'))`,
      [user.email, new Date(now + 600_000)],
    );
    expect((await change({ current: goodPassword, password })).status).toBe(429);
    const token = one.token('admin');
    expect((await change({ current: wrong, password }, { token })).body.code).toBe('user.no_password');
  });
});

it('guessing from one address is limited, whatever the accounts, and also with invitations', async () => {
  const strict = await startTestService({ queue: false, env: { FAILED_WEBHOOKS_PER_MINUTE: '2' } });
  try {
    const statuses = [];
    for (let attempt = 0; attempt < 3; attempt += 1)
      statuses.push((await signIn(strict, { email: newEmail(), password: wrong })).status);
    expect(statuses).toEqual([401, 401, 429]);
    expect((await accept(strict, 'x'.repeat(32))).status).toBe(429);
  } finally {
    await strict.stop();
  }
});

describe('what is sent to sign in', () => {
  it.each<[object]>([
    [{}],
    [{ email: 'a@example.com' }],
    [{ password: wrong }],
    [{ token: 'a.b.c', email: 'a@example.com', password: wrong }],
    [{ email: 'a@example.com', password: wrong, remember: 'yes' }],
    [{ email: 7, password: wrong }],
    [{ email: 'a@example.com', password: 'x'.repeat(100_000) }],
    [{ email: 'a\0@example.com', password: wrong }],
  ])('is one of the two ways: %j', async (json) => {
    const digests = await countDigests(async () => {
      expect(await signIn(one, json)).toMatchObject({ status: 400, body: { code: 'request.invalid' } });
    });
    expect(digests).toBe(0);
  });

  it('comes from a page of this service', async () => {
    const json = { email: newEmail(), password: wrong };
    const foreign = { ...ownPage, 'sec-fetch-site': 'cross-site' };
    const answer = await call(one.url, '/v1/session', { method: 'post', json, headers: foreign });
    expect(answer).toMatchObject({ status: 403, body: { code: 'auth.csrf' } });
  });
});
