/** Reading one media item: previews, content and JSON, compared with plain Express and the same bytes. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { bytes as servedBytes } from '../../demo/media-host.js';
import { photo } from '../../demo/photos.js';
import { median, post, type Measure } from '../measures.js';
import { startBenchService, startCompanion, type BenchService } from '../service.js';
import { readAgainAndAgain } from './read-load.js';

const connections = 32;
const rounds = 5;
const roundMs = 1_000;
const warmUpMs = 1_500;
/** Between two loads, so that the end of one is not the beginning of the other. */
const pauseMs = 50;

interface Reading {
  readonly what: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The same bytes at the plain server. */
  readonly plainPath: string;
}

/**
 * Requests per second at 32 connections: each kind of answer, opened by a token, by the session cookie and by
 * a signed link.
 */
export async function serve(environment: NodeJS.ProcessEnv): Promise<Measure[]> {
  const service = await startBenchService(environment, { API_REQUESTS_PER_MINUTE: '100000000' });
  const plain = await startCompanion('./serve/plain-server.js');
  const folder = await mkdtemp(join(tmpdir(), 'inlet-bench-files-'));
  try {
    const id = await storedPhoto(service);
    const readings = await readingsOf(service, id);
    await copyAnswers(service, id, folder);
    const media: unknown = await (await service.get(`/v1/media/${id}`)).json();
    const port = Number((await plain.ask({ folder, media }))['port']);
    const results: Measure[] = [];
    for (const reading of readings) results.push(await measureReading(reading, { service, port }));
    return results;
  } finally {
    plain.stop();
    await service.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** About 400 KB, as a phone's photo has after WhatsApp has made it smaller. */
async function storedPhoto(service: BenchService): Promise<string> {
  const picture = await photo({ seed: 400, width: 1600, height: 1200, quality: 80 });
  const url = service.simulator.providers['z-api'].publish(servedBytes('image/jpeg', picture));
  const [id = ''] = await post(service, url);
  const media = (await (await service.get(`/v1/media/${id}?wait=30`)).json()) as { state: string };
  if (media.state !== 'ready') throw new Error(`a picture is ${media.state}`);
  return id;
}

async function readingsOf(service: BenchService, id: string): Promise<Reading[]> {
  const token = { authorization: service.authorization };
  const cookie = { cookie: `inlet_session=${service.authorization.replace('Bearer ', '')}` };
  const preview = { path: `/v1/media/${id}/preview?size=small`, plainPath: '/files/preview.webp' };
  const content = { path: `/v1/media/${id}/content`, plainPath: '/files/content.jpg' };
  const json = { path: `/v1/media/${id}`, plainPath: '/media' };
  return [
    { what: 'small preview, token', ...preview, headers: token },
    { what: 'small preview, cookie', ...preview, headers: cookie },
    { what: 'small preview, link', ...preview, path: await linkTo(service, id, 'small'), headers: {} },
    { what: 'content of 400 KB, token', ...content, headers: token },
    { what: 'content of 400 KB, link', ...content, path: await linkTo(service, id, null), headers: {} },
    { what: 'JSON of one media, token', ...json, headers: token },
    { what: 'JSON of one media, cookie', ...json, headers: cookie },
  ];
}

async function linkTo(service: BenchService, id: string, size: 'small' | null): Promise<string> {
  const response = await fetch(`${service.baseUrl}/v1/media/${id}/link`, {
    method: 'POST',
    headers: { authorization: service.authorization, 'content-type': 'application/json' },
    body: JSON.stringify({ size }),
  });
  const { url } = (await response.json()) as { url: string };
  const { pathname, search } = new URL(url);
  return pathname + search;
}

async function copyAnswers(service: BenchService, id: string, folder: string): Promise<void> {
  const copies = { 'preview.webp': 'preview?size=small', 'content.jpg': 'content' };
  for (const [name, path] of Object.entries(copies)) {
    const response = await service.get(`/v1/media/${id}/${path}`);
    await writeFile(join(folder, name), Buffer.from(await response.arrayBuffer()));
  }
}

async function measureReading(
  { what, path, headers, plainPath }: Reading,
  { service, port }: { readonly service: BenchService; readonly port: number },
): Promise<Measure> {
  const read = async (forMs: number) => {
    const baseline = await readAgainAndAgain({ port, path: plainPath, connections, forMs });
    await delay(pauseMs);
    const ours = await readAgainAndAgain({ port: service.port, path, headers, connections, forMs });
    await delay(pauseMs);
    if (ours.bytes !== baseline.bytes) throw new Error(`${what}: the two answers differ in length`);
    return { service: ours.perSecond, baseline: baseline.perSecond };
  };
  await read(warmUpMs);
  const results = [];
  for (let round = 0; round < rounds; round += 1) results.push(await read(roundMs));
  return { id: 'serve', what, unit: '/s', wanted: '>= 0.70', ...median(results) };
}
