/** Erasing takes what was sent, and what waits to be: it is not sent any more. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { uniquePhotos, type UniquePhotos } from '../../../src/demo/photos.js';
import { call } from '../../support/client.js';
import { json, startCourier, type Courier } from '../../support/courier.js';
import { findEverywhere } from '../../support/everything.js';
import { dataOf, lookAt, send, sent, settled } from '../../support/sending.js';
import { startTestService, type TestService } from '../../support/test-service.js';
import { until } from '../../support/until.js';

let courier: Courier;
let service: TestService;
let photos: UniquePhotos;
beforeAll(async () => {
  courier = await startCourier();
  service = await startTestService({ channels: [courier.channel] });
  photos = await uniquePhotos(20, { width: 64, height: 48 });
});
afterAll(async () => {
  courier.close();
  await service.stop();
});

let nextPhoto = 0;
const media = () => ({ data: dataOf(photos.at(nextPhoto++)) });
const eraseContact = (contact: string) =>
  call<{ erased: Record<string, number> }>(service.url, `/v1/contacts/courier/${contact}`, {
    method: 'delete',
    token: service.token('admin'),
  });

/** The provider takes the next message and says so when it is told to. */
function holdAnswer(): { isHeld: () => boolean; finish: () => void } {
  let finish: (() => void) | undefined;
  courier.answer(({ id }, response) => {
    finish = () => {
      json(response, 200, { id: `taken-${id}` });
    };
  });
  return { isHeld: () => finish !== undefined, finish: () => finish?.() };
}

test('of a person takes what they were sent, what failed, and what waits', async () => {
  const to = '5521911110001';
  const words = { to, caption: 'words to forget', options: { note: 'a note to forget' } };
  const done = await sent(service, { ...words, media: media() });
  const held = holdAnswer();
  const { body: underWay } = await send(service, { ...words, media: media() }, { key: 'key-to-forget' });
  await until(held.isHeld);
  const { body: waiting } = await send(service, { ...words, media: media() });
  const { body: linked } = await send(service, {
    ...words,
    media: { url: 'https://photos.invalid/forget.jpg' },
  });
  const { status, body } = await eraseContact(to);
  expect([status, body.erased['media']]).toEqual([200, 3]);
  held.finish();
  await sent(service, { to: '5521922220001', media: media() });

  // Those that waited were not sent.
  expect(courier.handed.filter((handed) => handed.to === to).map(({ id }) => id)).toEqual([
    done.id,
    underWay.id,
  ]);
  for (const { id } of [done, underWay, waiting, linked])
    expect(await lookAt(service, id)).toMatchObject({
      state: 'erased',
      status: null,
      to: '',
      caption: null,
      options: {},
      media: null,
      link: null,
    });
  // What the provider took while it was erased is known by its id, so that no webhook brings it back.
  const tomb = () =>
    service.database.query(
      `select sender, recipient, caption from message where message_id = $1 and erased_at is not null`,
      [`taken-${underWay.id}`],
    );
  await until(async () => (await tomb()).length === 1);
  expect(await tomb()).toEqual([{ sender: '', recipient: null, caption: null }]);
  expect(
    await findEverywhere(service, [to, 'words to forget', 'note to forget', 'key-to-forget', 'forget.jpg']),
  ).toEqual([]);
});

test('of a person leaves what others were sent of the same bytes', async () => {
  const picture = media();
  const mine = await sent(service, { to: '5521911110002', media: picture });
  const theirs = await sent(service, { to: '5521911110003', media: picture });
  await eraseContact('5521911110002');
  expect((await lookAt(service, mine.id)).state).toBe('erased');
  expect((await lookAt(service, theirs.id)).media).toMatchObject({ state: 'ready' });
});

test('of a media takes the message that it was sent with', async () => {
  const { id, media: shown } = await sent(service, {
    to: '5521911110004',
    caption: 'gone soon',
    media: media(),
  });
  await call(service.url, `/v1/media/${String(shown?.id)}`, {
    method: 'delete',
    token: service.token('admin'),
  });
  expect(await lookAt(service, id)).toMatchObject({ state: 'erased', to: '', caption: null });
  expect(await findEverywhere(service, ['5521911110004', 'gone soon'])).toEqual([]);
});

test('of a media that waits to be sent means that it is not', async () => {
  const held = holdAnswer();
  const first = await send(service, { to: '5521911110005', media: media() });
  await until(held.isHeld);
  const { body: waiting } = await send(service, { to: '5521911110005', media: media() });
  await call(service.url, `/v1/media/${String(waiting.media?.id)}`, {
    method: 'delete',
    token: service.token('admin'),
  });
  held.finish();
  await settled(service, first.body.id, 'sent');
  expect((await lookAt(service, waiting.id)).state).toBe('erased');
  await sent(service, { to: '5521911110005', media: media() });
  expect(courier.handed.some(({ id }) => id === waiting.id)).toBe(false);
});
