/**
 * Messages that their senders take back: the media are kept and say so, unless the operator wants them
 * erased.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { bytes, startMediaHost, type MediaHost } from '../../../src/demo/media-host.js';
import { photo } from '../../../src/demo/photos.js';
import { afterPending, call, postWebhook, type MediaView } from '../../support/client.js';
import { listenTo } from '../../support/event-stream.js';
import { picture, sobotChange } from '../../support/payloads.js';
import { startTestService, type TestService } from '../../support/test-service.js';
import { until } from '../../support/until.js';

let host: MediaHost;
let link: string;
beforeAll(async () => {
  host = await startMediaHost();
  link = host.serve('/rose.jpg', bytes('image/jpeg', await photo({ width: 320, height: 200, seed: 7 })));
});
afterAll(() => host.close());

const takenBackAt = '2026-11-21T10:05:00.000Z';
const seconds = String(Date.parse(takenBackAt) / 1000);

/** How each provider says that a message was taken back. */
const deletions: Readonly<Record<string, (messageId: string) => object>> = {
  blip: (id) => ({
    id,
    from: '5511999990000@wa.gw.msging.net',
    to: 'floraria@msging.net',
    content: {},
    type: 'application/vnd.lime.deleted-content+json',
    metadata: { date_created: String(Date.parse(takenBackAt)) },
  }),
  'z-api': (id) => ({
    type: 'ReceivedCallback',
    messageId: `${id}-2`,
    referenceMessageId: id,
    notification: 'REVOKE',
    momment: Date.parse(takenBackAt),
    phone: '5511999990000',
  }),
  aisoule: (id) => ({ event: 'message.deleted', timestamp: takenBackAt, data: { message_id: id } }),
  sobot: (id) => [
    sobotChange({
      id: `${id}-2`,
      from: '5511999990000',
      timestamp: seconds,
      type: 'revoke',
      revoke: { original_message_id: id },
    }),
  ],
};

const show = (service: TestService, id: string | undefined): Promise<MediaView> => afterPending(service, id);

async function received(service: TestService, channel: string, messageId: string): Promise<MediaView> {
  const { body } = await postWebhook(service, channel, picture(channel, { messageId, url: link }));
  return show(service, body.media[0]);
}

const isMarked = async (service: TestService, id: string): Promise<boolean> =>
  (await show(service, id)).deletedBySenderAt !== null;

