/** `GET /v1/media`: filters, pages, and what is said of questions that make no sense. */
import { createHash } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { encodeCursor } from '../../../src/http/input.js';
import { call, postWebhook, upload, type Answer, type MediaView, type Page } from '../../support/client.js';
import { picture, sobotChange, zApiMedia } from '../../support/payloads.js';
import { startTestService, type TestService } from '../../support/test-service.js';

let service: TestService;
let clock = new Date();

async function list(query: string, token = service.token('media:read')): Promise<Page<MediaView>> {
  const { status, body } = await call<Page<MediaView>>(service.url, `/v1/media?${query}`, { token });
  if (status !== 200) throw new Error(`${query} was answered ${String(status)}`);
  return body;
}

function refused(query: string): Promise<Answer<unknown>> {
  return call(service.url, `/v1/media?${query}`, { token: service.token('media:read') });
}

describe('filters', () => {
  const file = Buffer.from('%PDF-1.7\n%%EOF\n');
  /** Each was received an hour after the one before. */
  const beginning = new Date('2026-11-21T10:00:00.000Z');
  const arrivals: Record<string, () => Promise<unknown>> = {
    percent: () =>
      postWebhook(
        service,
        'z-api',
        zApiMedia({ messageId: 'M-1', from: '5511900000001', caption: '100% off_now' }),
      ),
    invoice: () =>
      postWebhook(
        service,
        'z-api',
        zApiMedia({
          messageId: 'M-2',
          kind: 'document',
          from: '5511900000002',
          group: '120363000000000001-group',
          caption: String.raw`C:\Invoice of João`,
        }),
      ),
    outbound: () =>
      postWebhook(
        service,
        'z-api',
        zApiMedia({ messageId: 'M-3', kind: 'video', fromMe: true, caption: 'hundred' }),
      ),
    roses: () =>
      postWebhook(service, 'blip', picture('blip', { messageId: 'M-4', caption: 'ROSES and 1000 more' })),
    rejected: () =>
      postWebhook(service, 'sobot', [
        sobotChange({ id: 'M-5', from: '5511900000001', type: 'sticker', sticker: { id: '99' } }),
      ]),
    failed: () =>
      postWebhook(service, 'z-api', {
        ...zApiMedia({ messageId: 'M-6' }),
        image: { imageUrl: null, downloadError: 'Failed to download' },
      }),
    upload: () => upload(service, { file, fields: { channel: 'aisoule', kind: 'document' } }),
  };
  const names = Object.keys(arrivals);
  const idOf = new Map<string, string>();

  beforeAll(async () => {
    clock = beginning;
    service = await startTestService({ queue: false, now: () => clock });
    for (const [name, arrive] of Object.entries(arrivals)) {
      await arrive();
      const [newest] = (await list('limit=1')).items;
      idOf.set(newest?.id ?? '', name);
      clock = new Date(clock.getTime() + 3_600_000);
    }
  });

  afterAll(() => service.stop());

  const found = async (query: string): Promise<(string | undefined)[]> =>
    (await list(query)).items.map(({ id }) => idOf.get(id));

  it('are not needed: the newest comes first', async () => {
    expect(await found('')).toEqual(names.toReversed());
    expect((await list('')).nextCursor).toBeNull();
  });

  it.each([
    ['channel=z-api', ['failed', 'outbound', 'invoice', 'percent']],
    ['channel=nobody', []],
    ['provider=blip', ['roses']],
    ['direction=outbound', ['upload', 'outbound']],
    ['kind=document', ['upload', 'invoice']],
    ['kind=sticker', ['rejected']],
    ['state=pending', ['roses', 'outbound', 'invoice', 'percent']],
    ['state=rejected', ['rejected']],
    ['state=failed', ['failed']],
    ['state=ready', ['upload']],
    ['state=erased', []],
    ['from=5511900000001', ['rejected', 'percent']],
    ['from=551190000000', []],
    ['chat=120363000000000001-group', ['invoice']],
    ['messageId=M-4', ['roses']],
    [`sha256=${createHash('sha256').update(file).digest('hex')}`, ['upload']],
    [`sha256=${createHash('sha256').update(file).digest('hex').toUpperCase()}`, ['upload']],
    [`sha256=${'0'.repeat(64)}`, []],
    ['since=2026-11-21T15:00:00Z', ['upload', 'failed']],
    ['since=2026-11-21T12:00:00-03:00', ['upload', 'failed']],
    ['until=2026-11-21T11:00:00Z', ['percent']],
    ['since=2026-11-21T11:00:00Z&until=2026-11-21T13:00:00Z', ['outbound', 'invoice']],
    ['since=2026-11-21', names.toReversed()],
    ['until=2026-11-21', []],
    ['since=2026-11-22', []],
    ['q=roses', ['roses']],
    ['q=100%25', ['percent']],
    ['q=%25', ['percent']],
    ['q=_', ['percent']],
    ['q=0_', []],
    ['q=00', ['failed', 'rejected', 'roses', 'outbound', 'invoice', 'percent']],
    ['q=%5C', ['invoice']],
    ['q=%5CINVOICE', ['invoice']],
    ['q=jo%C3%A3o', ['invoice']],
    ['q=hundreds', []],
    ['q=%27%20or%201%3D1', []],
    ['channel=z-api&kind=image&state=pending&q=off', ['percent']],
    ['channel=blip&q=off', []],
  ])('find what fits %s', async (query, expected) => {
    expect(await found(query)).toEqual(expected);
  });

  it.each([
    ['limit=0', 'limit'],
    ['limit=201', 'limit'],
    ['limit=ten', 'limit'],
    ['limit=1.5', 'limit'],
    ['limit=', 'limit'],
    ['limit=1&limit=2', 'limit'],
    ['cursor=nonsense', 'cursor'],
    ['cursor=', 'cursor'],
    ['cursor=MTpub3QtYW4taWQ', 'cursor'],
    // A cursor of ours with a character that decoders skip.
    [`cursor=${encodeCursor('01a1fd86-7643-7000-8b24-0d479f8d70bd')}!`, 'cursor'],
    ['kind=picture', 'kind'],
    ['state=done', 'state'],
    ['direction=up', 'direction'],
    ['sha256=xyz', 'sha256'],
    ['since=yesterday', 'since'],
    ['since=2026-02-30', 'since'],
    ['since=0000-01-01', 'since'],
    ['since=2026-11-21T10:00:00', 'since'],
    ['until=2026-11-21T25:00:00Z', 'until'],
    ['channel=', 'channel'],
    ['channel=blip&channel=sobot', 'channel'],
    ['q=', 'q'],
    [`q=${'x'.repeat(201)}`, 'q'],
    [`from=${'5'.repeat(256)}`, 'from'],
    ['from=%00', 'from'],
    ['chat=a%00b', 'chat'],
    ['messageId=%00', 'messageId'],
    ['q=%00', 'q'],
    ['channel=%00', 'channel'],
    ['provider=%00', 'provider'],
    ['colour=red', 'colour'],
    ['__proto__=1', '__proto__'],
    ['from[gt]=1', 'from[gt]'],
  ])('that make no sense are refused by name: %s', async (query, field) => {
    expect(await refused(query)).toMatchObject({
      status: 400,
      headers: { 'content-type': expect.stringMatching(/^application\/problem\+json/) },
      body: {
        code: 'request.invalid',
        detail: expect.any(String),
        errors: [{ field, message: expect.any(String) }],
      },
    });
  });

  it.each([
    ['since=9999-12-31T23:00:00-01:00', 'since', 'must not be after 9999-12-31T23:59:59.999Z'],
    ['until=0001-01-01T00:00:00%2B00:01', 'until', 'must not be before 0001-01-01T00:00:00.000Z'],
  ])('that no calendar has are refused in words: %s', async (query, field, message) => {
    expect(await refused(query)).toMatchObject({ body: { errors: [{ field, message }] } });
  });

  it('that make no sense are all named at once', async () => {
    expect(await refused('limit=0&kind=picture&colour=red')).toMatchObject({
      status: 400,
      body: {
        errors: expect.arrayContaining([
          expect.objectContaining({ field: 'limit' }),
          expect.objectContaining({ field: 'kind' }),
          expect.objectContaining({ field: 'colour' }),
        ]),
      },
    });
  });
});

