/** `GET /v1/export`: archives and tables of many media, whatever happens meanwhile. */
import { createHash, randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { bytes, startMediaHost, type MediaHost } from '../../../src/demo/media-host.js';
import { photo } from '../../../src/demo/photos.js';
import type { ExportRow } from '../../../src/http/export/rows.js';
import { blobKey } from '../../../src/infra/files/blob-store.js';
import { unpack } from '../../support/archives.js';
import { call, postWebhook, receive, upload, type MediaView, type Page } from '../../support/client.js';
import { manyAttachments, zApiMedia } from '../../support/payloads.js';
import { describeWith } from '../../support/programs.js';
import { startTestService, type TestService } from '../../support/test-service.js';
import { until } from '../../support/until.js';

let host: MediaHost;
let service: TestService;

beforeAll(async () => {
  host = await startMediaHost();
  service = await startTestService({ mediaHosts: [host.host] });
});
afterAll(async () => {
  await service.stop();
  await host.close();
});

/** Larger than what a connection holds on its way. */
const largeBytes = 24 * 1024 * 1024;

function uploaded(channel: string, file: Buffer, filename: string): Promise<MediaView> {
  return upload(service, { file, filename, fields: { channel, kind: 'document' } }).then(({ body }) => body);
}

function ask(query: string, token = service.token('media:read')): Promise<Response> {
  return fetch(`${service.url}/v1/export?${query}`, { headers: { authorization: `Bearer ${token}` } });
}

async function bytesOf(response: Response): Promise<Buffer> {
  return Buffer.from(await response.arrayBuffer());
}

function rowsIn(text: string): ExportRow[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as ExportRow);
}

/** An archive whose client has read its beginning and then stops, in the middle of a large file. */
async function pausedExport(query: string): Promise<{ readonly rest: () => Promise<Buffer> }> {
  const response = await ask(query);
  const reader = response.body?.getReader();
  if (!reader) throw new Error('the answer has no body');
  const chunks = [(await reader.read()).value ?? new Uint8Array()];
  return {
    rest: async () => {
      for (let part = await reader.read(); !part.done; part = await reader.read()) chunks.push(part.value);
      return Buffer.concat(chunks);
    },
  };
}

async function blobPath({ sha256 }: MediaView): Promise<string> {
  return Promise.resolve(join(service.uploadsDir, blobKey(sha256 ?? '')));
}

describeWith('unzip', 'archives', () => {
  it('contain the files with readable names, and manifests with all facts', async () => {
    const file = await photo({ seed: 1, width: 64, height: 48 });
    const url = host.serve('/photo.jpg', bytes('image/jpeg', file));
    const options = { url, from: '5511900000042', caption: '=1+1 <b>رسالة</b> 🌹' };
    const media = await receive(service, 'z-api', zApiMedia(options));
    const gone = await receive(
      service,
      'z-api',
      zApiMedia({ url: `${host.origin}/gone.jpg`, from: options.from }),
    );

    const response = await ask('channel=z-api&from=5511900000042');
    expect(response.headers.get('content-type')).toBe('application/zip');
    expect(response.headers.get('content-disposition')).toMatch(/^attachment; filename="inlet-.*\.zip"$/);
    const { files } = await unpack(await bytesOf(response));
    const name = 'files/2026-11/2026-11-21 10.00.00 Ana - image (2).jpg';
    expect([...files.keys()].sort()).toEqual([name, 'manifest.csv', 'manifest.jsonl']);
    const stored = files.get(name) ?? Buffer.alloc(0);
    expect(createHash('sha256').update(stored).digest('hex')).toBe(media.sha256);
    expect(rowsIn(files.get('manifest.jsonl')?.toString() ?? '')).toEqual([
      { ...gone, file: null, omitted: 'not_ready', facts: [] },
      { ...media, file: name, omitted: null, facts: [] },
    ]);
    const csv = files.get('manifest.csv')?.toString().split('\r\n') ?? [];
    expect(csv).toHaveLength(4);
    expect(csv[2]).toContain(`"'=1+1 <b>رسالة</b> 🌹"`);
  });

  it('of a contact have the texts as well', async () => {
    const from = '5511900000555';
    const { body } = await postWebhook(service, 'z-api', zApiMedia({ from }));
    const said = { ...zApiMedia({ from }), image: undefined, text: { message: 'See you =1+1' } };
    await postWebhook(service, 'z-api', said);
    const { files } = await unpack(await bytesOf(await ask(`channel=z-api&contact=${from}`)));
    const lines = (name: string) => rowsIn(files.get(name)?.toString() ?? '');
    expect(lines('manifest.jsonl').map(({ id }) => id)).toEqual(body.media);
    expect(lines('messages.jsonl')).toMatchObject([{ type: 'text', from, text: 'See you =1+1' }]);
  });

  it('leave out what is erased meanwhile and what cannot be read, and say so', async () => {
    const lost = await uploaded('aisoule', Buffer.from('%PDF-1.7 lost'), 'lost.pdf');
    const erased = await uploaded('aisoule', Buffer.from('%PDF-1.7 private'), 'private.pdf');
    const large = await uploaded('aisoule', randomBytes(largeBytes), 'large.bin');
    const paused = await pausedExport('channel=aisoule');
    await rm(await blobPath(lost));
    await call(service.url, `/v1/media/${erased.id}`, { method: 'delete', token: service.token('admin') });
    const archive = await paused.rest();
    expect(archive.includes('private')).toBe(false);
    const { files } = await unpack(archive);
    const rows = rowsIn(files.get('manifest.jsonl')?.toString() ?? '');
    expect(rows.map(({ id, omitted }) => [id, omitted])).toEqual([
      [large.id, null],
      [erased.id, 'erased'],
      [lost.id, 'unreadable'],
    ]);
    expect(files.get(rows[0]?.file ?? '')?.length).toBe(largeBytes);
  });
});

