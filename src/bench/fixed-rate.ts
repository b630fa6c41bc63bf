/** Requests that leave at fixed times from a process of their own (sender.ts). */
import type { Sent } from './sender.js';
import { startCompanion } from './service.js';

export interface FixedRate {
  readonly port: number;
  readonly perSecond: number;
  /** Each request is sent once. */
  readonly requests: readonly Buffer[];
  /** Called when the sender holds all requests and begins. */
  readonly begins?: () => void;
}

/** The number of requests in one message to the sender. */
const piece = 1_000;

/** Resolves after the last response, or when the last ones have been awaited long enough. */
export async function sendAtRate({ port, perSecond, requests, begins }: FixedRate): Promise<Sent> {
  const sender = await startCompanion('./sender.js');
  try {
    for (let at = 0; at < requests.length; at += piece)
      await sender.ask({ requests: requests.slice(at, at + piece).map((one) => one.toString('latin1')) });
    begins?.();
    return (await sender.ask({ port, perSecond })) as unknown as Sent;
  } finally {
    sender.stop();
  }
}

/** The milliseconds within which this share of the requests was answered, from 0 to 1. */
export function answeredWithin({ took }: Pick<Sent, 'took'>, share: number): number {
  const sorted = took.filter((ms) => ms >= 0).sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
}
