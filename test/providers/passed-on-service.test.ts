/** Files of which a webhook of another provider has only Meta's id, in the whole service. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';

import { uniquePhotos, type UniquePhotos } from '../../src/demo/photos.js';
import { postWebhook, afterPending } from '../support/client.js';
import { findEverywhere } from '../support/everything.js';
import { startTestService, type TestService } from '../support/test-service.js';

const accessToken = 'EAAinvented0123456789';
const authorization = `Bearer ${accessToken}`;

/** The Graph API and its files: an id leads to a link, and both need the token. */
let meta: Server;
let requests: { readonly path: string; readonly authorization: string | undefined }[];
let photos: UniquePhotos;
let photo: Buffer;
let service: TestService;

const origin = (): string => `http://127.0.0.1:${String((meta.address() as AddressInfo).port)}`;

beforeAll(async () => {
  photos = await uniquePhotos(2, { width: 64, height: 48 });
  meta = createServer(({ url = '', headers }, response) => {
    requests.push({ path: url, authorization: headers.authorization });
    if (headers.authorization !== authorization) response.writeHead(401).end();
    else if (url === '/files/900') response.writeHead(200, { 'content-type': 'image/jpeg' }).end(photo);
    else response.writeHead(200).end(JSON.stringify({ url: `${origin()}/files/900`, id: '900' }));
  }).listen(0, '127.0.0.1');
  await once(meta, 'listening');
  service = await startTestService({
    mediaHosts: [new URL(origin()).host],
    env: {
      AISOULE_META_ACCESS_TOKEN: accessToken,
      AISOULE_META_API_URL: origin(),
      SOBOT_META_ACCESS_TOKEN: accessToken,
      SOBOT_META_API_URL: `${origin()}/`,
    },
  });
});
beforeEach(() => {
  requests = [];
});
afterAll(async () => {
  await service.stop();
  meta.closeAllConnections();
  meta.close();
});

const image = { id: '900', mime_type: 'image/jpeg' };
const payloads = {
  aisoule: {
    event: 'message.received',
    timestamp: 1_795_255_200,
    data: { message_id: 'msg_x', sender: '15550100501', type: 'image', image },
  },
  sobot: [
    {
      field: 'messages',
      value: { messages: [{ id: 'wamid.x', from: '15550100501', type: 'image', image }] },
    },
  ],
};

test.each([
  ['aisoule', 0],
  ['sobot', 1],
] as const)('%s: the file is downloaded from the API of the setting, with the token', async (id, number) => {
  photo = photos.at(number);
  const { body } = await postWebhook(service, id, payloads[id]);
  const media = await afterPending(service, body.media[0]);
  const sha256 = createHash('sha256').update(photo).digest('hex');
  expect(media).toMatchObject({ state: 'ready', sha256, attempts: 1 });
  expect(requests).toEqual([
    { path: '/v25.0/900', authorization },
    { path: '/files/900', authorization },
  ]);
  expect(await findEverywhere(service, [accessToken])).toEqual([]);
});