describe('an export that takes long', () => {
  let channel: string;

  beforeAll(async () => {
    channel = 'sobot';
    for (let count = 0; count < 3; count += 1)
      await uploaded(channel, Buffer.from(`%PDF-1.7 ${String(count)}`), `${String(count)}.pdf`);
    await uploaded(channel, randomBytes(largeBytes), 'large.bin');
  });

  it('holds no transaction and no snapshot while its client does not read', async () => {
    const paused = await pausedExport(`channel=${channel}`);
    // Statements of the queue, and those before the client stopped, end by themselves; a snapshot of the
    // export would stay for as long as the client does not read.
    await until(async () => {
      const open = await service.database.query(
        `select from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
           and backend_type = 'client backend'
           and (state like 'idle in transaction%' or backend_xmin is not null or backend_xid is not null)`,
      );
      return open.length === 0;
    });
    await paused.rest();
  });

  it('is broken off if the database fails in the middle, and the audit trail says so', async () => {
    const paused = await pausedExport(`channel=${channel}`);
    await service.database.query('alter table blob rename to blob_away');
    try {
      await expect(paused.rest()).rejects.toThrow(/terminated/);
    } finally {
      await service.database.query('alter table blob_away rename to blob');
    }
    const token = service.token('admin');
    const audit = async () =>
      (await call<Page<AuditEntry>>(service.url, '/v1/audit?action=media.export&limit=1', { token })).body;
    await until(async () => (await audit()).items[0]?.details['outcome'] === 'broken');
  });

  it('ends when its token is revoked', async () => {
    const admin = service.token('admin');
    const json = { name: 'reader', scopes: ['media:read'] };
    const made = await call<{ id: string; token: string }>(service.url, '/v1/tokens', {
      method: 'post',
      token: admin,
      json,
    });
    const response = await ask(`channel=${channel}&format=zip`, made.body.token);
    await call(service.url, `/v1/tokens/${made.body.id}`, { method: 'delete', token: admin });
    await expect(response.arrayBuffer()).rejects.toThrow(/terminated/);
  });

  it('is one of few, and webhooks do not notice', async () => {
    const tokens = Array.from({ length: 3 }, () => service.token('media:read'));
    const [one, two, three] = tokens;
    const paused: Response[] = [];
    for (const token of [one, one, two, two]) paused.push(await ask(`channel=${channel}`, token));
    const refusals = [await ask('channel=sobot', one), await ask('channel=sobot', three)];
    expect(refusals.map(({ status, headers }) => [status, headers.get('retry-after')])).toEqual([
      [429, '30'],
      [503, '30'],
    ]);
    expect((await postWebhook(service, 'z-api', zApiMedia())).status).toBe(200);
    for (const response of paused) await response.body?.cancel();
    await until(async () => {
      const again = await ask('format=csv&channel=blip', one);
      await again.body?.cancel();
      return again.status === 200;
    });
  });
});

