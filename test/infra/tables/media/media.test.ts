import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { pino } from 'pino';

import { newId } from '../../../../src/domain/id.js';
import type { BlobFacts } from '../../../../src/domain/media.js';
import { openDatabase, type Database } from '../../../../src/infra/postgres/database.js';
import type { MediaRow } from '../../../../src/infra/tables/inbox/entry.js';
import { createInbox } from '../../../../src/infra/tables/inbox/inbox.js';
import { createOrphans } from '../../../../src/infra/tables/media/blobs.js';
import { createMediaTable, type MediaTable } from '../../../../src/infra/tables/media/media.js';
import { cloneDatabase, type TestDatabase } from '../../../support/test-database.js';
import { entry, mediaRow, messageRow, nothingElse, pseudonym } from '../inbox/entries.js';

let clone: TestDatabase;
let database: Database;
let table: MediaTable;
beforeAll(async () => {
  clone = await cloneDatabase();
  database = openDatabase(clone.connectionString, pino({ level: 'silent' }));
  table = createMediaTable(database.workByKey);
});
beforeEach(() => clone.empty());
afterAll(async () => {
  await database.close();
  await clone.drop();
});

const now = new Date('2026-11-21T10:00:00.000Z');
const laterMs = 300_000;
const later = new Date(now.getTime() + laterMs);
const timeout = { code: 'media.timeout', message: 'too slow' } as const;

const blob: BlobFacts = {
  sha256: 'a'.repeat(64),
  type: 'image/jpeg',
  bytes: 5_000_000_000,
  width: 1600,
  height: 1200,
  thumbhash: 'abcd',
  perceptualHash: '8f00000000000001',
  previews: [{ size: 'small', type: 'image/webp', width: 320, height: 240 }],
  warnings: [{ code: 'media.damaged', message: 'a part is missing' }],
  metadata: {
    takenAt: '2026-11-20T16:42:07-03:00',
    camera: 'Acme One',
    latitude: -23.555,
    longitude: -46.633333,
    software: null,
  },
};

/** A webhook with one picture has come in; answers the picture's id. */
async function received(changed: Partial<MediaRow> = {}): Promise<string> {
  const name = newId();
  const media = [mediaRow(name, changed)];
  const { media: ids } = await createInbox({ pool: database.intake, pseudonym }, () => 'all').commit(
    entry(name, { messages: [messageRow(name)], media }),
  );
  return ids[0] ?? '';
}

interface Row {
  readonly state: string;
  readonly attempts: number;
  readonly next_attempt_at: Date | null;
  readonly error_code: string | null;
  readonly error_message: string | null;
  readonly sha256: string | null;
  readonly ready_at: Date | null;
}

async function rowOf(id: string): Promise<Row | undefined> {
  const [row] = await clone.query<Row>('select * from media where id = $1', [id]);
  return row;
}

/**
 * How many milliseconds the jobs of a media are to wait. The first attempt of a media is due since long
 * before now.
 */
async function jobsOf(id: string): Promise<number[]> {
  const rows = await clone.query<{ ms: number }>(
    `select round(extract(epoch from run_at - updated_at) * 1000)::float8 as ms
     from graphile_worker._private_jobs where payload ->> 'mediaId' = $1`,
    [id],
  );
  return rows.map(({ ms }) => ms);
}

async function count(table: 'blob' | 'media'): Promise<number> {
  const [row] = await clone.query<{ count: number }>(`select count(*)::int as count from ${table}`);
  return row?.count ?? -1;
}

const forgetJobs = (): Promise<unknown> => clone.query('delete from graphile_worker._private_jobs');

/** Lets the picture have been due for two minutes. */
const age = (id: string): Promise<unknown> =>
  clone.query(`update media set next_attempt_at = now() - interval '2 minutes' where id = $1`, [id]);

/** The media as an attempt with its first link has found it. */
const firstLink = (id: string) => ({ id, sourceDelivery: null });

