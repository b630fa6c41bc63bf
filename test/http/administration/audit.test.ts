/** Who did what: listed for administrators, each within what the token sees. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { openPool, type Pool } from '../../../src/infra/postgres/database.js';
import { createAudit } from '../../../src/infra/tables/audit.js';
import { call, type Page } from '../../support/client.js';
import { startTestService, type TestService } from '../../support/test-service.js';

interface AuditEntryView {
  readonly id: string;
  readonly at: string;
  readonly actor: string;
  readonly actorName: string | null;
  readonly action: string;
  readonly channel: string | null;
  readonly target: string | null;
  readonly details: Readonly<Record<string, unknown>>;
}

let service: TestService;
let pool: Pool;

beforeAll(async () => {
  service = await startTestService({ queue: false });
  pool = openPool({ connectionString: service.database.connectionString, max: 1 });
  let hour = 10;
  const audit = createAudit(pool, () => new Date(`2026-11-21T${String(hour++)}:00:00.000Z`));
  await service.database.query(
    `insert into api_token (id, name, scopes, channels, created_at) values ('t1', 'operations', '{}', '{}', now())`,
  );
  await audit.record({ actor: 't1', action: 'channel.create', channel: 'z-api', target: 'z-api' });
  await audit.record({ actor: 't2', actorName: 'Bo', action: 'token.revoke', target: 't1' });
  await audit.record({
    actor: 't1',
    action: 'media.erase',
    channel: 'blip',
    target: 'some-media',
    details: { media: 1 },
  });
});

afterAll(async () => {
  await pool.end();
  await service.stop();
});

function list(query = '', token = service.token('admin')) {
  return call<Page<AuditEntryView>>(service.url, `/v1/audit?${query}`, { token });
}

async function actions(query: string, token?: string): Promise<string[]> {
  return (await list(query, token)).body.items.map(({ action }) => action);
}

describe('the audit trail', () => {
  it('shows the newest first, each with who, what and when', async () => {
    const { status, body } = await list();
    expect(status).toBe(200);
    expect(body.items).toEqual([
      {
        id: expect.any(String),
        at: '2026-11-21T12:00:00.000Z',
        actor: 't1',
        actorName: 'operations',
        action: 'media.erase',
        channel: 'blip',
        target: 'some-media',
        details: { media: 1 },
      },
      {
        id: expect.any(String),
        at: '2026-11-21T11:00:00.000Z',
        actor: 't2',
        actorName: 'Bo',
        action: 'token.revoke',
        channel: null,
        target: 't1',
        details: {},
      },
      expect.objectContaining({ action: 'channel.create', channel: 'z-api' }),
    ]);
    expect(body.nextCursor).toBeNull();
  });

  it.each([
    ['action=token.revoke', ['token.revoke']],
    ['actor=t1', ['media.erase', 'channel.create']],
    ['channel=blip', ['media.erase']],
    ['since=2026-11-21T11:00:00Z&until=2026-11-21T12:00:00Z', ['token.revoke']],
    ['action=none', []],
  ])('answers %s', async (query, expected) => {
    expect(await actions(query)).toEqual(expected);
  });

  it('goes on where a page ended', async () => {
    const first = (await list('limit=2')).body;
    expect(first.items).toHaveLength(2);
    expect(await actions(`limit=2&cursor=${String(first.nextCursor)}`)).toEqual(['channel.create']);
  });

  it('shows a token that is limited to channels only what was done there', async () => {
    const token = service.token('admin', { channels: ['z-api'] });
    expect(await actions('', token)).toEqual(['channel.create']);
    expect(await actions('channel=blip', token)).toEqual([]);
  });

  it('is for administrators, and knows no other method and no other filter', async () => {
    expect((await list('', service.token('media:read'))).status).toBe(403);
    expect((await call(service.url, '/v1/audit', { method: 'delete' })).status).toBe(405);
    expect((await list('colour=red')).status).toBe(400);
    expect((await list('since=yesterday')).status).toBe(400);
  });
});
