/**
 * The traffic while processes die: providers call, people receive messages, some are erased, and a client
 * listens.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

import { createClient } from '../../client/index.js';
import { between, type Random } from '../../demo/random.js';
import { providerIds, type ProviderId } from '../../demo/providers/registry.js';
import { nameOf, type Activity, type Book, type Picture } from './ledger.js';

export interface Traffic {
  /**
   * Starts nothing new; resolves when everything that was started is done, for which the service must be
   * running.
   */
  readonly stop: () => Promise<void>;
  /** Stops the listener. */
  readonly hangUp: () => Promise<void>;
  /** Data that reappeared although it must not. */
  readonly surprises: readonly string[];
  /** The longest time until an acknowledged webhook was answered, in milliseconds. */
  readonly worstMs: () => number;
}

interface Service {
  readonly baseUrl: string;
  readonly token: string;
  /** The URL for calls: the service itself, or a proxy in front of it. */
  readonly doorUrl: string;
}

interface Surroundings {
  readonly service: Service;
  readonly book: Book;
  readonly random: Random;
}

interface World extends Surroundings {
  readonly chance: (of: number) => boolean;
  readonly pick: <T>(items: readonly T[]) => T | undefined;
  readonly isOver: () => boolean;
  /** Whether an unanswered call should be repeated. */
  readonly isHopeful: () => boolean;
  readonly surprises: string[];
  readonly noteMs: (ms: number) => void;
}

/**
 * With more, jobs would decode for so long that they see many deaths, and a picture would count as their
 * cause.
 */
const maxWaiting = 20;
/** How long started work may take at the end, after the last kill; and how long one call may take. */
const hopeMs = 60_000;
const callMs = 30_000;
const chances = { twiceAtOnce: 0.1, again: 0.2, givesUp: 0.1, contact: 0.25, recipient: 0.15 };
/** The pause between two messages in a channel, a little longer than the provider's rate requires. */
const sendEveryMs: Readonly<Record<ProviderId, number>> = {
  blip: 700,
  'z-api': 2_500,
  vonage: 300,
  aisoule: 500,
  sobot: 500,
  meta: 300,
  twilio: 300,
  telegram: 500,
  custom: 300,
};

export function startTraffic(surroundings: Surroundings): Traffic {
  const { service, book, random } = surroundings;
  const over = new AbortController();
  const surprises: string[] = [];
  let worstMs = 0;
  let hopeUntil = Infinity;
  const world: World = {
    ...surroundings,
    surprises,
    chance: (of) => random() < of,
    pick: (items) => items[Math.floor(random() * items.length)],
    isOver: () => over.signal.aborted,
    isHopeful: () => Date.now() < hopeUntil,
    noteMs: (ms) => (worstMs = Math.max(worstMs, ms)),
  };
  const everybody = [
    ...providerIds.map((provider) => keepOn(world, [80, 400], () => provide(world, provider))),
    ...providerIds.map((provider) =>
      keepOn(world, [sendEveryMs[provider], 2 * sendEveryMs[provider]], () => answer(world, provider)),
    ),
    keepOn(world, [100, 600], () => forget(world)),
  ];
  const listening = new AbortController();
  const listener = listen({ service, book, signal: listening.signal }).catch((error: unknown) => {
    surprises.push(`who listened was turned away: ${String(error)}`);
  });
  return {
    surprises,
    worstMs: () => worstMs,
    stop: async () => {
      over.abort();
      hopeUntil = Date.now() + hopeMs;
      await Promise.all(everybody);
    },
    hangUp: async () => {
      listening.abort();
      await listener;
    },
  };
}

async function keepOn(
  { random, isOver }: World,
  pauseMs: readonly [number, number],
  work: () => Promise<void>,
): Promise<void> {
  while (!isOver()) {
    await work();
    await delay(between(random, pauseMs));
  }
}

