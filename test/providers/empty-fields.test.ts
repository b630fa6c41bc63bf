/**
 * Empty means absent, and an unknown word is no reason to lose a file: the pictures are kept whatever the
 * other fields contain. Tested with every field of every sample with a picture, including fields that only
 * other samples have, one at a time and in pairs with its siblings.
 */
import { describe, expect, test } from '@jest/globals';

import type { InboundEvent, MediaSource } from '../../src/domain/provider.js';
import { providers } from '../../src/providers/index.js';
import { eventsOf } from '../support/evaluator.js';
import { settings } from '../support/signing.js';
import { type Fixture, fixturesOf, receivedAt } from './fixtures.js';

type Fields = Readonly<Record<string, unknown>>;
type Path = readonly string[];

const removed = Symbol('removed');
const blanks = ['', ' ', null, false, {}, [], removed] as const;
type Blank = (typeof blanks)[number];
const written = (blank: Blank): string => (blank === removed ? 'removed' : JSON.stringify(blank));

/** Unexpected values: other types, and names of inherited members. */
const oddities = [
  0,
  7,
  -1,
  true,
  'null',
  'x',
  [1],
  { a: 1 },
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
];
/** These have a meaning with such a value. */
const meaningful: Readonly<Record<string, readonly string[]>> = {
  'z-api': ['fromApi'],
  // A link in the body of a message is a file only if the type says so, because people write links, too.
  'v1-image-in-body': ['type'],
};
/**
 * Of the messages sent by the business, only those of an attendant are stored, and these fields mark them.
 */
const tellingOfOutbound: Readonly<Record<string, readonly string[]>> = {
  blip: ['metadata', '#messageEmitter'],
};
/** Fields that select a picture: of several sizes, the largest is kept. */
const selecting: Readonly<Record<string, readonly string[]>> = { telegram: ['width', 'height'] };

/** An object in a payload. */
interface Place {
  readonly path: Path;
  readonly fields: Fields;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function objectsIn(value: unknown, path: Path = []): Place[] {
  if (!isObject(value)) return [];
  const inner = Object.entries(value).flatMap(([key, item]) => objectsIn(item, [...path, key]));
  return Array.isArray(value) ? inner : [{ path, fields: value }, ...inner];
}

/** The name of the same object in other samples. */
const nameOf = (path: Path): string => path.map((step) => (/^\d+$/.test(step) ? '*' : step)).join('.');

function fieldsByName(fixtures: readonly Fixture[]): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>();
  for (const { path, fields } of fixtures.flatMap(({ body }) => objectsIn(body))) {
    const known = found.get(nameOf(path)) ?? new Set();
    for (const field of Object.keys(fields)) known.add(field);
    found.set(nameOf(path), known);
  }
  return found;
}

/** The payload with another object at the path. */
function withObject(value: unknown, path: Path, object: Fields): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return object;
  if (Array.isArray(value))
    return value.map((item: unknown, place) =>
      String(place) === step ? withObject(item, rest, object) : item,
    );
  return isObject(value) ? { ...value, [step]: withObject(value[step], rest, object) } : value;
}

function emptied(fields: Fields, names: readonly string[], blank: Blank): Fields {
  const rest = Object.fromEntries(Object.entries(fields).filter(([name]) => !names.includes(name)));
  return blank === removed ? rest : { ...rest, ...Object.fromEntries(names.map((name) => [name, blank])) };
}

/** The links of files, and the ids that lead to links. */
const linksIn = (events: readonly InboundEvent[]): string[] =>
  events.flatMap((event) =>
    event.type === 'message' ? event.media.flatMap(({ source }) => linksOf(source)) : [],
  );

function linksOf(source: MediaSource): string[] {
  if (source.type === 'link') return [source.url];
  return source.type === 'reference' ? [source.reference] : [];
}

function holdsLink(value: unknown, links: readonly string[]): boolean {
  if (typeof value === 'string') return links.includes(value);
  return isObject(value) && Object.values(value).some((item) => holdsLink(item, links));
}

const isOutbound = (events: readonly InboundEvent[]): boolean =>
  events.some((event) => event.type === 'message' && event.direction === 'outbound');

/** A changed payload, and what was changed. */
interface Case {
  readonly what: string;
  readonly body: unknown;
}

/** The events of a sample, of which the conformance suite checks every member. */
const recorded = ({ events }: Fixture['expected']): readonly InboundEvent[] => events as InboundEvent[];

