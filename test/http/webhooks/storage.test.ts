/** What is kept of proven webhooks: every byte, once, whatever they hold. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { call, postWebhook, type Answer, type MessageView } from '../../support/client.js';
import { picture, sobotChange, zApiMedia } from '../../support/payloads.js';
import { startTestService, type TestService } from '../../support/test-service.js';

const channels = ['aisoule', 'blip', 'sobot', 'vonage', 'z-api'];

let service: TestService;

beforeAll(async () => {
  service = await startTestService({ queue: false });
});

afterAll(async () => {
  await service.stop();
});

async function keptBody(delivery: string): Promise<Buffer | undefined> {
  const sql = 'select body from delivery where id = $1';
  return (await service.database.query<{ body: Buffer }>(sql, [delivery]))[0]?.body;
}

function findMessage(channel: string, messageId: string): Promise<Answer<MessageView>> {
  const path = `/v1/messages/${channel}/${encodeURIComponent(messageId)}`;
  return call<MessageView>(service.url, path, { token: service.token('media:read') });
}

const pretty = (payload: unknown): string => JSON.stringify(payload, null, '\t');

describe('the raw bytes', () => {
  it.each<[string, (text: string) => Buffer]>([
    ['with odd white space', (text) => Buffer.from(`\r\n\t ${text}\n\n`)],
    ['with a byte order mark', (text) => Buffer.from(`\uFEFF${text}`)],
    ['with a field that comes twice', (text) => Buffer.from(text.replace('{', '{"type":"x",'))],
    ['with escapes', (text) => Buffer.from(text.replaceAll('look', String.raw`\u006cook\/\ud83d\ude00`))],
    [
      'with bytes that are no UTF-8',
      (text) => Buffer.from(text.replaceAll('look', '\u00ff\u00fe\u0080'), 'latin1'),
    ],
  ])('are kept as they came %s', async (_, change) => {
    const bytes = change(pretty(picture('z-api')));
    const { status, body } = await postWebhook(service, 'z-api', bytes);

    expect({ status, outcome: body.outcome }).toEqual({ status: 200, outcome: 'accepted' });
    expect(await keptBody(body.delivery)).toEqual(bytes);
  });
});

describe.each(channels)('from %s', (channel) => {
  it('the same delivery again is the same delivery, with the same media', async () => {
    const payload = picture(channel);
    const first = await postWebhook(service, channel, payload);
    const again = await postWebhook(service, channel, payload);

    expect(first.body.media).toHaveLength(1);
    expect(again).toMatchObject({ status: 200, body: { ...first.body, duplicate: true } });
  });

  it('the same message in other bytes is kept, and is a duplicate with the same media', async () => {
    const payload = picture(channel);
    const first = await postWebhook(service, channel, payload);
    const again = await postWebhook(service, channel, pretty(payload));

    expect(again.body).toEqual({
      delivery: expect.not.stringMatching(first.body.delivery),
      outcome: 'accepted',
      duplicate: true,
      media: first.body.media,
    });
    expect((await keptBody(again.body.delivery))?.toString()).toBe(pretty(payload));
  });

  it('twenty at once of the same delivery make one of everything', async () => {
    const payload = picture(channel, { messageId: `twenty-${channel}` });
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => postWebhook(service, channel, payload)),
    );

    expect(answers.map(({ status }) => status)).toEqual(Array<number>(20).fill(200));
    expect(new Set(answers.map(({ body }) => body.delivery)).size).toBe(1);
    expect(new Set(answers.flatMap(({ body }) => body.media)).size).toBe(1);
    expect(answers.filter(({ body }) => !body.duplicate)).toHaveLength(1);
    const counts = await service.database.query(
      `select (select count(*)::int from delivery where id = $1) as deliveries,
              (select count(*)::int from message where message_id = $2) as messages,
              (select count(*)::int from media where id = $3) as media,
              (select count(*)::int from graphile_worker._private_jobs where payload ->> 'mediaId' = $3::text) as jobs`,
      [answers[0]?.body.delivery, `twenty-${channel}`, answers[0]?.body.media[0]],
    );
    expect(counts).toEqual([{ deliveries: 1, messages: 1, media: 1, jobs: 1 }]);
  });

  it('twenty different messages at once are all taken', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => postWebhook(service, channel, picture(channel))),
    );
    expect(answers.every(({ status, body }) => status === 200 && !body.duplicate)).toBe(true);
    expect(new Set(answers.flatMap(({ body }) => body.media)).size).toBe(20);
  });
});

it('another kind under a known message id is another attachment of that message', async () => {
  const messageId = 'one-id-two-kinds';
  const image = await postWebhook(service, 'z-api', zApiMedia({ messageId, kind: 'image' }));
  const document = await postWebhook(service, 'z-api', zApiMedia({ messageId, kind: 'document' }));

  expect(document.body).toMatchObject({ outcome: 'accepted', duplicate: false });
  expect(document.body.media).not.toEqual(image.body.media);
  const { body } = await findMessage('z-api', messageId);
  expect(body.media.map(({ id, kind }) => [id, kind]).sort()).toEqual(
    [
      [image.body.media[0], 'image'],
      [document.body.media[0], 'document'],
    ].sort(),
  );
});

it('the same message id in two channels is two messages', async () => {
  const messageId = 'the-same-id-elsewhere';
  const one = await postWebhook(service, 'vonage', picture('vonage', { messageId }));
  const other = await postWebhook(service, 'aisoule', picture('aisoule', { messageId }));
  expect(other.body).toMatchObject({ duplicate: false });
  expect(other.body.media).not.toEqual(one.body.media);
});

it('a message without an id is recognised by its content', async () => {
  const payload = { ...picture('blip', { caption: 'no id' }), id: undefined };
  const first = await postWebhook(service, 'blip', payload);
  const again = await postWebhook(service, 'blip', payload);
  const other = await postWebhook(service, 'blip', { ...payload, from: '5511999990001@wa.gw.msging.net' });

  expect(first.body).toMatchObject({ outcome: 'accepted', duplicate: false });
  expect(again.body).toEqual({ ...first.body, duplicate: true });
  expect(other.body.duplicate).toBe(false);
});

it('what is understood of a delivery is taken although the rest is not', async () => {
  const good = {
    id: 'wamid.good',
    from: '5511999990000',
    type: 'image',
    image: { url: 'https://x.example/1' },
  };
  const { body } = await postWebhook(service, 'sobot', [
    sobotChange(good),
    sobotChange({ ...good, id: 'wamid.bad', image: {} }),
  ]);

  expect(body).toMatchObject({ outcome: 'malformed', duplicate: false, media: [expect.any(String)] });
  expect(await findMessage('sobot', 'wamid.good')).toMatchObject({
    status: 200,
    body: { media: [{ id: body.media[0], state: 'pending' }] },
  });
  expect(await findMessage('sobot', 'wamid.bad')).toMatchObject({ status: 404 });
});

it('a picture without an address that can be used is rejected and says why', async () => {
  const message = {
    id: 'wamid.id-only',
    from: '5511999990000',
    type: 'image',
    image: { id: '990000000000001' },
  };
  const { body } = await postWebhook(service, 'sobot', [sobotChange(message)]);

  expect(body.outcome).toBe('accepted');
  const found = await findMessage('sobot', 'wamid.id-only');
  expect(found.body.media[0]).toMatchObject({
    state: 'rejected',
    error: { code: 'media.no_address', message: expect.any(String) },
  });
});

describe.each(channels)('hostile content from %s', (channel) => {
  const post = async (text: string) => {
    const bytes = Buffer.from(text);
    const { status, body } = await postWebhook(service, channel, bytes);
    // Compared as a whole: Jest compares buffers byte by byte, which takes its time.
    const kept = (await keptBody(body.delivery))?.equals(bytes);
    return { status, kept, ...body };
  };
  const wellKept = { status: 200, kept: true };

  it.each([
    ['NUL characters', String.raw`a\u0000b`],
    ['halves of surrogate pairs', String.raw`a\ud800b\udc00`],
    ['characters that look like SQL', `'; drop table media; --`],
    ['a very long text', 'x'.repeat(100_000)],
    ['characters that turn the text round', 'abc\u202e\u2066def\ufeff'],
  ])('in the caption is kept and can be found: %s', async (name, caption) => {
    const messageId = `caption ${channel} ${name}`;
    const text = JSON.stringify(picture(channel, { messageId, caption: 'CAPTION' }));
    const receipt = await post(text.replaceAll('CAPTION', caption));

    expect(receipt).toMatchObject({ ...wellKept, outcome: 'accepted' });
    expect(await findMessage(channel, messageId)).toMatchObject({
      status: 200,
      body: { id: messageId, media: [{ id: receipt.media[0] }] },
    });
  });

  it.each([
    ['NUL characters', String.raw`a\u0000b`],
    ['halves of surrogate pairs', String.raw`\udfffa`],
    ['more than an id has', 'i'.repeat(10_000)],
  ])('in ids is kept: %s', async (_, id) => {
    const text = JSON.stringify(picture(channel, { messageId: 'MESSAGE', from: 'SENDER' }));
    expect(await post(text.replaceAll('MESSAGE', id))).toMatchObject(wellKept);
    expect(await post(text.replaceAll('SENDER', id))).toMatchObject(wellKept);
  });

  it.each([
    ['a script', 'javascript:alert(1)'],
    ['a file', 'file:///etc/passwd'],
    ['next to nothing', '//'],
    ['NUL characters', String.raw`http://\u0000/`],
    ['more than an address has', 'h'.repeat(50_000)],
  ])('in the address is kept: %s', async (_, url) => {
    const text = JSON.stringify(picture(channel, { url: 'ADDRESS' }));
    expect(await post(text.replaceAll('ADDRESS', url))).toMatchObject(wellKept);
  });

  it.each([
    ['arrays', `${'['.repeat(50_000)}${']'.repeat(50_000)}`],
    ['objects', `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`],
  ])('that is nested 50 000 levels deep is kept: %s', async (name, deep) => {
    expect(await post(deep)).toMatchObject(wellKept);
    const text = JSON.stringify(picture(channel, { messageId: `deep ${name}`, caption: 'CAPTION' }));
    expect(await post(text.replaceAll('"CAPTION"', deep))).toMatchObject(wellKept);
  });

  it.each([
    ['infinite', '1e999'],
    ['negative', '-1'],
    ['nought', '0'],
    ['of 400 digits', '9'.repeat(400)],
    ['far away', '"9999999999999999"'],
    ['no date', '"0000-00-00T99:99:99Z"'],
    ['a list', '[]'],
    ['an object', '{}'],
    ['null', 'null'],
  ])('in places of dates is kept: %s', async (_, date) => {
    const text = JSON.stringify(picture(channel)).replaceAll(
      /("(?:momment|timestamp|#wa\.timestamp)":)("[^"]*"|\d+)/g,
      `$1${date}`,
    );
    const receipt = await post(text);
    expect(receipt).toMatchObject({ ...wellKept, outcome: 'accepted' });
  });

  it.each(['__proto__', 'constructor', 'toString'])('with the key %s is kept', async (key) => {
    const text = JSON.stringify(picture(channel, { messageId: `key ${key}` }));
    expect(await post(text.replace('{', `{"${key}":{"type":"image"},`))).toMatchObject(wellKept);
    expect(await post(JSON.stringify({ type: key, event: key, message_type: key, [key]: {} }))).toMatchObject(
      wellKept,
    );
  });
});

it('a thousand attachments in one message are all taken', async () => {
  const messages = Array.from({ length: 1_000 }, (_, index) => ({
    id: `wamid.many-${String(index)}`,
    from: '5511999990000',
    type: 'image',
    image: { url: `https://x.example/${String(index)}` },
  }));
  const { status, body } = await postWebhook(service, 'sobot', messages.map(sobotChange));
  expect(status).toBe(200);
  expect(new Set(body.media).size).toBe(1_000);
});
