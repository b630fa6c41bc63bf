/**
 * The adapters against the strict simulators: whatever an adapter says that it sends is taken as its provider
 * documents it.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { bytes, filledUpTo } from '../../../src/demo/media-host.js';
import { providerIds, type ProviderId } from '../../../src/demo/providers/registry.js';
import { newId } from '../../../src/domain/id.js';
import type { MediaKind } from '../../../src/domain/provider.js';
import type { OutboundMessage, Sending, SendLimits, SendOptions } from '../../../src/domain/sending.js';
import { createHttp, type HttpClient } from '../../../src/infra/net/http-client.js';
import { providers } from '../../../src/providers/index.js';
import { samples as samplesOf } from '../../samples/index.js';
import { evaluate } from '../../support/evaluator.js';
import { until } from '../../support/until.js';
import { startStage, type Stage } from './stage.js';

let stage: Stage;
let http: HttpClient;
beforeAll(async () => {
  stage = await startStage();
  http = createHttp({ timeoutMs: 60_000 });
});
afterAll(async () => {
  await http.close();
  await stage.simulator.close();
});

const api = (id: ProviderId) => stage.simulator.providers[id].api;

function sendingOf(id: ProviderId): Sending {
  const definition = providers.find((provider) => provider.id === id);
  const env = stage.simulator.env();
  const settings = Object.entries(definition?.envKeys ?? {}).map(([name, key]) => [name, env[key]]);
  const { sending } = definition?.load(Object.fromEntries(settings), () => new Date()) ?? {};
  if (sending === undefined) throw new Error(`${id} does not send`);
  return sending;
}

const samples = {
  image: { file: 'jpeg', type: 'image/jpeg' },
  video: { file: 'mp4', type: 'video/mp4' },
  audio: { file: 'ogg', type: 'audio/ogg' },
  document: { file: 'pdf', type: 'application/pdf' },
  sticker: { file: 'webp', type: 'image/webp' },
} as const satisfies Record<MediaKind, unknown>;

/** The size of the largest picture that the provider downloads from a link. */
const largestLinkedPicture = (limits: SendLimits | undefined): number =>
  (limits?.linkedMedia ?? limits?.media)?.image?.maxBytes ?? 0;

interface Wanted {
  readonly kind: MediaKind;
  readonly options: SendOptions;
  readonly limits: SendLimits;
}

function messageOf({ kind, options, limits }: Wanted): OutboundMessage {
  const { file, type } = samples[kind];
  const content = stage.contents[file];
  const [way = 'link'] = limits.ways;
  const maxCaption = limits.media[kind]?.maxCaption;
  return {
    id: newId(),
    kind,
    type,
    bytes: content.length,
    replyTo: null,
    webhookUrl: 'https://inlet.example.com/webhooks/a-channel',
    options,
    to: limits.recipient.pattern.startsWith('CON-') ? 'CON-1' : '5511999990000',
    filename: `thanks.${file}`,
    caption: maxCaption === 0 ? null : 'x'.repeat(maxCaption ?? 500),
    content:
      way === 'link'
        ? { way, url: stage.files[file] }
        : { way, data: () => Promise.resolve(new Uint8Array(content)) },
  };
}

async function send(id: ProviderId, message: OutboundMessage) {
  const sending = sendingOf(id);
  const checked = sending.checkOptions(message.options);
  if (!checked.ok) throw new Error(JSON.stringify(checked.problems));
  return sending.send({ ...message, options: checked.options }, http, evaluate);
}

/** What the provider has under this id, as soon as it has looked at it. */
const arrived = (id: ProviderId, messageId: string) =>
  until(() => api(id).accepted.find((one) => one.id === messageId && (one.media ?? one.failure) !== null));

describe.each(providerIds)('%s', (id) => {
  test('has limits for exactly the choices that are tested here', () => {
    expect(Object.keys(sendingOf(id).limits).sort()).toEqual(Object.keys(samplesOf[id].choices).sort());
  });

  test.each(Object.entries(samplesOf[id].choices))(
    '%s: accepts every kind, with the longest caption',
    async (name, options) => {
      const limits = sendingOf(id).limits[name];
      expect(limits).toBeDefined();
      if (limits === undefined) return;
      for (const kind of Object.keys(limits.media) as MediaKind[]) {
        const outcome = await send(id, messageOf({ kind, options, limits }));
        expect({ kind, outcome, refused: api(id).refused.at(-1)?.answer }).toMatchObject({
          outcome: { type: 'accepted', messageId: expect.any(String) },
        });
        const messageId = outcome.type === 'accepted' ? outcome.messageId : '';
        const { media, failure } = await arrived(id, messageId);
        expect({ kind, failure, type: media?.type }).toEqual({
          kind,
          failure: null,
          type: samples[kind].type,
        });
      }
    },
  );

  test('accepts as many bytes as its adapter allows', async () => {
    const [[name, options] = ['', {}]] = Object.entries(samplesOf[id].choices);
    const limits = sendingOf(id).limits[name];
    const maxBytes = largestLinkedPicture(limits);
    if (limits === undefined) throw new Error('There are no limits');
    const largest = filledUpTo(maxBytes, 'image/jpeg', stage.contents.jpeg);
    const url = stage.simulator.host.serve(`/largest-${id}`, largest);
    const message = { ...messageOf({ kind: 'image', options, limits }), bytes: maxBytes };
    const outcome = await send(id, { ...message, content: { way: 'link', url } });
    const { media } = await arrived(id, outcome.type === 'accepted' ? outcome.messageId : '');
    expect(media?.bytes).toBe(maxBytes);
  });

  test('reports for each fault whether the message may be sent again', async () => {
    const [[name, options] = ['', {}]] = Object.entries(samplesOf[id].choices);
    const limits = sendingOf(id).limits[name];
    if (limits === undefined) throw new Error('There are no limits');
    const attempt = () => send(id, messageOf({ kind: 'image', options, limits }));
    for (const fault of ['cut', 'garbage', 'error'] as const) {
      api(id).misbehave(fault);
      expect({ fault, type: (await attempt()).type }).toEqual({ fault, type: 'unknown' });
    }
    expect((await attempt()).type).toBe('accepted');
  });
});

test('a refusal contains the message of the provider', async () => {
  const limits = sendingOf('sobot').limits['default'];
  if (limits === undefined) throw new Error('There are no limits');
  const message = messageOf({ kind: 'image', options: {}, limits });
  const url = stage.simulator.host.serve('/page.jpg', bytes('image/jpeg', Buffer.from('<!doctype html>')));
  expect(await send('sobot', { ...message, content: { way: 'link', url } })).toMatchObject({
    type: 'refused',
    code: '400',
    message: expect.stringContaining('text/html'),
  });
});