/** Sends a webhook for a new picture, sometimes twice at once, and sometimes for an old one again. */
async function provide(world: World, provider: ProviderId): Promise<void> {
  const { book, chance, pick } = world;
  if (book.waiting() >= maxWaiting) return;
  const picture = book.newPicture(provider);
  const times = chance(chances.twiceAtOnce) ? 2 : 1;
  await Promise.all(Array.from({ length: times }, () => deliver(world, picture)));
  if (!chance(chances.again)) return;
  const old = pick(book.pictures.filter((one) => one.acknowledged && one.channel === provider));
  if (old) await deliver(world, old);
}

/** Retries like the providers: until it is accepted, or only a few times. */
async function deliver(world: World, picture: Picture): Promise<void> {
  const { service, book, chance, isHopeful, surprises, noteMs } = world;
  do {
    const { path, headers, body } = picture.webhook();
    const started = performance.now();
    const status = await during(book, 'receive', () =>
      statusOf(
        fetch(service.doorUrl + path, { method: 'POST', headers, body, signal: AbortSignal.timeout(callMs) }),
      ),
    );
    if (status === 200) {
      picture.acknowledged = true;
      noteMs(performance.now() - started);
      return;
    }
    if (status >= 400 && status < 500) {
      surprises.push(`a webhook of ${picture.channel} was refused with ${String(status)}`);
      return;
    }
    await delay(100);
  } while (isHopeful() && (picture.acknowledged || !chance(chances.givesUp)));
  if (!isHopeful()) surprises.push(`a webhook of ${picture.channel} was not taken any more`);
}

/** Sends a picture to a new person: a received one, an upload, or the bytes themselves. */
async function answer(world: World, channel: ProviderId): Promise<void> {
  const { book, chance, isHopeful } = world;
  const media = await mediaToSend(world, channel);
  if (!media) return;
  const to = book.newNumber();
  const request = {
    method: 'POST',
    path: '/v1/messages',
    json: { channel, to, kind: 'image', media },
    headers: { 'idempotency-key': randomUUID() },
  };
  do {
    const given = await ask(world, request);
    if (given?.status === 202) book.noteAsked({ id: String(given.body['id']), channel, to });
    // The media item may have been erased in the meantime.
    if (given && given.status < 500) return;
    await delay(100);
  } while (isHopeful() && !chance(chances.givesUp));
}

async function mediaToSend(world: World, channel: ProviderId): Promise<object | undefined> {
  const { book, chance, pick } = world;
  if (chance(0.3)) return idOf((await find(world, pick(book.pictures.filter(isKept))))?.media);
  const photo = book.newPhoto();
  if (chance(0.5)) return { data: `data:image/jpeg;base64,${photo.toString('base64')}` };
  const form = new FormData();
  form.set('channel', channel);
  form.set('file', new Blob([new Uint8Array(photo)]), 'photo.jpg');
  const given = await ask(world, { method: 'POST', path: '/v1/media', form });
  return given?.status === 201 ? { id: given.body['id'] } : undefined;
}

const isKept = ({ acknowledged, erased }: Picture): boolean => acknowledged && erased === 'no';

interface MediaFound {
  readonly id: string;
  readonly state: string;
}

function idOf(media: readonly MediaFound[] | undefined): object | undefined {
  const ready = media?.find(({ state }) => state === 'ready');
  return ready && { id: ready.id };
}

/** The service's record of a picture; undefined if there is none or the service is down. */
async function find(
  world: World,
  picture: Picture | undefined,
): Promise<{ readonly from: string; readonly media: readonly MediaFound[] } | undefined> {
  if (!picture) return undefined;
  const { channel, messageId } = picture;
  const given = await ask(world, {
    method: 'GET',
    path: `/v1/messages/${channel}/${encodeURIComponent(messageId)}`,
  });
  return given?.status === 200 ? (given.body as never) : undefined;
}

