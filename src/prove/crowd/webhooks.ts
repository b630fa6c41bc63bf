/** Webhooks of the largest size and larger, of providers whose webhooks can contain many attachments. */
import { randomUUID } from 'node:crypto';

import type { BenchService } from '../../bench/service.js';

export interface CrowdedWebhook {
  readonly what: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** An address that is refused without a connection, because the outcome of the links is irrelevant. */
const nowhere = 'http://127.0.0.1:1/';

export type CrowdedProvider = 'blip' | 'sobot' | 'z-api';

const shapes: Readonly<Record<CrowdedProvider, (count: number) => object>> = {
  blip: (count) => ({
    id: randomUUID(),
    from: '5511999990000@wa.gw.msging.net',
    to: 'crowd@msging.net',
    type: 'application/vnd.lime.collection+json',
    content: {
      itemType: 'application/vnd.lime.media-link+json',
      items: numbers(count).map((index) => ({ type: 'image/jpeg', uri: `${nowhere}${String(index)}` })),
    },
  }),
  sobot: (count) => {
    // With ids of the usual length, the largest webhook would exceed the size limit before its attachments
    // are counted.
    const prefix = randomUUID().slice(0, 8);
    const messages = numbers(count).map((index) => ({
      from: '5511999990000',
      id: `${prefix}${String(index)}`,
      type: 'image',
      image: { url: `${nowhere}${String(index)}` },
    }));
    return [{ field: 'messages', value: { messages } }];
  },
  'z-api': (count) => ({
    type: 'ReceivedCallback',
    messageId: randomUUID(),
    phone: '5511999990000',
    carouselMessage: {
      cards: numbers(count).map((index) => ({
        header: { image: { imageUrl: `${nowhere}${String(index)}` } },
      })),
    },
  }),
};

/** A webhook with this many attachments, proven as its provider does. */
export function crowdedWebhook(
  service: BenchService,
  provider: CrowdedProvider,
  count: number,
): CrowdedWebhook {
  const { path, headers } = service.simulator.providers[provider].webhook({
    kind: 'text',
    id: randomUUID(),
    text: 'for its address and its proof, which do not depend on the body',
  });
  return {
    what: `${provider} with ${String(count)}`,
    path,
    headers,
    body: JSON.stringify(shapes[provider](count)),
  };
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}