describe('a pending media', () => {
  test('is found with all that is needed to fetch it', async () => {
    const id = await received({
      source_url: 'https://host/x',
      source_expires_at: later.toISOString(),
      source_credentials: true,
      declared_sha256: 'f'.repeat(64),
      kind: 'sticker',
    });
    expect(await table.findPending(id)).toEqual({
      id,
      channel: 'z-api',
      kind: 'sticker',
      url: 'https://host/x',
      reference: null,
      receivedAt: expect.any(Date),
      expiresAt: later,
      needsCredentials: true,
      sha256: 'f'.repeat(64),
      attempts: 0,
      sender: '5511999990000',
      chat: null,
      lastError: null,
      sourceDelivery: null,
    });
  });

  test('becomes ready with its bytes', async () => {
    const id = await received();
    await table.scheduleRetry(firstLink(id), { at: later, now }, timeout);
    const held = await table.announce(blob, now);
    expect(await table.markReady(id, held)).toBe('ready');
    expect(await rowOf(id)).toMatchObject({
      state: 'ready',
      sha256: blob.sha256,
      attempts: 2,
      next_attempt_at: null,
      error_code: null,
      error_message: null,
    });
    expect(await table.findBlob(blob.sha256)).toEqual(held);
    expect(await table.findPending(id)).toBeUndefined();
  });

  test('becomes refused with the reason', async () => {
    const id = await received();
    await table.markRefused(firstLink(id), 'failed', { code: 'media.gone', message: 'not there' });
    expect(await rowOf(id)).toMatchObject({
      state: 'failed',
      error_code: 'media.gone',
      error_message: 'not there',
      attempts: 1,
      next_attempt_at: null,
      sha256: null,
    });
  });

  test('stays pending after an attempt that failed, with one job for the next', async () => {
    const id = await received();
    await forgetJobs(); // The queue deletes a job that has run.
    await table.scheduleRetry(firstLink(id), { at: later, now }, timeout);
    expect(await rowOf(id)).toMatchObject({
      state: 'pending',
      attempts: 1,
      next_attempt_at: later,
      error_code: 'media.timeout',
    });
    expect(await jobsOf(id)).toEqual([laterMs]);
    await table.scheduleRetry(firstLink(id), { at: now, now }, timeout);
    expect(await rowOf(id)).toMatchObject({ attempts: 2, next_attempt_at: now });
    expect(await jobsOf(id)).toEqual([0]);
  });

  test('gets another job even while the present one is at work', async () => {
    const id = await received();
    await clone.query(`update graphile_worker._private_jobs set locked_at = now(), locked_by = 'somebody'`);
    await table.scheduleRetry(firstLink(id), { at: later, now }, timeout);
    expect(await jobsOf(id)).toContainEqual(laterMs);
  });

  test('is put off without an attempt being counted', async () => {
    const id = await received();
    await forgetJobs();
    await table.postpone(firstLink(id), laterMs);
    expect(await jobsOf(id)).toEqual([laterMs]);
    expect(await rowOf(id)).toMatchObject({ state: 'pending', attempts: 0, error_code: null });
  });

  test('can be given a fresh link', async () => {
    const id = await received();
    await table.replaceSource(firstLink(id), 'https://host/fresh', null);
    expect(await table.findPending(id)).toMatchObject({ url: 'https://host/fresh', expiresAt: null });
  });
});

describe('a media that is not pending any more stays as it is', () => {
  test.each(['ready', 'rejected', 'failed', 'erased'])('%s', async (state) => {
    const id = await received();
    await forgetJobs();
    await clone.query('update media set state = $2 where id = $1', [id, state]);
    const before = await rowOf(id);
    expect(await table.markReady(id, await table.announce(blob, now))).toBe('not pending');
    await table.markRefused(firstLink(id), 'rejected', timeout);
    await table.scheduleRetry(firstLink(id), { at: later, now }, timeout);
    expect(await rowOf(id)).toEqual(before);
    expect(await jobsOf(id)).toEqual([]);
    expect(await table.findPending(id)).toBeUndefined();
  });

  test('and an id that nobody knows is no error', async () => {
    const id = newId();
    await table.markRefused(firstLink(id), 'rejected', timeout);
    await table.scheduleRetry(firstLink(id), { at: later, now }, timeout);
    expect(await table.findPending(id)).toBeUndefined();
    expect(await jobsOf(id)).toEqual([]);
  });
});

