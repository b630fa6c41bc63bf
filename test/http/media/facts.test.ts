/** `POST /v1/media/:id/facts`: what external programs find out about media. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import {
  call,
  postWebhook,
  upload,
  type Answer,
  type MediaView,
  type Problem,
} from '../../support/client.js';
import { zApiMedia } from '../../support/payloads.js';
import { startTestService, type TestService } from '../../support/test-service.js';

let service: TestService;
beforeAll(async () => {
  service = await startTestService({ queue: false });
});
afterAll(() => service.stop());

async function readyMedia(channel = 'z-api'): Promise<MediaView> {
  const file = Buffer.from(`%PDF-1.7 ${String(Math.random())}`);
  return (await upload(service, { file, fields: { channel } })).body;
}

interface Fact {
  readonly source: string;
  readonly type: string;
  readonly value: unknown;
  readonly recordedAt: string;
}

function record<Body = Fact>(
  id: string,
  json: unknown,
  token = service.token('facts:write'),
): Promise<Answer<Body>> {
  return call<Body>(service.url, `/v1/media/${id}/facts`, { method: 'post', token, json });
}

async function factsOf(id: string): Promise<readonly Fact[]> {
  const token = service.token('media:read');
  return (await call<{ items: Fact[] }>(service.url, `/v1/media/${id}/facts`, { token })).body.items;
}

const text = { source: 'tesseract', type: 'text', value: 'Invoice 4711' };

it.each([
  text,
  { source: 'whisper', type: 'transcript', value: 'Bom dia 🌹', language: 'pt-BR', confidence: 0.5 },
  { source: 'captioner', type: 'description', value: 'A bunch of roses' },
  { source: 'classifier:2', type: 'labels', value: [{ name: 'rose', confidence: 0.9 }, { name: 'vase' }] },
  { source: 'opencv', type: 'blur', value: 0.25 },
])('keeps a fact of the type $type', async (json) => {
  const { id } = await readyMedia();
  const answer = await record(id, json);
  expect(answer).toMatchObject({ status: 200, body: json });
  expect(await factsOf(id)).toEqual([answer.body]);
});

it('replaces a fact by one of the same source and type, and keeps the others', async () => {
  const { id } = await readyMedia();
  await record(id, text);
  await record(id, { ...text, source: 'other' });
  await record(id, { ...text, value: 'Invoice 4712' });
  expect((await factsOf(id)).map(({ source, value }) => [source, value])).toEqual([
    ['other', 'Invoice 4711'],
    ['tesseract', 'Invoice 4712'],
  ]);
});

it.each([
  ['an unknown type', { ...text, type: 'mood' }],
  ['a value of another type', { ...text, value: 5 }],
  ['an empty value', { ...text, value: '' }],
  ['a value that is too long', { ...text, value: 'x'.repeat(20_001) }],
  ['too many labels', { ...text, type: 'labels', value: Array(101).fill({ name: 'x' }) }],
  ['a number out of range', { ...text, type: 'blur', value: 1.5 }],
  ['an unknown member', { ...text, mood: 'good' }],
  ['a source with spaces', { ...text, source: 'my program' }],
  ['text that cannot be stored', { ...text, value: 'a\u0000b' }],
  ['a confidence that is no share', { ...text, confidence: 95 }],
])('refuses %s', async (_, json) => {
  const { id } = await readyMedia();
  expect(await record<Problem>(id, json)).toMatchObject({ status: 400, body: { code: 'request.invalid' } });
  expect(await factsOf(id)).toEqual([]);
});

it('names the types that there are', async () => {
  const { id } = await readyMedia();
  const { body } = await record<Problem>(id, { ...text, type: 'mood' });
  expect(body.errors).toEqual([
    { field: 'type', message: 'must be text, transcript, description, labels or blur' },
  ]);
});

it('keeps fifty facts of a media item, which can still be replaced', async () => {
  const { id } = await readyMedia();
  for (let count = 0; count < 50; count += 1)
    await record(id, { ...text, source: `source-${String(count)}` });
  expect(await record<Problem>(id, { ...text, source: 'one-more' })).toMatchObject({
    status: 409,
    body: { code: 'media.too_many_facts' },
  });
  expect(await record(id, { ...text, source: 'source-7', value: 'new' })).toMatchObject({ status: 200 });
});

describe('access', () => {
  it('needs a scope of its own, and the channel of the media item', async () => {
    const { id } = await readyMedia();
    for (const scope of ['media:read', 'messages:send'])
      expect(await record(id, text, service.token(scope))).toMatchObject({ status: 403 });
    const elsewhere = service.token('facts:write', { channels: ['sobot'] });
    expect(await record(id, text, elsewhere)).toMatchObject({ status: 404 });
    const reading = { token: service.token('media:read', { channels: ['sobot'] }) };
    expect(await call(service.url, `/v1/media/${id}/facts`, reading)).toMatchObject({ status: 404 });
  });

  it('is only possible while there is a file', async () => {
    const { body } = await postWebhook(service, 'z-api', zApiMedia());
    expect(await record(body.media[0] ?? '', text)).toMatchObject({ status: 409 });
    expect(await record('019aa5e2-0000-7000-8000-000000000000', text)).toMatchObject({ status: 404 });
  });
});

describe('a search', () => {
  const found = async (q: string, token = service.token('media:read')): Promise<readonly string[]> => {
    const path = `/v1/media?q=${encodeURIComponent(q)}`;
    const { body } = await call<{ items: readonly MediaView[] }>(service.url, path, { token });
    return body.items.map(({ id }) => id);
  };

  it('finds media by the words of their facts, in any case and with or without accents', async () => {
    const invoice = await readyMedia();
    const voice = await readyMedia();
    const roses = await readyMedia();
    await record(invoice.id, { ...text, value: 'Emissão da Nota Fiscal\nnº 99/2026' });
    await record(voice.id, { source: 'whisper', type: 'transcript', value: 'Quero a DEVOLUÇÃO' });
    await record(roses.id, { source: 'labels', type: 'labels', value: [{ name: 'Tulipán' }] });
    expect(await found('emissao DA nota')).toEqual([invoice.id]);
    expect(await found('99/2')).toEqual([invoice.id]);
    expect(await found('devolução')).toEqual([voice.id]);
    expect(await found('tulipan')).toEqual([roses.id]);
    expect(await found('100%')).toEqual([]);
    expect(await found('devolução', service.token('media:read', { channels: ['sobot'] }))).toEqual([]);
  });

  it('no longer finds words that were replaced or erased', async () => {
    const { id } = await readyMedia();
    await record(id, { ...text, value: 'Quittung Eins' });
    await record(id, { ...text, value: 'Quittung Zwei' });
    expect(await found('quittung eins')).toEqual([]);
    expect(await found('quittung zwei')).toEqual([id]);
    await call(service.url, `/v1/media/${id}`, { method: 'delete', token: service.token('admin') });
    expect(await found('quittung')).toEqual([]);
  });

  it('finds what a process of an earlier version has written, which does not fold it', async () => {
    const { id } = await readyMedia();
    await service.database.query(
      `insert into media_fact (media_id, source, type, value, text, actor, recorded_at)
       values ($1, 'old', 'text', '"RECIBO Ângela"', 'RECIBO Ângela', 'token', now())`,
      [id],
    );
    expect(await found('recibo angela')).toEqual([id]);
  });
});

describe('an erasure', () => {
  const erase = (id: string) =>
    call(service.url, `/v1/media/${id}`, { method: 'delete', token: service.token('admin') });
  const stored = () => service.database.query('select 1 from media_fact where text like $1', ['%secret%']);

  it('takes the facts along', async () => {
    const { id } = await readyMedia();
    await record(id, { ...text, value: 'secret' });
    await erase(id);
    expect(await factsOf(id)).toEqual([]);
    expect(await stored()).toEqual([]);
    expect(await record(id, text)).toMatchObject({ status: 410 });
  });

  it('at the same moment leaves nothing behind', async () => {
    const media = await Promise.all(Array.from({ length: 12 }, () => readyMedia()));
    await Promise.all(
      media.flatMap(({ id }) => [record(id, { ...text, value: 'secret' }), erase(id), record(id, text)]),
    );
    expect(await stored()).toEqual([]);
  });
});

it('exports contain the facts', async () => {
  const { id } = await readyMedia('blip');
  const { body } = await record(id, { ...text, value: '=1+1' });
  const token = service.token('media:read');
  const rows = await call(service.url, `/v1/export?format=jsonl&ids=${id}`, { token });
  expect(JSON.parse(rows.bytes.toString())).toMatchObject({ id, facts: [body] });
});
