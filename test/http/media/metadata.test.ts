/** What a camera has written into a picture, from the upload to the erasure. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';

import { photo } from '../../../src/demo/photos.js';
import { call, upload, type MediaView } from '../../support/client.js';
import { startTestService, type TestService } from '../../support/test-service.js';

let service: TestService;
beforeAll(async () => {
  service = await startTestService({ queue: false });
});
afterAll(() => service.stop());

const expected = {
  takenAt: null,
  camera: 'Inlet Demo camera',
  latitude: -23.55,
  longitude: -46.633333,
  software: null,
};

async function show(id: string): Promise<MediaView> {
  return (await call<MediaView>(service.url, `/v1/media/${id}`, { token: service.token('media:read') })).body;
}

async function exported(format: 'csv' | 'jsonl', id: string): Promise<string> {
  const url = `${service.url}/v1/export?format=${format}&ids=${id}`;
  const response = await fetch(url, { headers: { authorization: `Bearer ${service.token('media:read')}` } });
  return response.text();
}

it('is shown and exported with every item that has the file, and erased with the last of them', async () => {
  const file = await photo({ seed: 71, width: 640, height: 480 });
  const first = await upload(service, { file });
  const second = await upload(service, { file });
  expect(first.body.metadata).toEqual(expected);
  expect((await show(second.body.id)).metadata).toEqual(expected);
  expect(JSON.parse(await exported('jsonl', first.body.id))).toMatchObject({ metadata: expected });
  expect(await exported('csv', first.body.id)).toContain('"Inlet Demo camera","-23.55","-46.633333"');

  for (const { body } of [first, second]) {
    await call(service.url, `/v1/media/${body.id}`, { method: 'delete', token: service.token('admin') });
    expect(await show(body.id)).toMatchObject({ state: 'erased', metadata: null });
  }
  expect(await service.database.query('select from blob')).toEqual([]);
});

it('is null for a file without it', async () => {
  const { body } = await upload(service, { file: Buffer.from('%PDF-1.7 of nobody') });
  expect(body).toMatchObject({ state: 'ready', metadata: null });
});
