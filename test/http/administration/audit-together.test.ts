/**
 * A change and its entry in the audit trail are one: where the entry cannot be written, nothing is changed.
 */
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';

import { newId } from '../../../src/domain/id.js';
import { call, postWebhook } from '../../support/client.js';
import { picture } from '../../support/payloads.js';
import { startTestService, type TestService } from '../../support/test-service.js';

let service: TestService;
let token: string;
/** What there is to be changed. */
let there: Readonly<Record<'subscription' | 'media' | 'delivery' | 'message' | 'channel' | 'token', string>>;

const person = '5521988887777';

beforeAll(async () => {
  service = await startTestService({ queue: false, mediaHosts: ['127.0.0.1:1'] });
  token = service.token('admin');
  await service.database.query(`
    create function refuse() returns trigger language plpgsql as
      $$ begin raise exception 'nobody writes here' using errcode = 'internal_error'; end $$;
    create trigger refuse before insert on audit_entry for each row execute function refuse()`);
});
afterAll(() => service.stop());

const ask = <Body = { readonly id: string }>(
  method: 'post' | 'patch' | 'delete',
  path: string,
  json?: unknown,
) => call<Body>(service.url, path, { method, token, ...(json !== undefined && { json }) });

beforeEach(async () => {
  const { database } = service;
  await letWrite(true);
  const payload = picture('z-api', { from: person, url: 'http://127.0.0.1:1/gone.jpg' });
  const { body: receipt } = await postWebhook(service, 'z-api', payload);
  await database.query(`update media set state = 'failed' where id = $1`, [receipt.media[0]]);
  const url = 'http://127.0.0.1:1/events';
  const { id: subscription } = (await ask('post', '/v1/subscriptions', { url })).body;
  const [sent] = await database.query<{ id: string }>(
    `insert into outbound (id, channel, provider, recipient, kind, options, state, not_before, created_at, actor)
     values ($1, 'z-api', 'z-api', '5521900000000', 'image', '{}', 'failed', now(), now(), 'test') returning id`,
    [newId()],
  );
  await database.query(
    `insert into notification (type, channel, media_id, seq)
     values ('media.failed', 'z-api', $1, (select coalesce(max(seq), 0) + 1000000 from notification))`,
    [receipt.media[0]],
  );
  const channel = newChannel();
  await ask('post', '/v1/channels', channel);
  const made = await ask<{ readonly token: unknown; readonly id: string }>('post', '/v1/tokens', {
    name: 'made',
    scopes: ['media:read'],
  });
  there = {
    subscription,
    media: receipt.media[0] ?? '',
    delivery: receipt.delivery,
    message: sent?.id ?? '',
    channel: channel.id,
    token: made.body.id,
  };
});

/** Whether entries can be written. */
const letWrite = (can: boolean) =>
  service.database.query(`alter table audit_entry ${can ? 'disable' : 'enable'} trigger refuse`);
const rowsOf = (table: string) =>
  service.database.query(`select t::text as row from ${table} as t order by 1`);

type There = typeof there;
it.each<
  [
    title: string,
    table: string,
    change: (of: There) => readonly ['post' | 'patch' | 'delete', string, unknown?],
  ]
>([
  ['a new subscription', 'subscription', () => ['post', '/v1/subscriptions', { url: 'http://127.0.0.1:1/' }]],
  [
    'a change of a subscription',
    'subscription',
    ({ subscription }) => ['patch', `/v1/subscriptions/${subscription}`, { enabled: false }],
  ],
  [
    'a new secret',
    'subscription',
    ({ subscription }) => ['post', `/v1/subscriptions/${subscription}/rotate`, {}],
  ],
  [
    'events that are posted again',
    'notification_delivery',
    ({ subscription }) => [
      'post',
      `/v1/subscriptions/${subscription}/resend`,
      { from: '2020-01-01T00:00:00Z' },
    ],
  ],
  [
    'the end of a subscription',
    'subscription',
    ({ subscription }) => ['delete', `/v1/subscriptions/${subscription}`],
  ],
  ['another attempt of a media', 'media', ({ media }) => ['post', `/v1/media/${media}/retry`]],
  ['the erasure of a media', 'media', ({ media }) => ['delete', `/v1/media/${media}`]],
  ['the erasure of a person', 'delivery', () => ['delete', `/v1/contacts/z-api/${person}`]],
  ['another attempt of a message', 'outbound', ({ message }) => ['post', `/v1/messages/${message}/retry`]],
  ['a new channel', 'channel', () => ['post', '/v1/channels', newChannel()]],
  [
    'a change of a channel',
    'channel',
    ({ channel }) => ['patch', `/v1/channels/${channel}`, { name: 'other' }],
  ],
  ['the end of a channel', 'channel', ({ channel }) => ['delete', `/v1/channels/${channel}`]],
  ['a new token', 'api_token', () => ['post', '/v1/tokens', { name: 'new', scopes: ['media:read'] }]],
  ['the end of a token', 'api_token', ({ token: id }) => ['delete', `/v1/tokens/${id}`]],
])('%s does not happen without its entry', async (_, table, change) => {
  const [method, path, json] = change(there);
  const before = await rowsOf(table);
  await letWrite(false);
  const refused = await ask(method, path, json);
  expect(refused.status).toBeGreaterThanOrEqual(500);
  expect(await rowsOf(table)).toEqual(before);

  await letWrite(true);
  const done = await ask(method, path, json);
  expect(done.status).toBeLessThan(300);
  expect(await rowsOf(table)).not.toEqual(before);
});

it('a replay adds nothing without its entry', async () => {
  await service.database.query('delete from media where id = $1', [there.media]);
  await service.database.query('delete from message where delivery_id = $1', [there.delivery]);
  const before = await rowsOf('media');
  await letWrite(false);
  const path = `/v1/deliveries/${there.delivery}/replay`;
  expect((await ask('post', path)).status).toBeGreaterThanOrEqual(500);
  expect(await rowsOf('media')).toEqual(before);

  await letWrite(true);
  expect((await ask('post', path)).status).toBe(200);
  expect(await rowsOf('media')).toHaveLength(before.length + 1);
});

function newChannel(): { readonly id: string; readonly provider: string } {
  return { id: `c${newId().replaceAll('-', '').slice(0, 20)}`, provider: 'z-api' };
}
