/** Any payload with a valid proof is accepted or refused, and neither breaks nor fills the process. */
import { randomUUID } from 'node:crypto';

import { runLoad } from '../../bench/load.js';
import { seededRandom, type Random } from '../../demo/random.js';
import {
  askingForReceipt,
  type SimulatedMessage,
  type Webhook,
} from '../../demo/providers/simulated-provider.js';
import type { Memory } from '../../bench/service.js';
import { standBetween } from '../proxy.js';
import type { Check, Context, Mutation, Outcome } from '../check.js';
import { doorsOf, forged, proofOf, proven, type Door } from '../doors/door.js';
import { countDeliveries } from '../rows.js';
import { bytesOf } from '../wire.js';
import { mutated } from './mutate.js';

const perProvider = { short: 2_000, full: 100_000, double: 400 };
const batch = 500;
const connections = 16;
/**
 * The allowed growth of the process after the first quarter of the payloads: its heap fluctuates, but a leak
 * exceeds this.
 */
const maxGrowthMb = 150;

interface Target {
  readonly port: number;
  readonly memory: () => Memory | null;
  readonly count: number;
}

async function tryPayloads(context: Context, { port, memory, count }: Target): Promise<Outcome> {
  const service = await context.service();
  const { simulator } = service;
  const random = seededRandom(context.seed);
  const doors = doorsOf(simulator).filter(({ name, channel }) => name === channel);
  const outcomes = new Map<string, number>();
  const failures: string[] = [];
  const samples: number[] = [];
  let tried = 0;
  // Compared by id, because the same payload twice is one delivery.
  const deliveries = new Set<string>();
  const before = await countDeliveries(service);
  const note = (status: number, body: string): void => {
    const receipt = status === 200 ? (JSON.parse(body) as { outcome?: string; delivery?: string }) : {};
    const outcome = receipt.outcome ?? String(status);
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    if (receipt.delivery !== undefined) deliveries.add(receipt.delivery);
    if (status !== 200 && status !== 400) failures.push(`a payload was answered ${String(status)}`);
  };
  for (let done = 0; done < count && failures.length === 0; done += batch)
    for (const door of doors) {
      const size = Math.min(batch, count - done);
      const requests = Array.from({ length: size }, () =>
        damagedWebhook(door, simulator.providers[door.channel as 'blip'].webhook(anything(random)), random),
      );
      tried += size;
      await runLoad({ port, requests, connections, answered: note }).catch((error: unknown) => {
        failures.push(`${door.name}: the service went away (${String(error)})`);
      });
      samples.push(memory()?.now ?? 0);
    }
  const growth = growthOf(samples);
  if (growth > maxGrowthMb) failures.push(`memory grew by ${growth.toFixed(0)} MB`);
  const acknowledged = deliveries.size;
  const kept = (await countDeliveries(service, before + acknowledged)) - before;
  const lost = Math.max(0, acknowledged - kept);
  if (kept !== acknowledged)
    failures.push(`${String(acknowledged)} were acknowledged and ${String(kept)} kept`);
  const report = [...outcomes].map(([outcome, number]) => `${outcome} ${String(number)}`).join(', ');
  return {
    tried,
    failures,
    lost,
    doubled: Math.max(0, kept - acknowledged),
    worstMs: null,
    worstMemoryMb: Math.max(...samples),
    notes: [`${report}; growth of memory ${growth.toFixed(0)} MB`],
  };
}

/** Runs after the first quarter has warmed up the process. */
function growthOf(samples: readonly number[]): number {
  return (samples.at(-1) ?? 0) - (samples[Math.floor(samples.length / 4)] ?? 0);
}

/** No external host, because a damaged link must not lead to a stranger. */
const nowhere = 'http://localhost/picture.jpg';

function anything(random: Random): SimulatedMessage {
  const id = randomUUID();
  const kinds = ['image', 'video', 'audio', 'document', 'sticker'] as const;
  const choice = Math.floor(random() * (kinds.length + 3));
  const kind = kinds[choice];
  if (kind !== undefined) return { kind, id, url: nowhere, caption: 'a caption', filename: 'file.pdf' };
  if (choice === kinds.length) return { kind: 'text', id, text: 'a text' };
  return choice === kinds.length + 1 ? { kind: 'malformed', id } : { kind: 'status', id, status: 'read' };
}

/** Damages the payload first, then adds the proof. */
function damagedWebhook({ secret }: Door, webhook: Webhook, random: Random): Buffer {
  const body = mutated(webhook.body, random);
  const request = forged(webhook, proven(proofOf(webhook), body, secret));
  const lines = Object.entries(askingForReceipt).map(([name, value]) => `${name}: ${value}`);
  return bytesOf({ ...request, lines: [...request.lines, ...lines], body });
}

async function run(context: Context): Promise<Outcome> {
  const { port, memory } = await context.service();
  return tryPayloads(context, { port, memory, count: perProvider[context.short ? 'short' : 'full'] });
}

const fragile: Mutation = {
  title: 'a payload with a NUL is answered with 500',
  caughtBy: /was answered 500/,
  run: async (context) => {
    const { port, memory } = await context.service();
    const double = await standBetween(port, {
      answer: (answer, { body }) =>
        body.includes(String.raw`\u0000`) ? { status: 500, text: '{}' } : answer,
    });
    try {
      return await tryPayloads(context, { port: double.port, memory, count: perProvider.double });
    } finally {
      double.close();
    }
  },
};

const hoarding: Mutation = {
  title: 'every payload stays in memory',
  caughtBy: /memory grew/,
  run: async (context) => {
    const { port } = await context.service();
    const kept: Buffer[] = [];
    const double = await standBetween(port, {
      answer: (answer) => {
        kept.push(Buffer.alloc(200_000, 1));
        return answer;
      },
    });
    const memory = (): Memory => ({ now: process.memoryUsage.rss() / 1024 ** 2, anonymous: 0, peak: 0 });
    try {
      return await tryPayloads(context, { port: double.port, memory, count: 2 * perProvider.double });
    } finally {
      double.close();
      kept.length = 0;
    }
  },
};

const forgetful: Mutation = {
  title: 'some payloads are acknowledged and not kept',
  caughtBy: /were acknowledged and/,
  run: async (context) => {
    const { port, memory } = await context.service();
    const double = await standBetween(port, {
      answer: (answer) =>
        answer.status === 400
          ? { status: 200, text: JSON.stringify({ delivery: randomUUID(), outcome: 'ignored' }) }
          : answer,
    });
    try {
      return await tryPayloads(context, { port: double.port, memory, count: perProvider.double });
    } finally {
      double.close();
    }
  },
};

export const fuzzing: Check = {
  id: 'fuzzing',
  title: 'survives damaged payloads and limits their memory',
  run,
  mutations: [fragile, hoarding, forgetful],
};
