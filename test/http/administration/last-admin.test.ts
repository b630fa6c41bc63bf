/** The last administrator stays, whoever asks. */
import { afterEach, beforeEach, expect, it } from '@jest/globals';

import { call, type Problem } from '../../support/client.js';
import { startTestService, type TestService } from '../../support/test-service.js';
import { createUser, enter, type UserView } from '../../support/users.js';

let one: TestService;
let other: TestService;

beforeEach(async () => {
  one = await startTestService({ queue: false });
  other = await startTestService({ queue: false, beside: one });
});
afterEach(async () => {
  await other.stop();
  await one.stop();
});

const change = (at: TestService, id: string, json: object) =>
  call<UserView & Problem>(at.url, `/v1/users/${id}`, {
    method: 'patch',
    json,
    token: at.token('admin'),
  });
const remove = (at: TestService, id: string) =>
  call<Problem | undefined>(at.url, `/v1/users/${id}`, { method: 'delete', token: at.token('admin') });

it('cannot be lowered, limited, disabled or deleted', async () => {
  const { user } = await enter(one, { role: 'admin' });
  // None of these can take over.
  await createUser(one, { role: 'admin' });
  await enter(one, { role: 'admin', channels: ['blip'] });
  await enter(one, { role: 'operator' });
  const refused = { status: 409, body: { code: 'user.last_admin' } };
  for (const json of [{ role: 'operator' }, { channels: ['blip'] }, { disabled: true }])
    expect(await change(one, user.id, json)).toMatchObject(refused);
  expect(await remove(one, user.id)).toMatchObject(refused);
  expect((await change(one, user.id, { name: 'The boss' })).body).toMatchObject({
    role: 'admin',
    channels: null,
    state: 'active',
  });
});

it('is one of two who are removed at the same moment, in two processes', async () => {
  const { user: first } = await enter(one, { role: 'admin' });
  const { user: second } = await enter(one, { role: 'admin' });
  const answers = await Promise.all([remove(one, first.id), change(other, second.id, { disabled: true })]);
  const refused = answers.filter(({ status }) => status === 409);
  expect(refused).toHaveLength(1);
  expect(refused[0]?.body?.code).toBe('user.last_admin');
});