interface AuditEntry {
  readonly actor: string;
  readonly channel: string | null;
  readonly target: string | null;
  readonly details: Readonly<Record<string, unknown>>;
}

describe('tables', () => {
  const admin = () => service.token('admin');

  beforeAll(async () => {
    await postWebhook(service, 'blip', manyAttachments(150));
  });

  it('are complete, and in the order of the list', async () => {
    const rows = rowsIn(await (await ask('format=jsonl')).text());
    const { body } = await call<Page<MediaView>>(service.url, '/v1/media?limit=200', { token: admin() });
    expect(rows.map(({ id }) => id)).toEqual(body.items.map(({ id }) => id));
    expect(rows.length).toBeGreaterThan(120);
    const csv = await ask('format=csv');
    expect(csv.headers.get('content-type')).toBe('text/csv; charset=utf-8');
    expect((await csv.text()).trimEnd().split('\r\n')).toHaveLength(rows.length + 1);
  });

  it('of ids have these media in this order', async () => {
    const ids = [
      (await uploaded('blip', Buffer.from('%PDF-1.7 a'), 'a.pdf')).id,
      (await uploaded('blip', Buffer.from('%PDF-1.7 b'), 'b.pdf')).id,
    ];
    const rows = rowsIn(await (await ask(`format=jsonl&ids=${ids.join(',')}`)).text());
    expect(rows.map(({ id }) => id)).toEqual(ids);
  });

  it('of a contact have what the person sent and received, and nothing of others', async () => {
    const person = '5511900000777';
    const received = [
      zApiMedia({ from: person }),
      zApiMedia({ from: person, fromMe: true }),
      zApiMedia({ from: person, group: '120363000000000777-group' }),
      zApiMedia({ from: `${person}0` }),
    ];
    const ids: string[] = [];
    for (const payload of received)
      ids.push((await postWebhook(service, 'z-api', payload)).body.media[0] ?? '');
    const rows = rowsIn(await (await ask(`format=jsonl&channel=z-api&contact=${person}`)).text());
    expect(rows.map(({ id }) => id)).toEqual(ids.slice(0, 3).reverse());
  });

  it('show only the channels of the token', async () => {
    const [other] = rowsIn(await (await ask('format=jsonl&channel=sobot')).text());
    const token = service.token('media:read', { channels: ['blip'] });
    const rows = rowsIn(await (await ask('format=jsonl', token)).text());
    expect(new Set(rows.map(({ channel }) => channel))).toEqual(new Set(['blip']));
    expect((await ask(`format=jsonl&ids=${other?.id ?? ''}`, token)).status).toBe(404);
  });

  it('are recorded in the audit trail, with a pseudonym of the person', async () => {
    await (await ask('format=csv&channel=z-api&from=5511900000042')).text();
    const { body } = await call<Page<AuditEntry>>(service.url, '/v1/audit?action=media.export&limit=1', {
      token: admin(),
    });
    expect(body.items[0]).toMatchObject({
      channel: 'z-api',
      target: expect.stringMatching(/^[0-9a-f]{64}$/),
      details: { format: 'csv', outcome: 'complete', media: expect.any(Number) },
    });
  });
});

it.each([
  'format=rar',
  'contact=5511900000777',
  'channel=z-api&contact=1&kind=image',
  'ids=none',
  'ids=',
  'limit=5',
  'ids=019aa5e2-0000-7000-8000-000000000000&kind=image',
])('refuses %s', async (query) => {
  const response = await ask(query);
  expect([response.status, response.headers.get('content-type')]).toEqual([
    400,
    'application/problem+json; charset=utf-8',
  ]);
});

it('answers HEAD without making the archive', async () => {
  const response = await fetch(`${service.url}/v1/export`, {
    method: 'HEAD',
    headers: { authorization: `Bearer ${service.token('media:read')}` },
  });
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/zip']);
});
