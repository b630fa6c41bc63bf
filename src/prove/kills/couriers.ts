/**
 * A proxy in front of the providers' APIs that delays their responses, as over the internet, so that a kill
 * can hit the middle of a send.
 */
import { setTimeout as delay } from 'node:timers/promises';

import { between, type Random } from '../../demo/random.js';
import type { Simulator } from '../../demo/providers/index.js';
import { providerIds } from '../../demo/providers/registry.js';
import { standBetween } from '../proxy.js';
import type { WireRequest } from '../wire.js';
import type { UnderWay } from './ledger.js';

export interface Couriers {
  /** The settings of the simulator, with these URLs instead of the APIs. */
  readonly env: Readonly<Record<string, string>>;
  readonly close: () => void;
}

const maxResponseMs = 250;

export interface CourierOptions {
  readonly underWay: UnderWay;
  readonly random: Random;
  /** Called with each answered request, before the response is passed on. */
  readonly onRequest?: ((request: WireRequest, port: number) => Promise<unknown>) | undefined;
}

export async function startCouriers(
  simulator: Simulator,
  { underWay, random, onRequest }: CourierOptions,
): Promise<Couriers> {
  let env = simulator.env();
  // Questions, such as where a file is, send no message.
  const isSending = ({ method }: WireRequest): boolean => method !== 'GET';
  const standing = await Promise.all(
    providerIds.map(async (id) => {
      const { host } = simulator.providers[id].api;
      const port = Number(host.split(':')[1]);
      const one = await standBetween(port, {
        request: (request) => {
          if (isSending(request)) underWay.send += 1;
          return request;
        },
        answer: async (answer, request) => {
          await onRequest?.(request, port);
          await delay(between(random, [0, maxResponseMs]));
          if (isSending(request)) underWay.send -= 1;
          return answer;
        },
      });
      return { host, one };
    }),
  );
  for (const { host, one } of standing)
    env = Object.fromEntries(
      Object.entries(env).map(([name, value]) => [
        name,
        value.replaceAll(host, `127.0.0.1:${String(one.port)}`),
      ]),
    );
  return {
    env,
    close: () => {
      for (const { one } of standing) one.close();
    },
  };
}
