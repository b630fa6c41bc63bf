/**
 * Empty means absent, and an unknown word is no reason to lose a file: the pictures are kept whatever the
 * other fields contain. Tested with every field of every sample with a picture, including fields that only
 * other samples have, one at a time and in pairs with its siblings.
 */
import { describe, expect, test } from '@jest/globals';

import type { InboundEvent } from '../../src/domain/provider.js';
import { providers } from '../../src/providers/index.js';
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

const linksIn = (events: readonly InboundEvent[]): string[] =>
  events.flatMap((event) =>
    event.type === 'message'
      ? event.media.flatMap(({ source }) => (source.type === 'link' ? [source.url] : []))
      : [],
  );

function holdsLink(value: unknown, links: readonly string[]): boolean {
  if (typeof value === 'string') return links.includes(value);
  return isObject(value) && Object.values(value).some((item) => holdsLink(item, links));
}

const isOutbound = (events: readonly InboundEvent[]): boolean =>
  events.some((event) => event.type === 'message' && event.direction === 'outbound');

/** Every pair of these, and each of them alone. */
function groupsOf(names: readonly string[]): string[][] {
  return names.flatMap((name, place) => [[name], ...names.slice(place + 1).map((other) => [name, other])]);
}

describe.each(providers.map((provider) => ({ id: provider.id, provider })))('$id', ({ id, provider }) => {
  const adapter = provider.load(settings[id], () => receivedAt);
  const parse = (body: unknown): InboundEvent[] => adapter.parse(body, receivedAt);
  const fixtures = fixturesOf(id).filter(({ name }) => !name.startsWith('hostile'));
  const known = fieldsByName(fixtures);
  const pictures = fixtures.filter(({ body }) => linksIn(parse(body)).length > 0);

  /** Fields without a link, including fields that only occur in other samples. */
  function optionalFields({ path, fields }: Place, events: readonly InboundEvent[]): string[] {
    const links = linksIn(events);
    const needed = isOutbound(events) ? (tellingOfOutbound[id] ?? []) : [];
    return [...new Set([...Object.keys(fields), ...(known.get(nameOf(path)) ?? [])])].filter(
      (field) => !needed.includes(field) && !holdsLink(fields[field], links),
    );
  }

  test('has samples with pictures', () => {
    expect(pictures.length).toBeGreaterThan(5);
  });

  test.each(pictures)('$name keeps its pictures if any fields are empty', ({ body }) => {
    const events = parse(body);
    const links = linksIn(events);
    const lost: string[] = [];
    for (const place of objectsIn(body))
      for (const names of groupsOf(optionalFields(place, events)))
        for (const blank of blanks) {
          const changed = withObject(body, place.path, emptied(place.fields, names, blank));
          const kept = new Set(linksIn(parse(changed)));
          if (!links.every((link) => kept.has(link)))
            lost.push(`${nameOf(place.path)}: ${names.join(' and ')} ${written(blank)}`);
        }
    expect(lost).toEqual([]);
  });

  test.each(pictures)('$name keeps its pictures with any other values beside them', ({ name, body }) => {
    const events = parse(body);
    const links = linksIn(events);
    const lost: string[] = [];
    const telling = [...(meaningful[id] ?? []), ...(meaningful[name] ?? [])];
    for (const place of objectsIn(body))
      for (const field of optionalFields(place, events).filter((one) => !telling.includes(one)))
        for (const oddity of oddities) {
          const changed = withObject(body, place.path, { ...place.fields, [field]: oddity });
          const kept = new Set(linksIn(parse(changed)));
          if (!links.every((link) => kept.has(link)))
            lost.push(`${nameOf(place.path)}: ${field} ${JSON.stringify(oddity)}`);
        }
    expect(lost).toEqual([]);
  });
});
