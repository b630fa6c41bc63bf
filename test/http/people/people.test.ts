/** `GET /v1/people`: people and groups with their sums, search by names and numbers, timelines, and erasing. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { newId } from '../../../src/domain/id.js';
import { createPeople } from '../../../src/infra/tables/people/people.js';
import { call, postWebhook, type MediaView, type Page } from '../../support/client.js';
import { zApiMedia } from '../../support/payloads.js';
import { startTestService, type TestService } from '../../support/test-service.js';

interface PersonView {
  readonly channel: string;
  readonly id: string;
  readonly kind: string;
  readonly name: string | null;
  readonly names: readonly string[];
  readonly number: string | null;
  readonly ids: readonly string[];
  readonly firstSeenAt: string;
  readonly lastSeenAt: string;
  readonly received: number;
  readonly sent: number;
  readonly pending: number;
  readonly failed: number;
  readonly elsewhere?: readonly { readonly channel: string }[];
}

interface TimelineItem {
  readonly type: string;
  readonly direction: string;
  readonly media: MediaView;
}

let service: TestService;
beforeEach(async () => {
  service = await startTestService({ queue: false });
});
afterEach(() => service.stop());

const ana = '5511900000123';
const anaWithoutNinth = '551100000123';
const group = '120363000000000001-group';

async function get<Body>(path: string, token = service.token('media:read')): Promise<Body> {
  const { status, body } = await call<Body>(service.url, path, { token });
  if (status !== 200) throw new Error(`${path} was answered ${String(status)}`);
  return body;
}

const people = (query = ''): Promise<Page<PersonView>> => get(`/v1/people?${query}`);
const person = (id: string, channel = 'z-api'): Promise<PersonView> => get(`/v1/people/${channel}/${id}`);

interface Sent {
  readonly from?: string;
  readonly name?: string;
  readonly messageId?: string;
  readonly more?: object;
}

let count = 0;
async function receive({
  from = ana,
  name = 'Ana Peçanha',
  messageId,
  more = {},
}: Sent = {}): Promise<string> {
  const id = messageId ?? `M-${String((count += 1))}`;
  const receipt = await postWebhook(service, 'z-api', {
    ...zApiMedia({ messageId: id, from }),
    senderName: name,
    ...more,
  });
  return receipt.body.media[0] ?? '';
}

async function erase(path: string): Promise<number> {
  return (await call(service.url, path, { method: 'delete', token: service.token('admin') })).status;
}

describe('sums', () => {
  it('count what a person has sent and was sent, and name them as they were named last', async () => {
    await receive({ name: 'Ana' });
    await receive();
    await receive({ more: { fromMe: true, chatName: 'Ana from the shop' } });
    expect((await people()).items).toMatchObject([
      { channel: 'z-api', id: ana, kind: 'person', number: ana, received: 2, sent: 1, pending: 2, failed: 0 },
    ]);
    expect(await person(ana)).toMatchObject({
      name: 'Ana Peçanha',
      names: ['Ana Peçanha'],
      elsewhere: [],
    });
  });

  it('keep former names', async () => {
    await receive({ name: 'Ana' });
    await people();
    await receive({ name: 'Ana Peçanha' });
    expect((await people()).items).toMatchObject([{ name: 'Ana Peçanha', names: ['Ana Peçanha', 'Ana'] }]);
  });

  it('count a group and each of its members', async () => {
    const inGroup = { phone: group, isGroup: true, chatName: 'Station 4' };
    await receive({ more: { ...inGroup, participantPhone: ana } });
    await receive({
      from: '5511900000999',
      name: 'Bia',
      more: { ...inGroup, participantPhone: '5511900000999' },
    });
    expect((await people('kind=group')).items).toMatchObject([
      { id: group, kind: 'group', name: 'Station 4', number: null, received: 2, pending: 2 },
    ]);
    expect((await people('kind=person')).items.map(({ id }) => id)).toEqual(['5511900000999', ana]);
    const { items } = await get<Page<TimelineItem>>(`/v1/people/z-api/${group}/timeline`);
    expect(items).toHaveLength(2);
  });

  it('do not change by a repeated webhook, and lose what is erased', async () => {
    const first = await receive({ messageId: 'M-one' });
    await receive({ messageId: 'M-one' });
    await receive({ messageId: 'M-two' });
    expect(await person(ana)).toMatchObject({ received: 2 });
    expect(await erase(`/v1/media/${first}`)).toBe(200);
    expect(await person(ana)).toMatchObject({ received: 1 });
    const [left] = (await get<Page<MediaView>>(`/v1/media?from=${ana}`)).items;
    await erase(`/v1/media/${left?.id ?? ''}`);
    expect((await people()).items).toEqual([]);
  });

  it('are what a recount makes of the rows', async () => {
    await receive();
    await receive({ more: { fromMe: true } });
    await receive({ more: { phone: group, isGroup: true, participantPhone: ana } });
    const counted = (await people()).items;
    await service.database.query('select people_recount()');
    expect((await people()).items).toEqual(counted);
    expect(counted).toHaveLength(2);
  });
});

describe('one person', () => {
  it('has a number with the ninth digit of Brazil and without it', async () => {
    await receive();
    await receive({ from: anaWithoutNinth });
    for (const id of [ana, anaWithoutNinth])
      expect(await person(id)).toMatchObject({
        received: 2,
        ids: expect.arrayContaining([ana, anaWithoutNinth]),
      });
    expect((await people()).items).toHaveLength(1);
  });

  it('is not the landline of another one', async () => {
    await receive({ from: '5511933334444' });
    await receive({ from: '551133334444', name: 'The office' });
    expect((await people()).items.map(({ received }) => received)).toEqual([1, 1]);
  });

  it('may have an id that replaces the number, and becomes one when a webhook has both', async () => {
    const lid = '77709999999999@lid';
    await receive({ more: { phone: lid, chatLid: lid } });
    expect(await person(lid)).toMatchObject({ number: null, received: 1 });
    await receive();
    expect((await people()).items).toHaveLength(2);
    await receive({ more: { chatLid: lid } });
    for (const id of [ana, lid])
      expect(await person(id)).toMatchObject({ id: ana, number: ana, received: 3 });
    expect((await people()).items).toHaveLength(1);
    await receive({ more: { phone: lid, chatLid: lid } });
    expect(await person(ana)).toMatchObject({ received: 4 });
  });

  it('is erased with all ids, and the same webhook brings nothing back', async () => {
    const lid = '77709999999999@lid';
    await receive({ messageId: 'M-number', more: { chatLid: lid } });
    await receive({ messageId: 'M-lid', more: { phone: lid, chatLid: lid } });
    await receive({ from: '5511900000999', name: 'Bia' });
    expect(await erase(`/v1/contacts/z-api/${anaWithoutNinth}`)).toBe(200);
    const { items } = await people();
    expect(items.map(({ name }) => name)).toEqual(['Bia']);
    await receive({ messageId: 'M-lid', more: { phone: lid, chatLid: lid } });
    expect((await people()).items).toHaveLength(1);
    for (const table of ['person', 'person_id', 'person_change', 'message', 'delivery', 'audit_entry'])
      for (const row of await service.database.query(`select ${table}::text as row from ${table}`))
        expect(row['row']).not.toMatch(/0000123|@lid|Peçanha/);
  });

  it('is named with the other channels that know the number, as far as the token sees them', async () => {
    await receive();
    await postWebhook(service, 'z-api', zApiMedia({ from: '5511900000999' }));
    await person(ana);
    await service.database.query(
      `insert into person (channel, key, kind, person, ids, names, first_id, last_id, received, sent, texts)
       select 'blip', key, kind, person, ids, names, first_id, last_id, 1, 0, 0 from person where key = $1`,
      [anaWithoutNinth],
    );
    expect((await person(ana)).elsewhere).toMatchObject([{ channel: 'blip' }]);
    const limited = service.token('media:read', { channels: ['z-api'] });
    expect(await get(`/v1/people/z-api/${ana}`, limited)).toMatchObject({ elsewhere: [] });
  });
});

describe('a search', () => {
  it.each([
    ['a part of the name without accents', 'pecan'],
    ['another case', 'ANA'],
    ['a number as people write it', '+55 (11) 90000-0123'],
    ['without the ninth digit', '(11) 0000-0123'],
    ['the end of a number', '0123'],
    ['one letter', 'p'],
  ])('finds people and their media by %s', async (_, q) => {
    await receive();
    await receive({ more: { fromMe: true } });
    await receive({ from: '5521988887777', name: 'Bruno' });
    const found = await people(`q=${encodeURIComponent(q)}`);
    expect(found.items.map(({ id }) => id)).toEqual([ana]);
    const media = await get<Page<MediaView>>(`/v1/media?q=${encodeURIComponent(q)}`);
    expect(media.items.map(({ direction }) => direction)).toEqual(['outbound', 'inbound']);
  });

  it('finds the media of an id that is a person here and a conversation there, and shows them', async () => {
    const first = await receive();
    const second = await receive({
      from: group,
      more: { phone: ana, isGroup: true, participantPhone: '5521988887777' },
    });
    // The newest media would be found without an index.
    for (let place = 0; place < 260; place += 1)
      await service.database.query(
        `insert into media (id, channel, provider, position, direction, kind, state, received_at)
         values ($1, 'z-api', 'z-api', 0, 'outbound', 'image', 'pending', now())`,
        [newId()],
      );
    for (const q of [ana, 'Pecanha']) {
      const { items } = await get<Page<MediaView>>(`/v1/media?q=${q}`);
      expect(items.map(({ id }) => id)).toEqual([second, first]);
    }
    expect(await person(ana)).toMatchObject({ kind: 'group', name: 'Ana Peçanha', received: 2, pending: 2 });
    const timeline = await get<Page<TimelineItem>>(`/v1/people/z-api/${ana}/timeline`);
    expect(timeline.items.map(({ media }) => media.id)).toEqual([second, first]);
  });

  it('shows all media of two ids of a person of which one is also a conversation', async () => {
    const lid = '77709999999999@lid';
    const alone = await receive({ more: { phone: lid, chatLid: lid } });
    const together = await receive({
      from: group,
      more: { phone: lid, isGroup: true, participantPhone: '5521988887777' },
    });
    const byNumber = await receive();
    expect(await person(lid)).toMatchObject({ kind: 'group', received: 2 });
    expect(await person(ana)).toMatchObject({ kind: 'person', received: 1 });
    const byBoth = await receive({ more: { chatLid: lid } });
    for (const id of [ana, lid]) {
      expect(await person(id)).toMatchObject({ kind: 'group', received: 4, pending: 4 });
      const timeline = await get<Page<TimelineItem>>(`/v1/people/z-api/${id}/timeline`);
      expect(timeline.items.map(({ media }) => media.id)).toEqual([byBoth, byNumber, together, alone]);
    }
  });

  it('does not take a number for one of another area that ends in the same way', async () => {
    await receive();
    const other = '5521900000123';
    await receive({ from: other, name: 'Bruno' });
    const q = encodeURIComponent('+55 (21) 90000-0123');
    expect((await people(`q=${q}`)).items.map(({ id }) => id)).toEqual([other]);
    expect((await get<Page<MediaView>>(`/v1/media?q=${q}`)).items).toHaveLength(1);
  });

  it('finds media by the name of their group, of their file, and by their caption', async () => {
    await receive({
      more: { phone: group, isGroup: true, participantPhone: ana, chatName: 'Peças e Serviços' },
    });
    await receive({ from: '5521988887777', name: 'Bruno' });
    await postWebhook(service, 'z-api', {
      ...zApiMedia({
        kind: 'document',
        filename: 'Contrato São José.pdf',
        from: '5521988887777',
        caption: 'À vista',
      }),
    });
    const kinds = async (q: string): Promise<string[]> =>
      (await get<Page<MediaView>>(`/v1/media?q=${encodeURIComponent(q)}`)).items.map(({ kind }) => kind);
    expect(await kinds('servicos')).toEqual(['image']);
    expect(await kinds('sao jose')).toEqual(['document']);
    expect(await kinds('a vista')).toEqual(['document']);
    expect(await kinds('100%')).toEqual([]);
  });

  it('stays within the channels of the token', async () => {
    await receive();
    const token = service.token('media:read', { channels: ['blip'] });
    expect(await get<Page<PersonView>>('/v1/people?q=ana', token)).toMatchObject({ items: [] });
    const { status, body } = await call(service.url, `/v1/people/z-api/${ana}`, { token });
    expect([status, body.code]).toEqual([404, 'person.not_found']);
  });
});

it('is listed once, page by page, also where two were seen last at the same moment', async () => {
  await receive();
  await receive({ more: { phone: ana, isGroup: true, participantPhone: '5521988887777' } });
  // What was a conversation once is a group now, and has its last media item together with another one.
  await receive({ more: { phone: group, isGroup: true, participantPhone: ana } });
  await receive({ from: '5511911110000' });
  const all = (await people()).items.map(({ id }) => id);
  expect(all).toHaveLength(4);
  for (const query of ['', 'q=1', 'channel=z-api', 'q=5', 'kind=group']) {
    const { items } = await people(query);
    const seen: string[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const page: Page<PersonView> = await people(
        `${query}&limit=1${cursor === '' ? '' : `&cursor=${cursor}`}`,
      );
      seen.push(...page.items.map(({ id }) => id));
      cursor = page.nextCursor;
    }
    expect({ query, seen }).toEqual({ query, seen: items.map(({ id }) => id) });
  }
});

it('does not end a list when somebody is erased who was just found', async () => {
  const found = ['5511911110001', '5511911110002', '5511911110003'];
  for (const from of found) await receive({ from, name: 'Bruna' });
  await people(); // Adds them.
  let statements = 0;
  const query = async (asked: string, values: unknown[]): Promise<{ rows: unknown[] }> => {
    const rows = await service.database.query(asked, values);
    statements += 1;
    if (statements === 1) await service.database.query('delete from person where $1 = any(ids)', [found[1]]);
    return { rows };
  };
  const pool = { query } as unknown as Parameters<typeof createPeople>[0];
  const refresh = (): Promise<void> => Promise.resolve();
  const page = await createPeople(pool, { refresh }).list({ q: 'bruna' }, { limit: 2 });
  expect(page.items.map(({ person: id }) => id)).toEqual(['5511911110003']);
  const rest = await createPeople(pool, { refresh }).list({ q: 'bruna' }, { limit: 2, after: page.next });
  expect(rest.items.map(({ person: id }) => id)).toEqual(['5511911110001']);
});

describe('a timeline', () => {
  it('has both directions in order, page by page', async () => {
    const ids = [
      await receive(),
      await receive({ more: { fromMe: true } }),
      await receive({ from: anaWithoutNinth }),
      await receive({ more: { phone: group, isGroup: true, participantPhone: ana } }),
    ];
    await receive({ from: '5521988887777' });
    const seen: TimelineItem[] = [];
    let cursor: string | null = '';
    do {
      const page: Page<TimelineItem> = await get(
        `/v1/people/z-api/${ana}/timeline?limit=1${cursor === '' ? '' : `&cursor=${cursor}`}`,
      );
      seen.push(...page.items);
      cursor = page.nextCursor;
    } while (cursor !== null);
    expect(seen.map(({ media }) => media.id)).toEqual(ids.toReversed());
    expect(seen.map(({ direction }) => direction)).toEqual(['inbound', 'inbound', 'outbound', 'inbound']);
  });
});

describe('pages of the list', () => {
  it('have everybody once, the last seen first', async () => {
    for (let place = 0; place < 7; place += 1)
      await receive({
        from: `552190000000${String(place)}`,
        name: `Person ${String(place)}`,
        more:
          place % 2 === 0
            ? {}
            : { phone: group, isGroup: true, participantPhone: `552190000000${String(place)}` },
      });
    const all = (await people()).items.map(({ id }) => id);
    expect(all).toHaveLength(8);
    for (const filter of ['', '&q=55219', '&q=person']) {
      const seen: string[] = [];
      let cursor: string | null = '';
      do {
        const page: Page<PersonView> = await people(
          `limit=3${filter}${cursor === '' ? '' : `&cursor=${cursor}`}`,
        );
        seen.push(...page.items.map(({ id }) => id));
        cursor = page.nextCursor;
      } while (cursor !== null);
      expect(seen).toEqual(filter === '' ? all : all.filter((id) => id !== group));
    }
  });

  it('do not accept a cursor of another list', async () => {
    const { status, body } = await call(service.url, '/v1/people?cursor=MTow', {
      token: service.token('media:read'),
    });
    expect([status, body.code]).toEqual([400, 'request.invalid']);
  });
});