describe('becoming ready', () => {
  const readyAt = async (id: string) => {
    const [row] = await clone.query<{ ready_at: Date; is_now: boolean }>(
      `select ready_at, ready_at > now() - interval '1 minute' as is_now from media where id = $1`,
      [id],
    );
    return row;
  };

  test('goes by the clock of the database', async () => {
    const id = await received();
    await table.markReady(id, await table.announce(blob, now));
    expect(await readyAt(id)).toMatchObject({ is_now: true });
  });

  test('is not before being received, whichever clock is wrong', async () => {
    const id = await received();
    const ahead = new Date('2999-01-01T00:00:00.000Z');
    await clone.query('update media set received_at = $2 where id = $1', [id, ahead]);
    await table.markReady(id, await table.announce(blob, now));
    expect((await readyAt(id))?.ready_at).toEqual(ahead);
  });

  const orphaned = () =>
    clone.query(
      'update blob set orphaned_at = now() where not exists (select from media where media.sha256 = blob.sha256)',
    );
  const events = (id: string) => clone.query('select type from notification where media_id = $1', [id]);

  test('is not told when the files were removed after they were stored', async () => {
    const id = await received();
    const held = await table.announce(blob, now);
    await orphaned();
    const removed: string[] = [];
    await createOrphans(database.work).discard([blob.sha256], (blobs) => {
      removed.push(...blobs.map(({ sha256 }) => sha256));
      return Promise.resolve();
    });
    expect(removed).toEqual([blob.sha256]);
    expect(await table.markReady(id, held)).toBe('bytes gone');
    expect(await rowOf(id)).toMatchObject({ state: 'pending', sha256: null, attempts: 0 });
    expect(await events(id)).toEqual([]);
    expect(
      await table.addUpload(
        { id: newId(), channel: 'z-api', provider: 'z-api', kind: 'image', filename: null },
        held,
        now,
      ),
    ).toBe(false);

    // Stored once more, by whomever, they are other files.
    const again = await table.announce(blob, now);
    expect(await table.markReady(id, held)).toBe('bytes gone');
    expect(await table.markReady(id, again)).toBe('ready');
    expect(await events(id)).toEqual([{ type: 'media.ready' }]);
  });

  test('is not told when removing the files has begun and was cut off', async () => {
    const id = await received();
    const held = await table.announce(blob, now);
    const cutOff = createOrphans(database.work).discard([blob.sha256], () =>
      Promise.reject(new Error('cut off')),
    );
    await expect(cutOff).rejects.toThrow('cut off');
    expect(await count('blob')).toBe(1);
    expect(await table.markReady(id, held)).toBe('bytes gone');
  });

  test('files that are stored anew are not removed with the old ones', async () => {
    await table.announce(blob, now);
    let again: Promise<unknown> = Promise.resolve();
    const removed: number[] = [];
    const orphans = createOrphans(database.work);
    await orphans.discard([blob.sha256], (blobs) => {
      removed.push(blobs.length);
      // Waits for the end of the removal.
      again = table.announce(blob, now);
      return Promise.resolve();
    });
    await again;
    expect(removed).toEqual([1]);
    expect(await count('blob')).toBe(1);
  });
});

describe('the same bytes', () => {
  test('are one blob for all media that have them, of which the last description counts', async () => {
    const ids = await Promise.all(Array.from({ length: 8 }, () => received()));
    const held = await table.announce(blob, now);
    await Promise.all(ids.map((id) => table.markReady(id, held)));
    await table.markReady(await received(), await table.announce({ ...blob, type: 'image/png' }, later));
    expect(await count('blob')).toBe(1);
    expect((await table.findBlob(blob.sha256))?.type).toBe('image/png');
    const states = await clone.query('select distinct state, sha256 from media');
    expect(states).toEqual([{ state: 'ready', sha256: blob.sha256 }]);
  });

  test('keep the previews that are there when a later description has none', async () => {
    const id = await received();
    await table.markReady(id, await table.announce(blob, now));
    const damaged = [{ code: 'media.damaged', message: 'nothing can be decoded' }] as const;
    await table.announce({ ...blob, width: null, height: null, previews: [], warnings: damaged }, later);
    const { previews, width, warnings } = blob;
    expect(await table.findBlob(blob.sha256)).toMatchObject({ previews, width, warnings });
  });

  test('may be an upload too', async () => {
    const id = newId();
    const upload = { id, channel: 'z-api', provider: 'z-api', kind: 'image', filename: 'a.jpg' } as const;
    const held = await table.announce(blob, now);
    await table.markReady(await received(), held);
    expect(await table.addUpload(upload, held, now)).toBe(true);
    const [row] = await clone.query('select * from media where id = $1', [id]);
    expect(row).toMatchObject({
      state: 'ready',
      direction: 'outbound',
      filename: 'a.jpg',
      message_row_id: null,
      sha256: blob.sha256,
    });
    expect(await count('blob')).toBe(1);
  });

  test('are not known before they are stored', async () => {
    expect(await table.findBlob('b'.repeat(64))).toBeUndefined();
  });
});

