/**
 * One round: a picture is received, then erased while everything that could bring it back happens at once.
 */
import { randomUUID } from 'node:crypto';

import type { BenchService } from '../../bench/service.js';
import { bytes } from '../../demo/media-host.js';
import type { ProviderId } from '../../demo/providers/registry.js';
import {
  askingForReceipt,
  type SimulatedMedia,
  type SimulatedMessage,
  type SimulatedProvider,
  type Webhook,
} from '../../demo/providers/simulated-provider.js';

/** What is erased: a person with everything, or one picture. */
export type Victim = 'person' | 'media';

export interface Surroundings {
  readonly service: BenchService;
  /** The URL for requests: the service, or a proxy in front of it. */
  readonly port: number;
}

export interface Round {
  readonly provider: ProviderId;
  readonly victim: Victim;
  /** Unique digits. */
  readonly from: string;
  readonly photo: Buffer;
  /** Whether the picture is stored before it is erased; otherwise it is still downloading. */
  readonly waits: boolean;
  /** How long each competitor waits before it starts. */
  readonly delaysMs: readonly number[];
}

export interface Raced {
  /** The texts that must not remain anywhere. */
  readonly secrets: readonly string[];
  /** Responses that broke a guarantee. */
  readonly failures: readonly string[];
}

interface Receipt {
  readonly delivery: string;
  readonly media: readonly string[];
}

export async function race(surroundings: Surroundings, round: Round): Promise<Raced> {
  const { service } = surroundings;
  const { provider, victim, from } = round;
  const simulated: SimulatedProvider = service.simulator.providers[provider];
  const url = simulated.publish(bytes('image/jpeg', () => round.photo));
  const message = { kind: 'image', id: randomUUID(), from, name: randomUUID(), url } as const;
  const told = (changes: Partial<SimulatedMessage>): Webhook =>
    simulated.webhook({ ...message, ...changes } as SimulatedMessage);
  const first = await deliver(surroundings, told({}));
  const { delivery, media } = (await first.json()) as Receipt;
  const path = `/v1/media/${media[0] ?? ''}`;
  if (round.waits) await drain(service.get(`${path}?wait=20`));
  const target = victim === 'media' ? path : `/v1/contacts/${provider}/${from}`;
  const other = simulated.publish(bytes('application/pdf', Buffer.from('%PDF-1.4 of somebody')));
  const racing: readonly (readonly [name: string, begin: () => Promise<Response>])[] = [
    ['erase', () => ask(surroundings, 'DELETE', target)],
    [
      'second attachment',
      () => deliver(surroundings, told({ kind: 'document', url: other, filename: 'a.pdf' })),
    ],
    ['redelivery', () => deliver(surroundings, told({ caption: 'once more' }))],
    ['replay', () => ask(surroundings, 'POST', `/v1/deliveries/${delivery}/replay`)],
    ['retry', () => ask(surroundings, 'POST', `${path}/retry`)],
    ['send', () => send(surroundings, provider, media[0] ?? '')],
  ];
  const failures = await Promise.all(
    racing.map(async ([name, begin], at) => {
      await new Promise((resolve) => setTimeout(resolve, round.delaysMs[at] ?? 0));
      const { status } = await drain(begin());
      const isRight = name === 'erase' ? status === 200 : status < 500;
      return isRight ? [] : [`${name} was answered ${String(status)} while a ${victim} was erased`];
    }),
  );
  const secrets =
    victim === 'person' ? personalTexts(simulated, message) : [simulated.referenceTo?.(url) ?? url];
  return { secrets, failures: failures.flat() };
}

/** The row of an erased message keeps the provider's id of it, which names the person at some providers. */
function personalTexts(
  { messageIdOf }: SimulatedProvider,
  message: SimulatedMedia & { readonly from: string; readonly name: string },
): string[] {
  const { from, name } = message;
  return messageIdOf?.(message).includes(from) === true ? [name] : [name, from];
}

async function drain(answer: Promise<Response>): Promise<Response> {
  const response = await answer;
  await response.arrayBuffer();
  return response;
}

function deliver({ port }: Surroundings, { path, headers, body }: Webhook): Promise<Response> {
  const request = { method: 'POST', headers: { ...headers, ...askingForReceipt }, body };
  return fetch(`http://127.0.0.1:${String(port)}${path}`, request);
}

function ask({ service, port }: Surroundings, method: string, path: string): Promise<Response> {
  const headers = { authorization: service.authorization };
  return fetch(`http://127.0.0.1:${String(port)}${path}`, { method, headers });
}

/** Sends the picture to another person. */
function send({ service, port }: Surroundings, channel: ProviderId, id: string): Promise<Response> {
  return fetch(`http://127.0.0.1:${String(port)}/v1/messages`, {
    method: 'POST',
    headers: { authorization: service.authorization, 'content-type': 'application/json' },
    body: JSON.stringify({ channel, to: '5521900000000', kind: 'image', media: { id } }),
  });
}
