/** Files of Twilio in the whole service, with the hosts of a simulated Twilio. */
import { createHash } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { bytes, startMediaHost, type MediaHost } from '../../../src/demo/media-host.js';
import { uniquePhotos, type UniquePhotos } from '../../../src/demo/photos.js';
import { createSecrets, startSimulator, type Simulator } from '../../../src/demo/providers/index.js';
import { askingForReceipt } from '../../../src/demo/providers/simulated-provider.js';
import { call, afterPending, type MediaView, type Receipt } from '../../support/client.js';
import { findEverywhere } from '../../support/everything.js';
import { startTestService, type TestService } from '../../support/test-service.js';

const secrets = createSecrets();
const { accountSid, authToken } = secrets.twilio;
const basic = Buffer.from(`${accountSid}:${authToken}`).toString('base64');
let simulator: Simulator;
/** A host that is none of Twilio's. */
let elsewhere: MediaHost;
let service: TestService;
let photos: UniquePhotos;
/** Everything that the service has answered. */
let answers = '';
beforeAll(async () => {
  photos = await uniquePhotos(64, { width: 64, height: 48 });
  simulator = await startSimulator({ secrets });
  elsewhere = await startMediaHost();
  const { FETCH_ALLOW_PRIVATE_HOSTS: hosts = '', ...env } = simulator.env();
  service = await startTestService({ env, mediaHosts: [hosts, elsewhere.host] });
  simulator.reportTo(service.url);
});
afterAll(async () => {
  await service.stop();
  await elsewhere.close();
  await simulator.close();
});

let next = 0;
const freshPhoto = (): Buffer => photos.at(next++);
const sha256 = (file: Buffer): string => createHash('sha256').update(file).digest('hex');
const jpeg = (file: Buffer) => bytes('image/jpeg', file);
const requestsAt = (host: MediaHost, link: string) =>
  host.requests.filter(({ url }) => url.pathname === new URL(link).pathname);

async function receive(url: string): Promise<MediaView> {
  const { path, headers, body } = simulator.providers.twilio.webhook({ kind: 'image', url });
  const receipt = await call<Receipt>(service.url, path, {
    method: 'post',
    raw: body,
    headers: { ...headers, ...askingForReceipt },
  });
  const { id } = await afterPending(service, receipt.body.media[0]);
  const shown = await call<MediaView>(service.url, `/v1/media/${id}`, { token: service.token('media:read') });
  answers += shown.bytes.toString();
  return shown.body;
}

describe('a file', () => {
  test('is downloaded with the credentials, and from the host of the redirect without', async () => {
    const photo = freshPhoto();
    const link = simulator.providers.twilio.publish(jpeg(photo));
    const before = simulator.cdn.requests.length;
    expect(await receive(link)).toMatchObject({ state: 'ready', sha256: sha256(photo), attempts: 1 });
    expect(requestsAt(simulator.host, link)).toMatchObject([{ hadCredentials: true }]);
    expect(simulator.cdn.requests.slice(before)).toMatchObject([{ hadCredentials: false }]);
  });

  test('that is not there yet is asked for again', async () => {
    const photo = freshPhoto();
    const link = simulator.providers.twilio.publishLate(jpeg(photo), 1);
    expect(await receive(link)).toMatchObject({ state: 'ready', sha256: sha256(photo), attempts: 2 });
  });

  test('at another host is downloaded without the credentials, whatever its path', async () => {
    const photo = freshPhoto();
    const path = `/2010-04-01/Accounts/${accountSid}/Messages/MM1/Media/ME1`;
    const link = elsewhere.serve(path, jpeg(photo));
    expect(await receive(link)).toMatchObject({ state: 'ready', sha256: sha256(photo) });
    expect(requestsAt(elsewhere, link)).toMatchObject([{ hadCredentials: false }]);
  });

  test.each([
    `/2010-04-01/Accounts/AC${'f'.repeat(32)}/Messages/MM1/Media/ME1`,
    '/2010-04-01/Accounts.json',
    '/elsewhere.jpg',
  ])('at %s of the same host is downloaded without the credentials', async (path) => {
    const photo = freshPhoto();
    const link = simulator.host.serve(path, jpeg(photo));
    expect(await receive(link)).toMatchObject({ state: 'ready', sha256: sha256(photo) });
    expect(requestsAt(simulator.host, link)).toMatchObject([{ hadCredentials: false }]);
  });

  test('is not followed to another path of the same host with the credentials', async () => {
    const photo = freshPhoto();
    const target = simulator.host.serve('/moved.jpg', jpeg(photo));
    const link = simulator.host.serve(
      `/2010-04-01/Accounts/${accountSid}/Messages/MM2/Media/ME2`,
      jpeg(photo),
      [() => ({ status: 302, headers: { location: target } })],
    );
    expect(await receive(link)).toMatchObject({ state: 'ready', sha256: sha256(photo) });
    expect(requestsAt(simulator.host, link)).toMatchObject([{ hadCredentials: true }]);
    expect(requestsAt(simulator.host, target)).toMatchObject([{ hadCredentials: false }]);
  });

  test('that redirects to a private address is rejected', async () => {
    const link = simulator.host.serve(
      `/2010-04-01/Accounts/${accountSid}/Messages/MM3/Media/ME3`,
      jpeg(freshPhoto()),
      [() => ({ status: 302, headers: { location: 'http://169.254.169.254/latest/photo.jpg' } })],
    );
    expect(await receive(link)).toMatchObject({
      state: 'rejected',
      error: { code: 'media.forbidden_address' },
    });
  });

  test('that the account may not see has failed', async () => {
    const link = simulator.host.serve(
      `/2010-04-01/Accounts/${accountSid}/Messages/MM4/Media/ME4`,
      jpeg(freshPhoto()),
      [() => ({ status: 401, body: authToken })],
    );
    expect(await receive(link)).toMatchObject({ state: 'failed', error: { code: 'media.refused' } });
  });
});

test('the token and the credentials are in no row, no file, no line of the log and no answer', async () => {
  expect(await findEverywhere(service, [authToken, basic])).toEqual([]);
  expect(answers).not.toContain(authToken);
  expect(answers).not.toContain(basic);
});
