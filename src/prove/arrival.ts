/** Sends pictures one at a time and follows their outcome. */
import { randomUUID } from 'node:crypto';

import type { BenchService } from '../bench/service.js';
import type { ProviderId } from '../demo/providers/registry.js';
import { askingForReceipt } from '../demo/providers/simulated-provider.js';
import { eventually } from './eventually.js';

export interface SentPicture {
  readonly provider: ProviderId;
  /** The digits of the sender's phone number. */
  readonly from: string;
  readonly url: string;
}

/** Sends a webhook with one picture; returns the id of its media item. */
export async function sendPicture(
  service: BenchService,
  { provider, from, url }: SentPicture,
): Promise<string> {
  const message = { kind: 'image', id: randomUUID(), from, url } as const;
  const { path, headers, body } = service.simulator.providers[provider].webhook(message);
  const answer = await fetch(service.baseUrl + path, {
    method: 'POST',
    headers: { ...headers, ...askingForReceipt },
    body,
  });
  if (answer.status !== 200) throw new Error(`a webhook was answered ${String(answer.status)}`);
  const { media = [] } = (await answer.json()) as { media?: string[] };
  return media[0] ?? '';
}

export interface Arrival {
  readonly state: string;
  readonly ms: number;
}

/** Waits until a media item is no longer pending, up to a limit; returns its state and the duration. */
export async function arrivalOf(service: BenchService, media: string, withinMs: number): Promise<Arrival> {
  const began = performance.now();
  let state = '';
  await eventually(async () => {
    const answer = await service.get(`/v1/media/${media}?wait=1`);
    state = ((await answer.json()) as { state?: string }).state ?? String(answer.status);
    return state !== 'pending';
  }, withinMs);
  return { state, ms: performance.now() - began };
}