/** Each of these alone, and every pair of those that are read: the value of any other field cannot matter. */
function groupsOf(names: readonly string[], isRead: (name: string) => boolean): string[][] {
  const pairs = names.filter(isRead);
  return [
    ...names.map((name) => [name]),
    ...pairs.flatMap((name, place) => pairs.slice(place + 1).map((other) => [name, other])),
  ];
}

/** The fields that a parser has read, by the name of their object. */
type ReadFields = Map<string, Set<string>>;

/** The payload, which notes the fields that are read. */
function observed(value: unknown, read: ReadFields, path: Path = []): unknown {
  if (!isObject(value)) return value;
  return new Proxy(value, {
    get: (target, field) => {
      if (typeof field === 'symbol') return Reflect.get(target, field) as unknown;
      const name = nameOf(path);
      read.set(name, (read.get(name) ?? new Set()).add(field));
      return observed(target[field], read, [...path, field]);
    },
  });
}

describe.each(providers.map((provider) => ({ id: provider.id, provider })))('$id', ({ id, provider }) => {
  const adapter = provider.load(settings[id], () => receivedAt);
  const parse = (body: unknown): Promise<InboundEvent[]> => eventsOf(adapter, body, receivedAt);
  const fixtures = fixturesOf(id).filter(({ name }) => !name.startsWith('hostile'));
  const known = fieldsByName(fixtures);
  const pictures = fixtures.filter(({ expected }) => linksIn(recorded(expected)).length > 0);

  /** Fields without a link, including fields that only occur in other samples. */
  function optionalFields({ path, fields }: Place, events: readonly InboundEvent[]): string[] {
    const links = linksIn(events);
    const needed = [...(selecting[id] ?? []), ...(isOutbound(events) ? (tellingOfOutbound[id] ?? []) : [])];
    return [...new Set([...Object.keys(fields), ...(known.get(nameOf(path)) ?? [])])].filter(
      (field) => !needed.includes(field) && !holdsLink(fields[field], links),
    );
  }

  /**
   * Whether a field is read, also if only because another one is missing. An expression that translates the
   * payload sees a copy of it, so it counts as reading everything.
   */
  function readingOf(body: unknown): (place: Place) => (field: string) => boolean {
    if (adapter.translate) return () => () => true;
    const read: ReadFields = new Map();
    const parseObserved = (payload: unknown): void => {
      adapter.parse(observed(payload, read), receivedAt);
    };
    parseObserved(body);
    for (const { path, fields } of objectsIn(body))
      for (const name of Object.keys(fields))
        parseObserved(withObject(body, path, emptied(fields, [name], removed)));
    return ({ path }) =>
      (field) =>
        read.get(nameOf(path))?.has(field) ?? false;
  }

  test('has samples with pictures', () => {
    expect(pictures.length).toBeGreaterThan(5);
  });

  /** The cases in which the payload no longer leads to all pictures. */
  async function losing(cases: readonly Case[], links: readonly string[]): Promise<string[]> {
    const kept = await Promise.all(cases.map(async ({ body }) => new Set(linksIn(await parse(body)))));
    return cases
      .filter((_one, place) => !links.every((link) => kept[place]?.has(link)))
      .map(({ what }) => what);
  }

  test.each(pictures)('$name keeps its pictures if any fields are empty', async ({ body, expected }) => {
    const events = recorded(expected);
    const cases: Case[] = [];
    const isRead = readingOf(body);
    for (const place of objectsIn(body))
      for (const names of groupsOf(optionalFields(place, events), isRead(place)))
        for (const blank of blanks)
          cases.push({
            what: `${nameOf(place.path)}: ${names.join(' and ')} ${written(blank)}`,
            body: withObject(body, place.path, emptied(place.fields, names, blank)),
          });
    expect(await losing(cases, linksIn(events))).toEqual([]);
  });

  test.each(pictures)('$name keeps its pictures with any other values beside them', async (picture) => {
    const { name, body, expected } = picture;
    const events = recorded(expected);
    const telling = [...(meaningful[id] ?? []), ...(meaningful[name] ?? [])];
    const cases: Case[] = [];
    for (const place of objectsIn(body))
      for (const field of optionalFields(place, events).filter((one) => !telling.includes(one)))
        for (const oddity of oddities)
          cases.push({
            what: `${nameOf(place.path)}: ${field} ${JSON.stringify(oddity)}`,
            body: withObject(body, place.path, { ...place.fields, [field]: oddity }),
          });
    expect(await losing(cases, linksIn(events))).toEqual([]);
  });
});