/** Erases a picture, a person with everything, or a person who received a message. */
async function forget(world: World): Promise<void> {
  const { book, chance, pick } = world;
  if (chance(chances.recipient)) {
    const asked = pick(book.asked);
    if (asked) await erase(world, `/v1/contacts/${asked.channel}/${asked.to}`);
    return;
  }
  const kept = book.pictures.filter(isKept);
  // A picture that has just arrived may still be downloading.
  const picture = pick(chance(0.5) ? kept.slice(-8) : kept);
  const found = await find(world, picture);
  if (!picture || !found) return;
  if (chance(chances.contact)) await forgetPerson(world, picture, found.from);
  else await eraseAll(world, [picture], `/v1/media/${String(found.media[0]?.id)}`);
}

async function forgetPerson(world: World, { person, channel }: Picture, contact: string): Promise<void> {
  if (person.isLeaving) return;
  person.isLeaving = true;
  const theirs = world.book.pictures.filter((one) => one.person === person);
  // Webhooks in the spool are stored later, as documented, so only people whose pictures are all stored are
  // erased.
  for (const one of theirs) if (!one.acknowledged || !(await find(world, one))) return;
  await eraseAll(world, theirs, `/v1/contacts/${channel}/${contact}`);
}

async function eraseAll(world: World, pictures: readonly Picture[], path: string): Promise<void> {
  const mark = (erased: Picture['erased']): void => {
    for (const one of pictures) if (one.erased !== 'yes') one.erased = erased;
  };
  mark('maybe');
  if (await erase(world, path)) mark('yes');
}

/** Returns whether the service confirmed the erasure. */
async function erase(world: World, path: string): Promise<boolean> {
  const { book, chance, isHopeful, surprises } = world;
  do {
    const given = await during(book, 'erase', () => ask(world, { method: 'DELETE', path }));
    if (given?.status === 200) return true;
    // Their picture was erased before, and nothing else was known of them.
    if (given?.body['code'] === 'contact.not_found') return false;
    if (given && given.status < 500) {
      surprises.push(`an erasure was refused with ${String(given.status)} ${String(given.body['code'])}`);
      return false;
    }
    await delay(100);
  } while (isHopeful() && !chance(chances.givesUp));
  return false;
}

interface Listening {
  readonly service: Service;
  readonly book: Book;
  readonly signal: AbortSignal;
}

/** Receives every event, through all deaths. */
async function listen({ service, book, signal }: Listening): Promise<void> {
  for await (const { id, type, data } of createClient(service).events({ lastEventId: '0', signal })) {
    const media = 'kind' in data ? data : null;
    const message = media?.message;
    const name = message ? nameOf({ channel: media.channel, messageId: message.id }) : null;
    book.noteHeard({ seq: Number(id), type, mediaId: media?.id ?? null, name });
  }
}

async function during<T>({ underWay }: Book, activity: Activity, work: () => Promise<T>): Promise<T> {
  underWay[activity] += 1;
  try {
    return await work();
  } finally {
    underWay[activity] -= 1;
  }
}

interface Question {
  readonly method: string;
  readonly path: string;
  readonly json?: object;
  readonly form?: FormData;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Undefined if there was no complete response. */
async function ask(
  { service: { doorUrl, token } }: World,
  { method, path, json, form, headers }: Question,
): Promise<{ readonly status: number; readonly body: Readonly<Record<string, unknown>> } | undefined> {
  try {
    const response = await fetch(doorUrl + path, {
      method,
      signal: AbortSignal.timeout(callMs),
      headers: {
        ...headers,
        authorization: `Bearer ${token}`,
        ...(json && { 'content-type': 'application/json' }),
      },
      ...(json && { body: JSON.stringify(json) }),
      ...(form && { body: form }),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  } catch {
    return undefined;
  }
}

/** 0 if there was no response. */
async function statusOf(response: Promise<Response>): Promise<number> {
  try {
    const { status, body } = await response;
    await body?.cancel();
    return status;
  } catch {
    return 0;
  }
}
