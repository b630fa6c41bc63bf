/** Providers that pass on Meta's ids: of use only to channels with an access token of Meta. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import type { Http, MediaSource } from '../../src/domain/provider.js';
import type { ProviderAdapter } from '../../src/domain/provider-adapter.js';
import { aisoule } from '../../src/providers/aisoule/index.js';
import { sobot } from '../../src/providers/sobot.js';
import { settings } from '../support/signing.js';
import { receivedAt } from './fixtures.js';
import { startRecordingApi, type RecordingApi } from './recording-api.js';

let api: RecordingApi;
beforeAll(async () => {
  api = await startRecordingApi();
});
beforeEach(() => {
  api.requests.length = 0;
  api.answers.length = 0;
});
afterAll(() => api.close());

/** Meta's API, at the address of a local server. */
const http: Http = ({ url, ...request }) =>
  api.http({ ...request, url: url.replace('https://graph.facebook.com', api.origin) });

const accessToken = 'EAAinvented0123456789';
const fromMeta = (image: object) => [
  {
    field: 'messages',
    value: { messages: [{ id: 'wamid.x', from: '15550100501', type: 'image', image }] },
  },
];
const ofAisoule = (image: object) => ({
  event: 'message.received',
  timestamp: 1_795_255_200,
  data: { message_id: 'msg_x', sender: '15550100501', type: 'image', image },
});

const own = 'https://files.example.com/900.jpg';
const lookaside = 'https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=900&ext=1795255500';

describe.each([
  { id: 'aisoule', definition: aisoule, payloadOf: ofAisoule },
  { id: 'aisoule', definition: aisoule, payloadOf: fromMeta },
  { id: 'sobot', definition: sobot, payloadOf: fromMeta },
])('$id, $payloadOf.name', ({ id, definition, payloadOf }) => {
  const adapterWith = (metaAccessToken?: string): ProviderAdapter =>
    definition.load({ ...settings[id], mediaHosts: 'files.example.com', metaAccessToken }, () => receivedAt);
  const sourceOf = (adapter: ProviderAdapter, image: object): MediaSource | undefined => {
    const [event] = adapter.parse(payloadOf(image), receivedAt);
    return event?.type === 'message' ? event.media[0]?.source : undefined;
  };
  const withToken = adapterWith(accessToken);
  const without = adapterWith();

  test('an id leads to the file with a token only', () => {
    expect(sourceOf(without, { id: '900' })).toMatchObject({ type: 'unavailable', code: 'media.no_address' });
    expect(sourceOf(withToken, { id: '900' })).toEqual({ type: 'reference', reference: '900' });
    expect(sourceOf(withToken, {})).toBeUndefined();
  });

  test('a link of the provider stays as it is', () => {
    const plain = { type: 'link', url: own, expiresAt: null, needsCredentials: false };
    for (const adapter of [without, withToken])
      expect(sourceOf(adapter, { id: '900', url: own })).toEqual(plain);
  });

  test('the token is exchanged for a link at Meta, and goes to the hosts of Meta only', async () => {
    api.answers.push({ status: 200, body: { url: lookaside } });
    const { resolve, authorize, trustedHosts } = withToken.downloads;
    expect(await resolve?.('900', http)).toEqual({ url: lookaside, needsCredentials: true });
    const headers = { authorization: `Bearer ${accessToken}` };
    expect(api.requests).toMatchObject([{ method: 'GET', path: '/v25.0/900', headers }]);
    expect(trustedHosts).toEqual(['files.example.com', 'graph.facebook.com', 'lookaside.fbsbx.com']);
    expect(await authorize?.(new URL(lookaside))).toEqual(headers);
    expect(await authorize?.(new URL(own))).toEqual({});
  });

  test('nothing changes for channels without a token', () => {
    expect(without.downloads).toEqual({ trustedHosts: ['files.example.com'] });
  });
});

test.each([
  { id: 'aisoule', definition: aisoule },
  { id: 'sobot', definition: sobot },
])('$id: a link of Meta needs the token, and its id outlives it', ({ id, definition }) => {
  const adapter = definition.load({ ...settings[id], metaAccessToken: accessToken }, () => receivedAt);
  const [event] = adapter.parse(fromMeta({ id: '900', url: lookaside }), receivedAt);
  expect(event).toMatchObject({
    media: [
      {
        source: {
          type: 'link',
          url: lookaside,
          needsCredentials: true,
          expiresAt: new Date(1_795_255_500_000),
          reference: '900',
        },
      },
    ],
  });
});