describe('what a sender has taken back', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await startTestService({ mediaHosts: [host.host] });
  });
  afterAll(() => service.stop());

  it.each(Object.keys(deletions))('%s: is kept, says so, and is told once', async (channel) => {
    const messageId = `taken-back-${channel}`;
    const media = await received(service, channel, messageId);
    expect(media).toMatchObject({ state: 'ready', deletedBySenderAt: null });
    const stream = await listenTo(service);
    try {
      const answer = await postWebhook(service, channel, deletions[channel]?.(messageId) ?? {});
      expect(answer.body).toMatchObject({ outcome: 'ignored', media: [] });
      const told = () => stream.told.filter(({ event }) => event === 'media.deleted_by_sender');
      await until(() => Promise.resolve(told().length > 0));
      const now = await show(service, media.id);
      expect(now).toEqual({ ...media, deletedBySenderAt: takenBackAt });
      expect(told()[0]?.data.data).toEqual(now);
      const token = service.token('media:read');
      expect((await call(service.url, `/v1/media/${media.id}/content`, { token })).status).toBe(200);
      const history = await call(service.url, `/v1/media/${media.id}/history`, { token });
      expect(history.body).toMatchObject({ deletedBySenderAt: takenBackAt, erasedAt: null });
      // The same again, and the picture once more, tell nothing new.
      await postWebhook(service, channel, deletions[channel]?.(messageId) ?? {});
      await postWebhook(service, channel, picture(channel, { messageId, url: link, caption: 'again' }));
      const later = await received(service, channel, `after-${channel}`);
      await until(() => Promise.resolve(stream.told.some(({ data }) => data.data['id'] === later.id)));
      expect(told()).toHaveLength(1);
    } finally {
      await stream.close();
    }
  });

  it('is marked although the word came before the message', async () => {
    const messageId = 'taken-back-before';
    await postWebhook(service, 'sobot', deletions['sobot']?.(messageId) ?? {});
    await until(async () => (await waitingJobs(service)) === 1);
    const media = await received(service, 'sobot', messageId);
    await service.database.query(
      "update graphile_worker._private_jobs set run_at = now() where key like 'deletion:%'",
    );
    await until(() => isMarked(service, media.id));
    expect(await waitingJobs(service)).toBe(0);
  });

  it('may be hundreds of messages at once', async () => {
    const ids = Array.from({ length: 600 }, (_, index) => `one-of-many-${String(index)}`);
    const before = await waitingJobs(service);
    const body = ids.flatMap((id) => deletions['sobot']?.(id) ?? []);
    expect((await postWebhook(service, 'sobot', body)).body.outcome).toBe('ignored');
    await until(async () => (await waitingJobs(service)) === before + ids.length);
  });

  it('of somebody else is not touched, whatever its channel', async () => {
    const media = await received(service, 'sobot', 'not-taken-back');
    await postWebhook(service, 'aisoule', deletions['aisoule']?.('not-taken-back') ?? {});
    const other = await received(service, 'aisoule', 'taken-back-too');
    await postWebhook(service, 'aisoule', deletions['aisoule']?.('taken-back-too') ?? {});
    await until(() => isMarked(service, other.id));
    expect(await isMarked(service, media.id)).toBe(false);
  });
});

describe('with ERASE_WHEN_DELETED', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await startTestService({ mediaHosts: [host.host], env: { ERASE_WHEN_DELETED: 'true' } });
  });
  afterAll(() => service.stop());

  it('is erased, and does not come back', async () => {
    const media = await received(service, 'sobot', 'erased-by-sender');
    const kept = await received(service, 'sobot', 'kept');
    await postWebhook(service, 'sobot', deletions['sobot']?.('erased-by-sender') ?? {});
    await until(async () => (await show(service, media.id)).state === 'erased');
    expect(await show(service, media.id)).toMatchObject({
      deletedBySenderAt: takenBackAt,
      message: { from: '', caption: null },
    });
    expect((await show(service, kept.id)).state).toBe('ready');
    const again = picture('sobot', { messageId: 'erased-by-sender', url: link, caption: 'again' });
    await postWebhook(service, 'sobot', again);
    expect((await show(service, media.id)).state).toBe('erased');
    const audit = await call<{ items: { actor: string; target: string }[] }>(
      service.url,
      '/v1/audit?action=media.erase',
      { token: service.token('admin') },
    );
    expect(audit.body.items).toMatchObject([{ actor: 'sender', target: media.id }]);
  });

  it('is kept and marked under a legal hold', async () => {
    const media = await received(service, 'sobot', 'held');
    const json = { type: 'media', subject: media.id, reason: 'Case 4711' };
    await call(service.url, '/v1/holds', { method: 'post', token: service.token('admin'), json });
    await postWebhook(service, 'sobot', deletions['sobot']?.('held') ?? {});
    const jobs = "select from graphile_worker._private_jobs where key like 'deletion:%'";
    await until(async () => (await service.database.query(jobs)).length === 0);
    expect(await show(service, media.id)).toMatchObject({ state: 'ready', deletedBySenderAt: takenBackAt });
  });
});

async function waitingJobs(service: TestService): Promise<number> {
  const rows = await service.database.query<{ count: string }>(
    "select count(*) from graphile_worker._private_jobs where key like 'deletion:%' and locked_at is null and run_at > now()",
  );
  return Number(rows[0]?.count ?? 0);
}
