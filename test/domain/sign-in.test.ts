/** Roles by a claim of an identity provider. */
import { expect, it } from '@jest/globals';

import { grantOf, type RoleRules } from '../../src/domain/sign-in.js';

const rules: RoleRules = {
  claim: 'roles',
  rules: [
    { value: 'boss', role: 'admin', channels: null },
    { value: 'support', role: 'agent', channels: ['blip'] },
  ],
  otherwise: undefined,
};
const agent = { role: 'agent', channels: ['blip'] };

it('the first rule that matches a text or one of a list counts', () => {
  expect(grantOf({ roles: 'support' }, rules)).toEqual(agent);
  expect(grantOf({ roles: ['other', 'support', 'boss'] }, rules)).toEqual({ role: 'admin', channels: null });
});

it('nothing else is a value', () => {
  for (const roles of [undefined, null, 'bos', 'support boss', 1, { boss: true }, [['boss']], [null]])
    expect(grantOf({ roles }, rules)).toBeUndefined();
});

it('people without a value get the default role', () => {
  const otherwise = { ...rules, otherwise: 'viewer' } as const;
  expect(grantOf({ roles: ['cooks'] }, otherwise)).toEqual({ role: 'viewer', channels: null });
  expect(grantOf({ roles: ['support'] }, otherwise)).toEqual(agent);
});

it('a claim is found by its whole name first, and then inside of objects', () => {
  const inside = { ...rules, claim: 'realm_access.roles' };
  expect(grantOf({ realm_access: { roles: ['support'] } }, inside)).toEqual(agent);
  expect(grantOf({ 'realm_access.roles': ['support'], realm_access: { roles: ['boss'] } }, inside)).toEqual(
    agent,
  );
  for (const claims of [{}, { realm_access: 'boss' }, { realm_access: null }])
    expect(grantOf(claims, inside)).toBeUndefined();
  expect(grantOf({}, { ...rules, claim: 'constructor.name' })).toBeUndefined();
});
