import { randomUUID } from 'node:crypto';

import type { Check, Content, MediaHost } from '../media-host.js';
import type { ProviderApi } from './api/provider-api.js';
import type { Failure, SimulatedStatus, Webhook } from './api/report.js';

export type { SimulatedStatus, Webhook };

export const providerIds = ['blip', 'z-api', 'vonage', 'aisoule', 'sobot'] as const;
export type ProviderId = (typeof providerIds)[number];

export type SimulatedMediaKind = 'image' | 'video' | 'audio' | 'document' | 'sticker';

interface Envelope {
  /** The provider's id of the message; made up when absent. */
  readonly id?: string;
  /** Digits of the sender's telephone number. */
  readonly from?: string;
  readonly name?: string;
  readonly sentAt?: Date;
}

/** What somebody sent, in no provider's words. */
export type SimulatedMessage =
  | SimulatedMedia
  | (Envelope & { readonly kind: 'text'; readonly text: string })
  /** A picture message in which the picture is missing. */
  | (Envelope & { readonly kind: 'malformed' })
  /** A report on a message that the business sent. */
  | (Envelope & {
      readonly kind: 'status';
      readonly id: string;
      readonly status: SimulatedStatus;
      /** Why it failed, for those that did. */
      readonly failure?: Failure | null;
    });

export interface SimulatedMedia extends Envelope {
  readonly kind: SimulatedMediaKind;
  readonly url: string;
  /** MIME type as the provider would declare it; one that suits the kind when absent. */
  readonly type?: string;
  readonly caption?: string;
  readonly filename?: string;
  /** Digest of the file, in hexadecimal. Providers that tell no digest leave it out. */
  readonly sha256?: string;
  /** The group that the message was sent to, where the provider has groups. */
  readonly group?: string;
  /** The link asks for the channel's credentials, and the provider's payload says so where it can. */
  readonly credentials?: boolean;
}

/** One provider, seen from the service: it calls with webhooks, it keeps files, and it takes messages. */
export interface SimulatedProvider {
  readonly api: ProviderApi;
  readonly webhook: (message: SimulatedMessage) => Webhook;
  /** Keeps a file where this provider would, and returns the link that it would send. */
  readonly publish: (content: Content, ...checks: readonly Check[]) => string;
  /** The settings that make the service accept this provider. */
  readonly env: () => Record<string, string>;
}

/** Where a provider works: the host on which it keeps files, and its own API. */
export interface Place {
  readonly host: MediaHost;
  readonly api: ProviderApi;
}

/** The number of the business, which every simulated customer writes to. */
export const businessNumber = '5511888880000';

interface Sender {
  readonly id: string;
  readonly from: string;
  readonly name: string;
  readonly sentAt: Date;
}

/** Fills in who wrote, when, and under which id. */
export function senderOf(message: SimulatedMessage, makeId: () => string = randomUUID): Sender {
  const { id = makeId(), from = '5511999990000', name = 'Ana', sentAt = new Date() } = message;
  return { id, from, name, sentAt };
}

const usualTypes: Readonly<Record<SimulatedMediaKind, string>> = {
  image: 'image/jpeg',
  video: 'video/mp4',
  audio: 'audio/ogg; codecs=opus',
  document: 'application/pdf',
  sticker: 'image/webp',
};

export function declaredType({ kind, type = usualTypes[kind] }: SimulatedMedia): string {
  return type;
}

/** Leaves out what a provider would leave out, rather than sending it as null. */
export function present(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

export function unixSeconds(time: Date): number {
  return Math.floor(time.getTime() / 1000);
}

export const jsonHeaders = { 'content-type': 'application/json' } as const;
