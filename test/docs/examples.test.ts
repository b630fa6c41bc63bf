/** The README's examples of the API, run in their order against a service; answers have the shape that is shown. */
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { photo } from '../../src/demo/photos.js';
import { bytes, startMediaHost, type MediaHost } from '../../src/demo/media-host.js';
import { secrets } from '../providers/signing.js';
import { call, postWebhook, type MediaView, type Receipt } from '../support/client.js';
import { picture } from '../support/payloads.js';
import { startTestService, type TestService } from '../support/test-service.js';
import { curlCommands, parseCurl, runCurl } from './curl.js';

interface Example {
  readonly command: string;
  /** What the README shows below it, when it shows something. */
  readonly shown: unknown;
}

const readme = await readFile(join(import.meta.dirname, '../../README.md'), 'utf8');

let host: MediaHost;
let receiver: Server;
let service: TestService;
let folder: string;
let variables: Record<string, string>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'inlet-test-docs-'));
  host = await startMediaHost();
  receiver = createServer((request, response) => {
    request.resume();
    response.writeHead(204).end();
  }).listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  const receiverHost = `127.0.0.1:${String((receiver.address() as AddressInfo).port)}`;
  host.answer('/instances/florist/token/shop/send-image', () => ({
    status: 200,
    body: JSON.stringify({ zaapId: '3999', messageId: 'D241XXXX732339502B68', id: 'D241XXXX732339502B68' }),
  }));
  service = await startTestService({
    mediaHosts: [host.host, receiverHost],
    env: { ZAPI_INSTANCE_ID: 'florist', ZAPI_TOKEN: 'shop', ZAPI_API_URL: host.origin },
  });
  variables = {
    BASE: service.url,
    TOKEN: service.token('admin'),
    SECRET: secrets[0],
    PICTURE: host.serve(
      '/picture.jpg',
      bytes('image/jpeg', await photo({ seed: 1, width: 1600, height: 1200 })),
    ),
    FAILED: await failedMedia(),
    GRANTED: await grantedToken(),
    RECEIVER: `http://${receiverHost}/inlet`,
  };
});

afterAll(async () => {
  await service.stop();
  await host.close();
  receiver.closeAllConnections();
  receiver.close();
  await rm(folder, { recursive: true });
});

async function failedMedia(): Promise<string> {
  const { body } = await postWebhook(service, 'z-api', picture('z-api', { url: `${host.origin}/gone.jpg` }));
  const [id = ''] = body.media;
  const media = await call<MediaView>(service.url, `/v1/media/${id}?wait=20`, {
    token: service.token('media:read'),
  });
  expect(media.body).toMatchObject({ state: 'failed', error: { code: 'media.gone' } });
  return id;
}

async function grantedToken(): Promise<string> {
  const json = { name: 'to be revoked', scopes: ['media:read'] };
  const what = { method: 'post', token: service.token('admin'), json } as const;
  return (await call<{ id: string }>(service.url, '/v1/tokens', what)).body.id;
}

/** The commands of the section, each with the answer that stands right below its block. */
function examples(): Example[] {
  const section = readme.split('\n## The API by example\n')[1]?.split('\n## ')[0] ?? '';
  const blocks = [...section.matchAll(/^```(\w+)\n(.*?)^```/gms)];
  return blocks.flatMap(([, language, shell = ''], at) => {
    if (language !== 'bash') return [];
    const [, nextLanguage, json = ''] = blocks[at + 1] ?? [];
    const commands = curlCommands(shell);
    return commands.map((command, place) => ({
      command,
      shown:
        nextLanguage === 'json' && place === commands.length - 1 ? (JSON.parse(json) as unknown) : undefined,
    }));
  });
}

/** Keys all the way down, as far as they are shown: `…` stands for the rest. */
function shapeOf(value: unknown, like: unknown): unknown {
  if (Array.isArray(value))
    return value.slice(0, 1).map((item) => shapeOf(item, Array.isArray(like) ? like[0] : undefined));
  if (typeof value !== 'object' || value === null) return 'value';
  const shown = typeof like === 'object' && like !== null ? (like as Record<string, unknown>) : {};
  const keys = Object.keys(value).filter((key) => key !== '…' && (!('…' in shown) || key in shown));
  return Object.fromEntries(
    keys.sort().map((key) => [key, shapeOf((value as Record<string, unknown>)[key], shown[key])]),
  );
}

test('every example of the API works, and answers in the shape that is shown', async () => {
  const all = examples();
  expect(all.length).toBeGreaterThan(12);
  for (const { command, shown } of all) {
    const wanted = parseCurl(command, variables);
    const response = await runCurl(wanted, (name) => join(folder, name));
    const body = Buffer.from(await response.arrayBuffer());
    if (!response.ok) throw new Error(`${command}\n${String(response.status)} ${body.toString('utf8')}`);
    if (wanted.seconds !== undefined && !body.includes('event: media.ready'))
      throw new Error(`${command}\n${body.toString('utf8')}`);
    if (wanted.output !== undefined) await writeFile(join(folder, basename(wanted.output)), body);
    if (shown === undefined) continue;
    const answer: unknown = JSON.parse(body.toString('utf8'));
    expect({ command, shape: shapeOf(answer, shown) }).toEqual({ command, shape: shapeOf(shown, shown) });
    remember(answer);
  }
});

/** The first webhook's answer, and those of a new subscription and of a message, name what the later examples are about. */
function remember(answer: unknown): void {
  if (typeof answer !== 'object' || answer === null) return;
  const { id } = answer as { id: string };
  if ('secret' in answer) variables = { ...variables, SUBSCRIPTION: id };
  if ('replyTo' in answer) variables = { ...variables, MESSAGE: id };
  if (!('outcome' in answer) || !('media' in answer)) return;
  const { delivery, media } = answer as unknown as Receipt;
  variables = { DELIVERY: delivery, MEDIA: media[0] ?? '', ...variables };
}