describe('pages', () => {
  beforeAll(async () => {
    service = await startTestService({ queue: false });
    for (let index = 0; index < 23; index += 1)
      await postWebhook(
        service,
        index % 2 === 0 ? 'z-api' : 'blip',
        picture(index % 2 === 0 ? 'z-api' : 'blip'),
      );
  });

  afterAll(() => service.stop());

  async function collect(
    query: string,
    between: () => Promise<unknown>,
  ): Promise<{ ids: string[]; pages: number }> {
    const ids: string[] = [];
    let cursor: string | null = '';
    let pages = 0;
    while (cursor !== null) {
      const page: Page<MediaView> = await list(`${query}${cursor && `&cursor=${cursor}`}`);
      ids.push(...page.items.map(({ id }) => id));
      cursor = page.nextCursor;
      pages = pages + 1;
      await between();
    }
    return { ids, pages };
  }

  it('neither leave out nor repeat anything while new rows arrive', async () => {
    const before = (await list('limit=200')).items.map(({ id }) => id);
    const { ids, pages } = await collect('limit=5', () =>
      Promise.all([
        postWebhook(service, 'z-api', picture('z-api')),
        postWebhook(service, 'sobot', picture('sobot')),
      ]),
    );
    expect(ids).toEqual(before);
    expect(pages).toBe(5);
  });

  it('go together with filters', async () => {
    const before = (await list('limit=200&channel=blip')).items.map(({ id }) => id);
    const { ids } = await collect('limit=2&channel=blip', () => Promise.resolve());
    expect(ids).toEqual(before);
    expect(ids).toHaveLength(11);
  });

  it('end with the last row and not with an empty page', async () => {
    const { items, nextCursor } = await list('channel=blip&limit=11');
    expect(items).toHaveLength(11);
    expect(nextCursor).toBeNull();
  });

  it('have fifty items unless asked otherwise', async () => {
    for (let index = 0; index < 60; index += 1) await postWebhook(service, 'vonage', picture('vonage'));
    const { items, nextCursor } = await list('');
    expect(items).toHaveLength(50);
    expect(nextCursor).toEqual(expect.any(String));
  });

  it('do not change with their order of arrival within one delivery', async () => {
    const messages = Array.from({ length: 12 }, (_, index) =>
      sobotChange({
        id: `together-${String(index)}`,
        from: '5511999990000',
        type: 'image',
        image: { url: `https://x.example/${String(index)}` },
      }),
    );
    const { body } = await postWebhook(service, 'sobot', messages);
    const { ids } = await collect('limit=5&from=5511999990000&channel=sobot', () => Promise.resolve());
    expect(ids.slice(0, 12)).toEqual(body.media.toReversed());
  });
});
