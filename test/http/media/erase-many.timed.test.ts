/** The time of erasing a person with many pictures, and that nothing of them is left anywhere. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { expect, it } from '@jest/globals';

import { newId } from '../../../src/domain/id.js';
import { blobKey, previewKey } from '../../../src/infra/files/blob-store.js';
import { bestRound } from '../../support/best-round.js';
import { call } from '../../support/client.js';
import { filesOf, findEverywhere } from '../../support/everything.js';
import { picture } from '../../support/payloads.js';
import { startTestService, type TestService } from '../../support/test-service.js';

interface ErasedView {
  readonly erased: Readonly<Record<'messages' | 'media' | 'blobs' | 'bytes' | 'deliveries', number>>;
}

async function secondsToErase(): Promise<number> {
  const idle = await startTestService({ queue: false });
  try {
    const from = '5541977776666';
    await receivedAndStored(idle, { from, count: 1_000 });
    await receivedAndStored(idle, { from: '5541955554444', count: 10 });
    const url = `/v1/contacts/z-api/${from}`;
    const started = performance.now();
    const { body } = await call<ErasedView>(idle.url, url, {
      method: 'delete',
      token: idle.token('admin'),
    });
    const seconds = (performance.now() - started) / 1000;
    expect(body.erased).toEqual({
      messages: 1_000,
      media: 1_000,
      blobs: 1_000,
      bytes: 1_000 * 17,
      deliveries: 1_000,
    });
    expect(await findEverywhere(idle, [from, 'caption of 5541977776666'])).toEqual([]);
    expect(await filesOf(idle)).toHaveLength(3 * 10);
    expect(await idle.database.query('select from blob')).toHaveLength(10);
    return seconds;
  } finally {
    await idle.stop();
  }
}

it('erasing a person with a thousand pictures takes seconds, and nothing of them is left anywhere', async () => {
  expect(await bestRound(secondsToErase, (seconds) => seconds < 10)).toBeLessThan(10);
}, 180_000);

/** Rows and files of pictures as if they had come by webhooks and been fetched. */
async function receivedAndStored(
  { database, uploadsDir }: TestService,
  { from, count }: { from: string; count: number },
): Promise<void> {
  const caption = `caption of ${from}`;
  const webhooks = Array.from({ length: count }, () => {
    const messageId = newId();
    const body = JSON.stringify(picture('z-api', { messageId, from, caption }));
    return { delivery: newId(), message: newId(), media: newId(), messageId, body };
  });
  const rows = await database.query<{ sha256: string }>(
    `with webhook as (
       select *, encode(sha256(media::text::bytea), 'hex') as sha256
       from json_to_recordset($1::json) as x (delivery uuid, message uuid, media uuid, "messageId" text, body text)
     ), d as (
       insert into delivery (id, channel, provider, content_hash, body, headers, outcome, received_at)
       select delivery, 'z-api', 'z-api', sha256(convert_to(body, 'UTF8')), convert_to(body, 'UTF8'), '{}', 'accepted', now()
       from webhook
     ), m as (
       insert into message (id, channel, provider, message_id, direction, sender, caption, received_at, delivery_id)
       select message, 'z-api', 'z-api', "messageId", 'inbound', $2, $3, now(), delivery from webhook
     ), b as (
       insert into blob (sha256, type, bytes, previews)
       select sha256, 'image/jpeg', 17, '[{"size":"small"},{"size":"large"}]' from webhook
     )
     insert into media (id, channel, provider, message_row_id, position, direction, kind, state, received_at, ready_at, sha256)
     select media, 'z-api', 'z-api', message, 0, 'inbound', 'image', 'ready', now(), now(), sha256 from webhook returning sha256`,
    [JSON.stringify(webhooks), from, caption],
  );
  const store = async (key: string): Promise<void> => {
    await mkdir(dirname(join(uploadsDir, key)), { recursive: true });
    await writeFile(join(uploadsDir, key), `a picture of ${from}`);
  };
  for (const { sha256 } of rows)
    await Promise.all([blobKey(sha256), previewKey(sha256, 'small'), previewKey(sha256, 'large')].map(store));
}
