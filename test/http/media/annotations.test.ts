/** `PATCH /v1/media/:id`: tags, notes, and what was dealt with. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { call, postWebhook, type Answer, type Page } from '../../support/client.js';
import { zApiMedia } from '../../support/payloads.js';
import { startTestService, type TestService } from '../../support/test-service.js';

interface Annotations {
  readonly tags: readonly string[];
  readonly note: string | null;
  readonly resolvedAt: string | null;
  readonly revision: number;
}

interface AnnotatedMedia {
  readonly id: string;
  readonly state: string;
  readonly annotations: Annotations;
}

let service: TestService;
beforeEach(async () => {
  service = await startTestService({ queue: false });
});
afterEach(() => service.stop());

async function received(): Promise<string> {
  return (await postWebhook(service, 'z-api', zApiMedia())).body.media[0] ?? '';
}

async function failed(): Promise<string> {
  const payload = { ...zApiMedia(), image: { imageUrl: null, downloadError: 'Failed to download' } };
  return (await postWebhook(service, 'z-api', payload)).body.media[0] ?? '';
}

function annotate<Body = Annotations & { readonly code?: string }>(
  id: string,
  json: object,
  { token = service.token('messages:send'), revision }: { token?: string; revision?: number } = {},
): Promise<Answer<Body>> {
  const headers = revision === undefined ? {} : { 'If-Match': `"${String(revision)}"` };
  return call<Body>(service.url, `/v1/media/${id}`, { method: 'patch', token, json, headers });
}

async function list(query: string): Promise<readonly AnnotatedMedia[]> {
  const path = `/v1/media?${query}`;
  return (await call<Page<AnnotatedMedia>>(service.url, path, { token: service.token('media:read') })).body
    .items;
}

const idsOf = async (query: string): Promise<string[]> => (await list(query)).map(({ id }) => id);

describe('a change', () => {
  it('is kept, shown with the media item, and leaves the other members as they are', async () => {
    const id = await received();
    expect((await list(''))[0]?.annotations).toEqual({ tags: [], note: null, resolvedAt: null, revision: 0 });
    const { status, body } = await annotate(id, { tags: [' Peças  novas ', 'case 4711', 'PECAS NOVAS'] });
    expect([status, body]).toEqual([
      200,
      { tags: ['Peças novas', 'case 4711'], note: null, resolvedAt: null, revision: 1 },
    ]);
    await annotate(id, { note: ' Call back ' });
    await annotate(id, { resolved: true });
    const [media] = await list('');
    expect(media?.annotations).toMatchObject({
      tags: ['Peças novas', 'case 4711'],
      note: 'Call back',
      revision: 3,
    });
    expect(media?.annotations.resolvedAt).not.toBeNull();
    expect((await annotate(id, { note: null, tags: [], resolved: false })).body).toEqual({
      tags: [],
      note: null,
      resolvedAt: null,
      revision: 4,
    });
  });

  it('that changes nothing leaves the revision, and no entry in the audit trail', async () => {
    const id = await received();
    await annotate(id, { note: 'One' });
    expect((await annotate(id, { note: 'One', tags: [] })).body.revision).toBe(1);
    expect(await service.database.query(`select action from audit_entry`)).toHaveLength(1);
  });

  it('is refused if somebody else was faster', async () => {
    const id = await received();
    expect((await annotate(id, { note: 'First' }, { revision: 0 })).status).toBe(200);
    const second = await annotate(id, { note: 'Second' }, { revision: 0 });
    expect([second.status, second.body.code]).toEqual([412, 'media.annotated_meanwhile']);
    expect((await list(''))[0]?.annotations.note).toBe('First');
    const both = await Promise.all(
      ['Third', 'Fourth'].map((note) => annotate(id, { note }, { revision: 1 })),
    );
    expect(both.map(({ status }) => status).toSorted()).toEqual([200, 412]);
  });

  it('is in the audit trail with its actor and without its texts', async () => {
    const id = await received();
    await annotate(id, { tags: ['Fernanda'], note: 'Fernanda called', resolved: true });
    await annotate(id, { tags: [], note: null });
    const entries = await service.database.query<{ details: object; target: string; actor: string }>(
      'select details, target, actor from audit_entry order by id',
    );
    expect(entries.map(({ details }) => details)).toEqual([
      { tagsAdded: 1, note: 'changed', resolved: true },
      { tagsRemoved: 1, note: 'removed' },
    ]);
    expect(entries.map(({ target }) => target)).toEqual([id, id]);
    expect(entries.every(({ actor }) => actor.length > 10)).toBe(true);
    expect(JSON.stringify(entries)).not.toContain('Fernanda');
  });

  it.each([
    ['nothing', {}],
    ['an unknown member', { tags: [], colour: 'red' }],
    ['a tag that is too long', { tags: ['x'.repeat(65)] }],
    ['a very long tag', { tags: ['x'.repeat(10_000)] }],
    ['an empty tag', { tags: ['  '] }],
    ['too many tags', { tags: Array.from({ length: 51 }, (_, place) => String(place)) }],
    ['a note that is too long', { note: 'x'.repeat(4_001) }],
    ['a NUL', { note: 'a\0b' }],
    ['a word for a truth', { resolved: 'yes' }],
  ])('with %s is refused', async (_, json) => {
    const { status, body } = await annotate(await received(), json);
    expect([status, body.code]).toEqual([400, 'request.invalid']);
  });

  it('needs a token that may send, and sees the channel', async () => {
    const id = await received();
    expect((await annotate(id, { tags: [] }, { token: service.token('media:read') })).status).toBe(403);
    const elsewhere = service.token('messages:send', { channels: ['blip'] });
    expect((await annotate(id, { tags: [] }, { token: elsewhere })).status).toBe(404);
  });
});

describe('tags', () => {
  it('are found as a whole, in any case, with and without other filters', async () => {
    const one = await received();
    const two = await failed();
    await received();
    await annotate(one, { tags: ['Peça'] });
    await annotate(two, { tags: ['peça', 'other'] });
    expect(await idsOf('tag=PECA')).toEqual([two, one]);
    expect(await idsOf('tag=peca&limit=1')).toEqual([two]);
    expect(await idsOf('tag=pe')).toEqual([]);
    expect(await idsOf('tag=peca&state=failed')).toEqual([two]);
    expect(await idsOf('tag=peca&channel=blip')).toEqual([]);
    expect(await idsOf('tag=peca&until=2020-01-01')).toEqual([]);
    await annotate(two, { tags: ['other'] });
    expect(await idsOf('tag=peca')).toEqual([one]);
  });

  it('are found by a part in a search', async () => {
    const id = await received();
    await received();
    await annotate(id, { tags: ['Devolução 4711'] });
    for (const q of ['devolucao', '471', 'O 4']) expect(await idsOf(`q=${q}`)).toEqual([id]);
  });

  it('are listed for the channels of the token', async () => {
    const id = await received();
    await annotate(id, { tags: ['Roses', 'Âmbar'] });
    const tags = async (query: string, token = service.token('media:read')): Promise<unknown> =>
      (await call<{ items: unknown }>(service.url, `/v1/tags?${query}`, { token })).body.items;
    expect(await tags('')).toEqual(['Âmbar', 'Roses']);
    expect(await tags('q=amb')).toEqual(['Âmbar']);
    expect(await tags('', service.token('media:read', { channels: ['blip'] }))).toEqual([]);
  });
});

describe('what was dealt with', () => {
  it('needs no attention, until it is tried again', async () => {
    const id = await failed();
    await failed();
    const attention = async (): Promise<unknown> =>
      (await call<{ needsAttention: object }>(service.url, '/v1/stats', { token: service.token('admin') }))
        .body.needsAttention;
    expect(await attention()).toMatchObject({ failed: 2 });
    await annotate(id, { resolved: true });
    expect(await attention()).toMatchObject({ failed: 1 });
    expect(await idsOf('state=failed&resolved=true')).toEqual([id]);
    expect(await idsOf('state=failed&resolved=false')).not.toContain(id);
    await service.database.query(`update media set state = 'pending' where id = $1`, [id]);
    expect((await list('resolved=true')).length).toBe(0);
  });
});

describe('an erasure', () => {
  it('removes tags and note with the media item', async () => {
    const id = await received();
    await annotate(id, { tags: ['Fernanda'], note: 'Fernanda called' });
    await call(service.url, `/v1/media/${id}`, { method: 'delete', token: service.token('admin') });
    expect(await service.database.query('select * from media_tag')).toEqual([]);
    expect(await service.database.query('select tags, note from media')).toEqual([
      { tags: null, note: null },
    ]);
    const { status, body } = await annotate(id, { note: 'Again' });
    expect([status, body.code]).toEqual([410, 'media.erased']);
  });

  it('removes them as well if a process of an earlier version erases', async () => {
    const id = await received();
    await annotate(id, { tags: ['Fernanda'], note: 'Fernanda called' });
    await service.database.query(`update media set state = 'erased' where id = $1`, [id]);
    expect(await service.database.query('select tags, note from media')).toEqual([
      { tags: null, note: null },
    ]);
    expect(await service.database.query('select * from media_tag')).toEqual([]);
  });
});
