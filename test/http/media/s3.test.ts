/** Files are kept in a bucket: several processes share it and nothing else but the database. */
import { createHash } from 'node:crypto';
import { basename } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import sharp from 'sharp';

import { bytes, startMediaHost, type MediaHost } from '../../../src/demo/media-host.js';
import { uniquePhotos, type UniquePhotos } from '../../../src/demo/photos.js';
import { newId } from '../../../src/domain/id.js';
import { blobKey, previewKey } from '../../../src/infra/files/blob-store.js';
import { createS3BlobStore } from '../../../src/infra/files/s3-blob-store.js';
import { call, postWebhook, receive, upload, type MediaView } from '../../support/client.js';
import { filesOf } from '../../support/everything.js';
import { picture } from '../../support/payloads.js';
import { startS3Server, type S3Server } from '../../support/s3-server.js';
import { startTestService, type TestService } from '../../support/test-service.js';
import { until } from '../../support/until.js';

let bucket: S3Server;
let host: MediaHost;
let photos: UniquePhotos;
/** Two processes, each with a disk of its own. */
let service: TestService;
let other: TestService;
let admin: string;

beforeAll(async () => {
  [bucket, host] = await Promise.all([startS3Server(), startMediaHost()]);
  service = await startTestService({ env: bucket.env, mediaHosts: [host.host] });
  other = await startTestService({ env: bucket.env, beside: service, queue: false });
  admin = service.token('admin');
  photos = await uniquePhotos(10, { width: 640, height: 480 });
});

afterAll(async () => {
  await other.stop();
  await service.stop();
  await host.close();
  await bucket.stop();
});

let nextPhoto = 0;
function publish(): { url: string; content: Buffer; digest: string } {
  const content = photos.at(nextPhoto++);
  const digest = createHash('sha256').update(content).digest('hex');
  return { url: host.serve(`/${newId()}.jpg`, bytes('image/jpeg', content)), content, digest };
}

async function keysWith(digest: string): Promise<string[]> {
  const store = createS3BlobStore(bucket.settings);
  const keys: string[] = [];
  for await (const key of store.keys()) if (key.includes(digest)) keys.push(key);
  store.close();
  return keys.toSorted();
}

it('holds what came in, which every process can show, whole, in part and as previews', async () => {
  const { url, content, digest } = publish();
  const media = await receive(service, 'z-api', picture('z-api', { url }));
  expect(media).toMatchObject({ state: 'ready', sha256: digest });
  for (const { url: base } of [service, other]) {
    const path = `/v1/media/${media.id}`;
    const whole = await call(base, `${path}/content`, { token: admin });
    expect(whole).toMatchObject({ status: 200, headers: { 'content-type': 'image/jpeg' } });
    expect(whole.bytes.equals(content)).toBe(true);
    const part = await call(base, `${path}/content`, { token: admin, headers: { range: 'bytes=-100' } });
    expect(part.status).toBe(206);
    expect(part.bytes.equals(content.subarray(-100))).toBe(true);
    const preview = await call(base, `${path}/preview?size=small`, { token: admin });
    expect(preview).toMatchObject({ status: 200, headers: { 'content-type': 'image/jpeg' } });
    expect(await sharp(preview.bytes).metadata()).toMatchObject({ format: 'jpeg' });
    const large = await call(base, `${path}/preview?size=large`, { token: admin });
    expect(large).toMatchObject({ status: 200, headers: { 'content-type': 'image/jpeg' } });
    expect(large.bytes.length).toBeLessThan(content.length);
    expect(large.headers['content-length']).toBe(String(large.bytes.length));
    expect((await sharp(large.bytes).raw().toBuffer()).equals(await sharp(content).raw().toBuffer())).toBe(
      true,
    );
    const end = await call(base, `${path}/preview?size=large`, {
      token: admin,
      headers: { range: 'bytes=1-400' },
    });
    expect(end.status).toBe(206);
    expect(end.bytes.equals(large.bytes.subarray(1, 401))).toBe(true);
  }
  // The large preview is a part of the bytes.
  expect(await keysWith(digest)).toEqual([blobKey(digest), previewKey(digest, 'small')]);
  // Nothing of it stays on a disk.
  for (const one of [service, other])
    expect(
      (await filesOf(one)).map((file) => basename(file)).filter((name) => name !== 'auth-secret'),
    ).toEqual([]);
});

