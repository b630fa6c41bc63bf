/** Stands before the providers' APIs: their answers take a while, as over the internet, so that a send has a middle. */
import { setTimeout as delay } from 'node:timers/promises';

import { between, type Random } from '../../demo/random.js';
import type { Simulator } from '../../demo/providers/index.js';
import { providerIds } from '../../demo/providers/simulated-provider.js';
import { standBetween } from '../between.js';
import type { WireRequest } from '../wire.js';
import type { UnderWay } from './book.js';

export interface Couriers {
  /** The settings of the simulator, with these in place of the APIs. */
  readonly env: Readonly<Record<string, string>>;
  readonly close: () => void;
}

const longestAnswerMs = 250;

export interface CourierOptions {
  readonly underWay: UnderWay;
  readonly random: Random;
  /** Sees each request that was answered, before the answer is passed on. */
  readonly seen?: ((request: WireRequest, port: number) => Promise<unknown>) | undefined;
}

export async function startCouriers(
  simulator: Simulator,
  { underWay, random, seen }: CourierOptions,
): Promise<Couriers> {
  let env = simulator.env();
  const standing = await Promise.all(
    providerIds.map(async (id) => {
      const { host } = simulator.providers[id].api;
      const port = Number(host.split(':')[1]);
      const one = await standBetween(port, {
        request: (request) => {
          underWay.send += 1;
          return request;
        },
        answer: async (answer, request) => {
          await seen?.(request, port);
          await delay(between(random, [0, longestAnswerMs]));
          underWay.send -= 1;
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
