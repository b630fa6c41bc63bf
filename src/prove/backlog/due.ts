/** Thousands of pictures that are due at once, and their host, which has none of them. */
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

import type { BenchService } from '../../bench/service.js';

export interface EmptyHost {
  /** `127.0.0.1:PORT` */
  readonly host: string;
  /** The delay of its answers from now on. */
  readonly answerAfter: (milliseconds: number) => void;
  readonly close: () => void;
}

/** Answers 404 to everything. */
export async function startEmptyHost(firstMs: number): Promise<EmptyHost> {
  let afterMs = firstMs;
  const server = createServer((_request, response) => {
    response.on('error', () => undefined);
    void delay(afterMs).then(() => response.writeHead(404, { 'content-length': 0 }).end());
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    host: `127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    answerAfter: (milliseconds) => {
      afterMs = milliseconds;
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** The number of pictures that Sobot may put into one webhook without making it a large one. */
const perWebhook = 500;
const webhookMs = 60_000;

/** Sends this many pictures, each from another sender; returns what was not acknowledged. */
export async function sendBacklog(
  service: BenchService,
  { host, pictures }: { readonly host: string; readonly pictures: number },
): Promise<string[]> {
  const { path, headers } = service.simulator.providers.sobot.webhook({
    kind: 'text',
    id: randomUUID(),
    text: 'for its address and its proof, which do not depend on the body',
  });
  const failures: string[] = [];
  for (let first = 0; first < pictures; first += perWebhook) {
    const messages = Array.from({ length: Math.min(perWebhook, pictures - first) }, (_, index) => ({
      from: `55118${String(first + index).padStart(8, '0')}`,
      id: randomUUID(),
      type: 'image',
      image: { url: `http://${host}/${String(first + index)}.jpg` },
    }));
    const body = JSON.stringify([{ field: 'messages', value: { messages } }]);
    const signal = AbortSignal.timeout(webhookMs);
    const { status } = await fetch(service.baseUrl + path, { method: 'POST', headers, body, signal });
    if (status !== 200) failures.push(`a webhook with many pictures was answered ${String(status)}`);
  }
  return failures;
}