it('erases objects, whichever process is asked', async () => {
  const { url, digest } = publish();
  const { id } = await receive(service, 'z-api', picture('z-api', { url }));
  // The file, which is its own large preview, and the small preview.
  expect(await keysWith(digest)).toHaveLength(2);
  expect((await call(other.url, `/v1/media/${id}`, { method: 'delete', token: admin })).status).toBe(200);
  await until(async () => (await keysWith(digest)).length === 0);
});

it('takes webhooks while it is away, says that it is, and has their pictures when it is back', async () => {
  const ready = () => call(service.url, '/health/ready');
  expect((await ready()).status).toBe(200);
  const { url, content } = publish();
  const kept = await receive(service, 'z-api', picture('z-api', { url: publish().url }));
  await bucket.goAway();
  const { status, body } = await postWebhook(service, 'z-api', picture('z-api', { url }));
  expect({ status, outcome: body.outcome }).toEqual({ status: 200, outcome: 'accepted' });
  const show = async (wait: number) =>
    (
      await call<MediaView>(service.url, `/v1/media/${String(body.media[0])}?wait=${String(wait)}`, {
        token: admin,
      })
    ).body;
  await until(async () => (await show(0)).error?.code === 'media.storage_failed');
  expect(await ready()).toMatchObject({
    status: 503,
    body: { detail: expect.stringMatching(/^uploads: no file can be written \(\w+\)$/) },
  });
  expect(await upload(service, { file: content })).toMatchObject({ status: 503 });
  expect(await call(service.url, `/v1/media/${kept.id}/content`, { token: admin })).toMatchObject({
    status: 503,
    body: { code: 'service.unavailable' },
  });

  await bucket.comeBack();
  await until(async () => (await show(20)).state === 'ready', 90_000);
  expect((await call(service.url, `/v1/media/${kept.id}/content`, { token: admin })).status).toBe(200);
  expect((await ready()).status).toBe(200);
});

it('takes uploads', async () => {
  const { content, digest } = publish();
  const { status } = await upload(service, { file: content });
  expect(status).toBe(201);
  expect(await keysWith(digest)).toContain(blobKey(digest));
});

describe('with S3_REDIRECT', () => {
  let redirecting: TestService;

  beforeAll(async () => {
    const env = { ...bucket.env, S3_REDIRECT: 'true' };
    redirecting = await startTestService({ env, beside: service, queue: false });
  });
  afterAll(() => redirecting.stop());

  it('readers with a token or a link are sent to the bucket, which sends the same bytes with their type', async () => {
    const { url, content } = publish();
    const { id } = await receive(service, 'z-api', picture('z-api', { url }));
    const path = `/v1/media/${id}/content`;
    const answer = await call(redirecting.url, path, { token: admin });
    expect(answer).toMatchObject({ status: 302, headers: { 'cache-control': 'private, max-age=240' } });
    const address = answer.headers['location'] ?? '';
    expect(address).toMatch(/X-Amz-Expires=300&X-Amz-SignedHeaders=host&X-Amz-Signature=/);
    const sent = await fetch(address);
    expect(Buffer.from(await sent.arrayBuffer())).toEqual(content);
    expect(Object.fromEntries(sent.headers)).toMatchObject({
      'content-type': 'image/jpeg',
      'content-disposition': 'inline',
      'cache-control': 'private, max-age=31536000, immutable',
    });

    const link = await call<{ url: string }>(service.url, `/v1/media/${id}/link`, {
      method: 'post',
      token: admin,
      json: { size: 'small' },
    });
    const { pathname, search } = new URL(link.body.url);
    expect((await call(redirecting.url, pathname + search)).status).toBe(302);
  });

  it('the gallery, HEAD, and a file that the bucket has lost are answered here', async () => {
    const { url, content, digest } = publish();
    const { id } = await receive(service, 'z-api', picture('z-api', { url }));
    const path = `/v1/media/${id}/content`;
    const seen = await call(redirecting.url, path, { headers: { cookie: `inlet_session=${admin}` } });
    expect(seen).toMatchObject({ status: 200, bytes: content });
    expect((await call(redirecting.url, path, { method: 'head', token: admin })).status).toBe(200);

    const store = createS3BlobStore(bucket.settings);
    await store.remove([blobKey(digest)]);
    store.close();
    expect(await call(redirecting.url, path, { token: admin })).toMatchObject({
      status: 404,
      body: { code: 'media.no_bytes' },
    });
  });
});