describe('trying again by hand', () => {
  test.each(['rejected', 'failed'] as const)(
    'brings back what is %s, with all its attempts',
    async (state) => {
      const id = await received();
      await forgetJobs();
      await table.markRefused(firstLink(id), state, timeout);
      expect(await table.retryNow(id, now, nothingElse)).toBe(true);
      expect(await rowOf(id)).toMatchObject({ state: 'pending', attempts: 0, next_attempt_at: now });
      expect(await jobsOf(id)).toEqual([0]);
    },
  );

  test.each(['pending', 'ready', 'erased'])('does nothing to what is %s', async (state) => {
    const id = await received();
    await forgetJobs();
    await clone.query('update media set state = $2 where id = $1', [id, state]);
    expect(await table.retryNow(id, now, nothingElse)).toBe(false);
    expect((await rowOf(id))?.state).toBe(state);
    expect(await jobsOf(id)).toEqual([]);
  });

  test('does nothing to what never had an address, or does not exist', async () => {
    const id = await received({ state: 'rejected', source_url: null, error_code: 'media.no_address' });
    expect(await table.retryNow(id, now, nothingElse)).toBe(false);
    expect(await table.retryNow(newId(), now, nothingElse)).toBe(false);
  });
});

describe('the reconciler', () => {
  test('gives a job back to a media whose job is gone', async () => {
    const id = await received();
    await forgetJobs();
    await age(id);
    expect(await table.reconcile()).toBe(1);
    expect(await jobsOf(id)).toHaveLength(1);
    expect(await table.reconcile()).toBe(0);
  });

  test('leaves alone what waits for its turn, however long', async () => {
    const id = await received();
    await age(id);
    expect(await table.reconcile()).toBe(0);
    expect(await jobsOf(id)).toHaveLength(1);
  });

  test('leaves alone what waits for its next attempt', async () => {
    const id = await received();
    await forgetJobs();
    await table.scheduleRetry(firstLink(id), { at: later, now }, timeout);
    await age(id);
    expect(await table.reconcile()).toBe(0);
    expect(await jobsOf(id)).toEqual([laterMs]);
  });

  test('leaves alone what is being worked on', async () => {
    const id = await received();
    await age(id);
    await clone.query(
      `update graphile_worker._private_jobs set locked_at = now(), locked_by = 'somebody', key = null`,
    );
    expect(await table.reconcile()).toBe(0);
    expect(await jobsOf(id)).toHaveLength(1);
  });

  test('is not misled by what is left of a job that was replaced when its process was killed', async () => {
    const id = await received();
    await forgetJobs();
    await table.postpone(firstLink(id), 0);
    await clone.query(`update graphile_worker._private_jobs set locked_at = now(), locked_by = 'somebody'`);
    await table.postpone(firstLink(id), laterMs);
    await clone.query(`delete from graphile_worker._private_jobs where run_at > now() + interval '1 minute'`);
    await age(id);
    expect(await table.reconcile()).toBe(0);
    await clone.query(`select graphile_worker.force_unlock_workers(array['somebody'])`);
    expect(await jobsOf(id)).toHaveLength(1); // The queue's way to have it run no more is to call its attempts used up.
    expect(await table.reconcile()).toBe(1);
  });

  test('leaves alone what came in a moment ago', async () => {
    const id = await received();
    await forgetJobs();
    await clone.query('update media set next_attempt_at = now() where id = $1', [id]);
    expect(await table.reconcile()).toBe(0);
  });

  test('leaves alone what has a future attempt', async () => {
    const id = await received();
    await forgetJobs();
    await clone.query(`update media set next_attempt_at = now() + interval '1 hour' where id = $1`, [id]);
    expect(await table.reconcile()).toBe(0);
  });

  test.each(['ready', 'rejected', 'failed', 'erased'])('leaves alone what is %s', async (state) => {
    const id = await received();
    await forgetJobs();
    await age(id);
    await clone.query('update media set state = $2 where id = $1', [id, state]);
    expect(await table.reconcile()).toBe(0);
    expect(await jobsOf(id)).toEqual([]);
  });
});

test('a listener is notified of media that leave pending, and of no others', async () => {
  const heard: string[] = [];
  const client = await database.work.connect();
  client.on('notification', ({ payload = '' }) => heard.push(payload));
  await client.query('listen inlet_media');
  const ready = await received();
  const refused = await received();
  const retried = await received();
  await table.scheduleRetry(firstLink(retried), { at: later, now }, timeout);
  const held = await table.announce(blob, now);
  await table.markReady(ready, held);
  await table.markRefused(firstLink(refused), 'failed', timeout);
  await table.markReady(ready, held);
  await client.query('select 1');
  expect(heard).toEqual([ready, refused]);
  client.release(true);
});
