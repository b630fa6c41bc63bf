/** A simulator, files of every kind on its host, and a listener in place of the service. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import jwt from 'jsonwebtoken';
import sharp from 'sharp';

import { pdf, video, voiceNote } from '../../../src/demo/attachments.js';
import { bytes, filledUpTo } from '../../../src/demo/media-host.js';
import { photo } from '../../../src/demo/photos.js';
import type { ApiOptions } from '../../../src/demo/providers/api/provider-api.js';
import { createSecrets, startSimulator } from '../../../src/demo/providers/index.js';
import type { ProviderId } from '../../../src/demo/providers/registry.js';

export const secrets = createSecrets();

/** A call that is right, or made wrong in one place. */
export interface Call {
  readonly method?: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly json?: Readonly<Record<string, unknown>>;
  readonly body?: string | FormData;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

export async function send(
  origin: string,
  { method = 'POST', path, headers, json, body }: Call,
): Promise<Answer> {
  const given = Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const response = await fetch(origin + path, {
    method,
    headers: given,
    ...(method !== 'GET' && { body: body ?? bodyOf(json, headers['content-type']) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === '' ? null : JSON.parse(text) };
}

/** Fields without a value are left out, in JSON and in a form. */
function bodyOf(fields: Call['json'], type: string | undefined): string {
  const json = JSON.stringify(fields ?? {});
  return type === formType
    ? new URLSearchParams(JSON.parse(json) as Record<string, string>).toString()
    : json;
}

interface Received {
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** Takes webhooks as the service would. */
interface Listener {
  readonly url: string;
  readonly received: readonly Received[];
  readonly close: () => void;
}

export async function startListener(status = 200): Promise<Listener> {
  const received: Received[] = [];
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8');
      received.push({ path: request.url ?? '', headers: request.headers, body });
      response.writeHead(status).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${String(port)}`,
    received,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

export type FileName = keyof Awaited<ReturnType<typeof makeFiles>> | 'large' | 'named' | 'gone';

async function makeFiles() {
  const size = { seed: 7, width: 64, height: 48 };
  const jpeg = await photo(size);
  const picture = sharp(jpeg);
  const raw = sharp({ create: { width: 8, height: 8, channels: 3, background: '#336699' } });
  return {
    jpeg,
    png: await photo({ ...size, format: 'png' }),
    webp: await photo({ ...size, format: 'webp' }),
    gif: await picture.clone().gif().toBuffer(),
    grey: await picture.clone().toColourspace('b-w').jpeg().toBuffer(),
    cmyk: await picture.clone().toColourspace('cmyk').jpeg().toBuffer(),
    deep: await raw.toColourspace('rgb16').png().toBuffer(),
    page: Buffer.from('<!doctype html><p>Sign in'),
    mp4: video({ seed: 3, bytes: 512 }),
    ogg: voiceNote({ seed: 4 }),
    pdf: pdf('An invoice'),
  } as const;
}

const types: Readonly<Record<string, string>> = { page: 'image/jpeg', mp4: 'video/mp4' };

let made: ReturnType<typeof makeFiles> | undefined;

/** The simulator with the files at `/name`. */
export async function startStage(apis: Partial<Record<ProviderId, ApiOptions>> = {}) {
  const simulator = await startSimulator({ secrets, apis });
  const contents = await (made ??= makeFiles());
  const links = Object.entries(contents).map(([name, content]) => [
    name,
    simulator.host.serve(`/${name}`, bytes(types[name] ?? 'application/octet-stream', content)),
  ]);
  const large = filledUpTo(5 * 1024 * 1024 + 1, 'image/jpeg', contents.jpeg);
  const files = {
    ...Object.fromEntries(links),
    large: simulator.host.serve('/large', large),
    named: simulator.host.serve('/named.png', bytes('image/png', contents.jpeg)),
    gone: `${simulator.host.origin}/gone`,
  } as Readonly<Record<FileName, string>>;
  return { simulator, files, contents };
}

export type Stage = Awaited<ReturnType<typeof startStage>>;

const { applicationId, privateKey } = secrets.vonage;

export const bearer = (claims: object = {}, key = privateKey, algorithm: jwt.Algorithm = 'RS256'): string =>
  `Bearer ${jwt.sign({ application_id: applicationId, jti: 'one', ...claims }, key, { algorithm })}`;

const json = 'application/json';
const formType = 'application/x-www-form-urlencoded';
const { accountSid, authToken } = secrets.twilio;

export const basic = (password = authToken, user = accountSid): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

/** A call that is right, for each provider. */
export const rightCalls = {
  blip: (uri: string): Call => ({
    path: '/messages',
    headers: { authorization: `Key ${secrets.blip.key}`, 'content-type': json },
    json: {
      id: crypto.randomUUID(),
      to: '5511999990000@wa.gw.msging.net',
      type: 'application/vnd.lime.media-link+json',
      content: { type: 'image/jpeg', uri, text: 'Look', title: 'A picture', aspectRatio: '4:3', size: 1234 },
    },
  }),
  'z-api': (image: string): Call => ({
    path: `/instances/${secrets['z-api'].instanceId}/token/${secrets['z-api'].token}/send-image`,
    headers: { 'client-token': secrets['z-api'].clientToken, 'content-type': json },
    json: { phone: '5511999990000', image, caption: 'Look', viewOnce: false, delayMessage: 1 },
  }),
  vonage: (url: string): Call => ({
    path: '/v1/messages',
    headers: { authorization: bearer(), 'content-type': json },
    json: {
      channel: 'whatsapp',
      message_type: 'image',
      to: '5511999990000',
      from: '5511888880000',
      image: { url, caption: 'Look' },
      client_ref: 'ours',
    },
  }),
  aisoule: (link: string): Call => ({
    path: '/v1/messages',
    headers: { authorization: `Bearer ${secrets.aisoule.apiKey}`, 'content-type': json },
    json: { to: '5511999990000', type: 'image', image: { link, caption: 'Look', filename: 'look.jpg' } },
  }),
  sobot: (url: string): Call => ({
    path: '/message/',
    headers: {
      'x-api-key': secrets.sobot.apiKey,
      'x-api-secret': secrets.sobot.apiSecret,
      'content-type': json,
    },
    json: {
      type: 'image',
      url,
      mime_type: 'image/jpeg',
      caption: 'Look',
      customer_number: '5511999990000',
      customer_name: 'Ana',
    },
  }),
  meta: (link: string): Call => ({
    path: `/v25.0/${secrets.meta.phoneNumberId}/messages`,
    headers: { authorization: `Bearer ${secrets.meta.accessToken}`, 'content-type': json },
    json: {
      messaging_product: 'whatsapp',
      recipient_type: 'individual',
      to: '5511999990000',
      type: 'image',
      image: { link, caption: 'Look' },
    },
  }),
  twilio: (MediaUrl: string): Call => ({
    path: `/2010-04-01/Accounts/${accountSid}/Messages.json`,
    headers: { authorization: basic(), 'content-type': formType },
    json: {
      To: 'whatsapp:+5511999990000',
      From: 'whatsapp:+5511888880000',
      Body: 'Look',
      MediaUrl,
      StatusCallback: 'https://inlet.example.com/webhooks/twilio',
    },
  }),
  telegram: (url: string): Call => ({
    path: `/bot${secrets.telegram.botToken}/sendPhoto`,
    headers: { 'content-type': json },
    json: { chat_id: 5511999990000, photo: url, caption: 'Look' },
  }),
  custom: (link: string): Call => ({
    path: '/v1/messages',
    headers: { authorization: `Bearer ${secrets.custom.apiKey}`, 'content-type': json },
    json: {
      reference: crypto.randomUUID(),
      driver: '5511999990000',
      kind: 'image',
      link,
      mime: 'image/jpeg',
      note: 'Look',
    },
  }),
} as const satisfies Record<ProviderId, (link: string) => Call>;

/** The second generation of AISoule's API. */
export const aisouleV2 = (url: string): Call => ({
  path: '/api/messages/send',
  headers: { 'x-api-key': secrets.aisoule.apiKey, 'content-type': json },
  json: { to: '+5511999990000', type: 'image', image: { url, caption: 'Look' } },
});
