/** The knowledge of the world outside the service: what it sent, the responses, and its requests. */
import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

import { uniquePhotos } from '../../demo/photos.js';
import { between, type Random } from '../../demo/random.js';
import type { Simulator } from '../../demo/providers/index.js';
import { providerIds, type ProviderId } from '../../demo/providers/registry.js';
import type { SimulatedProvider, Webhook } from '../../demo/providers/simulated-provider.js';
import type { AskedMessage, Claims, HeardEvent, SentWebhook } from '../auditor/claims.js';

/** The current activity. */
export type Activity = 'receive' | 'fetch' | 'send' | 'erase';
export type UnderWay = Record<Activity, number>;

export interface Person {
  readonly provider: ProviderId;
  readonly number: string;
  /** A person who is to be erased sends nothing more. */
  isLeaving: boolean;
}

export interface Picture extends SentWebhook {
  /** The same body each time with a new proof, because some proofs expire. */
  readonly webhook: () => Webhook;
  readonly person: Person;
  acknowledged: boolean;
  erased: SentWebhook['erased'];
}

export interface Book {
  readonly pictures: readonly Picture[];
  readonly asked: readonly AskedMessage[];
  readonly underWay: UnderWay;
  readonly heard: readonly HeardEvent[];
  /** A new picture of a person, on its host, with its webhook. */
  readonly newPicture: (provider: ProviderId) => Picture;
  /** Unique bytes. */
  readonly newPhoto: () => Buffer;
  readonly newNumber: () => string;
  readonly noteAsked: (message: AskedMessage) => void;
  readonly noteHeard: (event: HeardEvent & { readonly name: string | null }) => void;
  /** Pictures that the service has acknowledged and not reported yet. */
  readonly waiting: () => number;
  /** Whether these are the bytes of one of the pictures. */
  readonly isPicture: (content: Buffer) => boolean;
  readonly claims: () => Claims;
}

const maxPhotos = 1_000_000;
/** The interval of large pictures, which keep a decoder busy. */
const largeEvery = 5;
const maxPauseMs = 200;
const chanceOfKnownPerson = 0.35;

export async function openBook(simulator: Simulator, random: Random): Promise<Book> {
  const photos = await createPhotos(random);
  const persons = createPersons(random);
  const pictures: Picture[] = [];
  const asked: AskedMessage[] = [];
  const heard: HeardEvent[] = [];
  const told = new Set<string>();
  const underWay: UnderWay = { receive: 0, fetch: 0, send: 0, erase: 0 };

  /** Sent in two halves with a pause between them. */
  async function* inHalves(photo: Buffer): AsyncGenerator<Uint8Array> {
    underWay.fetch += 1;
    try {
      yield photo.subarray(0, photo.length / 2);
      await delay(between(random, [0, maxPauseMs]));
      yield photo.subarray(photo.length / 2);
    } finally {
      underWay.fetch -= 1;
    }
  }

  return {
    pictures,
    asked,
    heard,
    underWay,
    newPhoto: photos.next,
    newNumber: persons.newNumber,
    newPicture: (channel) => {
      const photo = photos.next();
      const { publish } = simulator.providers[channel];
      const url = publish({
        type: 'image/jpeg',
        open: () => ({ length: photo.length, chunks: inHalves(photo) }),
      });
      const picture = pictureOf(simulator, { photo, url, person: persons.anyOf(channel) });
      pictures.push(picture);
      return picture;
    },
    noteAsked: (message) => asked.push(message),
    noteHeard: ({ seq, type, mediaId, name }) => {
      heard.push({ seq, type, mediaId });
      if (name !== null) told.add(name);
    },
    waiting: () =>
      pictures.filter((one) => one.acknowledged && one.erased === 'no' && !told.has(nameOf(one))).length,
    isPicture: photos.has,
    claims: () => ({
      webhooks: [...pictures],
      asked: [...asked],
      heard: [...heard],
      ...recordsOf(simulator),
    }),
  };
}

/** Photos whose bytes are unique, and which of them were used. */
async function createPhotos(random: Random) {
  const seed = Math.floor(random() * 1000);
  const [small, large] = await Promise.all([
    uniquePhotos(maxPhotos, { seed, width: 320, height: 240 }),
    uniquePhotos(maxPhotos, { seed: seed + 1, width: 1600, height: 1200 }),
  ]);
  const digests = new Set<string>();
  let used = 0;
  return {
    next: (): Buffer => {
      used += 1;
      const photo = (used % largeEvery === 0 ? large : small).at(used);
      digests.add(sha256(photo));
      return photo;
    },
    has: (content: Buffer): boolean => digests.has(sha256(content)),
  };
}

/** The senders of pictures, some of whom send more than one. */
function createPersons(random: Random) {
  const persons: Person[] = [];
  let numbers = 0;
  const newNumber = (): string => `55119${String(10_000_000 + (numbers += 1))}`;
  return {
    newNumber,
    anyOf: (provider: ProviderId): Person => {
      const known = persons.filter((one) => one.provider === provider && !one.isLeaving);
      const one = known[Math.floor(random() * known.length)];
      if (one && random() < chanceOfKnownPerson) return one;
      const fresh = { provider, number: newNumber(), isLeaving: false };
      persons.push(fresh);
      return fresh;
    },
  };
}

interface PublishedPhoto {
  readonly photo: Buffer;
  readonly url: string;
  readonly person: Person;
}

function pictureOf(simulator: Simulator, { photo, url, person }: PublishedPhoto): Picture {
  const { webhook, messageIdOf }: SimulatedProvider = simulator.providers[person.provider];
  const id = randomUUID();
  const message = { kind: 'image', id, from: person.number, url, sentAt: new Date() } as const;
  const first = webhook(message);
  return {
    channel: person.provider,
    body: first.body,
    messageId: messageIdOf?.(message) ?? id,
    pictures: [sha256(photo)],
    webhook: () => {
      const made = webhook(message);
      // If the provider writes random values into the body, its proof does not expire.
      return made.body === first.body ? made : first;
    },
    person,
    acknowledged: false,
    erased: 'no',
  };
}

/** What the simulated providers have accepted and reported. */
function recordsOf({ providers }: Simulator): Pick<Claims, 'taken' | 'reports'> {
  return {
    taken: providerIds.flatMap((channel) =>
      providers[channel].api.accepted.map(({ id, to }) => ({ channel, id, to })),
    ),
    reports: providerIds.flatMap((channel) =>
      providers[channel].api.reports
        .filter(({ answer }) => answer === 200)
        .map(({ messageId, status }) => ({ channel, messageId, status })),
    ),
  };
}

/** The provider's record of a message. */
export function nameOf({ channel, messageId }: Pick<SentWebhook, 'channel' | 'messageId'>): string {
  return `${channel} ${messageId}`;
}

function sha256(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}
