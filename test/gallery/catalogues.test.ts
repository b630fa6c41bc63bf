/** The catalogues of texts: complete, well formed, and in use. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { errorCodes } from '../../src/domain/errors.js';
import { languages } from '../../src/domain/language.js';
import { namesIn, parseMessage, type Part } from '../../src/gallery/languages/message.js';
import { projectFolder } from '../../src/infra/process/project-folder.js';
import { providers } from '../../src/providers/index.js';
import { usesOfTexts } from './catalogue-uses.js';

type Texts = ReadonlyMap<string, string>;

function read(folder: string, language: string): Texts {
  const file = join(projectFolder, 'src/gallery/languages', folder, `${language}.json`);
  return new Map(Object.entries(JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>));
}

const english = read('messages', 'en');
const others = languages.filter((language) => language !== 'en');

const marksIn = (text: string): string[] => (text.match(/<\/?\w+>/g) ?? []).sort();
const names = (text: string): string[] => [...namesIn(parseMessage(text))].sort();

/** What is wrong with one text, beside its translation. */
function faultsOf(text: string): string[] {
  const faults: string[] = [];
  if (text.trim() === '') faults.push('is empty');
  if (text.includes('...')) faults.push('has three dots instead of …');
  if (marksIn(text).length % 2 === 1) faults.push('has a mark that does not end');
  if (marksIn(text).some((mark) => !/^<\/?(?:b|code|a)>$/.test(mark))) faults.push('has an unknown mark');
  try {
    parseMessage(text);
  } catch (error) {
    faults.push(String(error));
  }
  return faults;
}

const edges = (text: string): readonly string[] => [
  /^\s*/.exec(text)?.[0] ?? '',
  /\s*$/.exec(text)?.[0] ?? '',
];

/** The forms of all plurals that the language does not have. */
function foreignForms(parts: readonly Part[], language: string): string[] {
  const known = new Intl.PluralRules(language).resolvedOptions().pluralCategories as string[];
  return parts.flatMap((part) => {
    if (typeof part === 'string' || part.type !== 'plural') return [];
    return [...part.forms].flatMap(([form, inner]) => [
      ...(known.includes(form) || form.startsWith('=') ? [] : [form]),
      ...foreignForms(inner, language),
    ]);
  });
}

test('there is a file for each language, and no other', () => {
  const files = readdirSync(join(projectFolder, 'src/gallery/languages/messages'));
  expect(files.sort()).toEqual(languages.map((language) => `${language}.json`).sort());
});

describe.each(languages)('The texts in %s', (language) => {
  const texts = read('messages', language);

  test('are the same as in English', () => {
    expect([...texts.keys()]).toEqual([...english.keys()]);
  });

  test('are well formed', () => {
    const faults = [...texts].flatMap(([id, text]) => faultsOf(text).map((fault) => `${id} ${fault}`));
    expect(faults).toEqual([]);
  });

  test('have the placeholders, marks and outer spaces of the English ones', () => {
    const shape = (text: string) => ({ names: names(text), marks: marksIn(text), edges: edges(text) });
    const shapes = (of: Texts) => Object.fromEntries([...of].map(([id, text]) => [id, shape(text)]));
    expect(shapes(texts)).toEqual(shapes(english));
  });

  test('have only plural forms of the language', () => {
    const foreign = [...texts].filter(([, text]) => foreignForms(parseMessage(text), language).length > 0);
    expect(foreign).toEqual([]);
  });
});

test.each(others)('hardly any text in %s is the English one', (language) => {
  const same = [...read('messages', language)].filter(
    ([id, text]) => text === english.get(id) && /[a-z]{2} [a-z]{2}/i.test(text.replaceAll(/\{[^}]*\}/g, '')),
  );
  expect(same).toEqual([]);
});

describe('The pages', () => {
  const uses = usesOfTexts();

  test('use every text', () => {
    const exact = new Set(uses.ids.filter((id) => typeof id === 'string'));
    const patterns = uses.ids.filter((id) => typeof id !== 'string');
    const unused = [...english.keys()].filter(
      (id) => !exact.has(id) && !patterns.some((pattern) => pattern.test(id)),
    );
    expect(unused).toEqual([]);
  });

  test('give each text the values of its placeholders', () => {
    expect(uses.calls.length).toBeGreaterThan(250);
    const wrong = uses.calls.filter(
      ({ id, names: given }) => String(given) !== String(names(english.get(id) ?? '')),
    );
    expect(wrong).toEqual([]);
  });
});

test('every code of an error has a text, and no other code has', () => {
  const codes = [...english.keys()].flatMap((id) =>
    id.startsWith('error.') ? [id.slice('error.'.length)] : [],
  );
  const own = ['other', 'unreachable', 'timeout', 'unreadable'];
  expect(codes.sort()).toEqual([...errorCodes, ...own].sort());
});

describe.each(others)('The texts of the service in %s', (language) => {
  const texts = read('service', language);

  test('have a translation', () => {
    expect(textsOfProviders().filter((text) => !texts.has(text))).toEqual([]);
  });

  test('are written by the service', () => {
    const written = [...textsOfProviders(), ...sentencesInSource()];
    const isWritten = (text: string): boolean =>
      written.some((source) => text.split(/\{\w+\}/).every((part) => source.includes(part)));
    const unused = [...texts.keys()].filter((text) => !isWritten(text));
    expect(unused).toEqual([]);
  });

  test('have the placeholders of the English ones', () => {
    const marks = (text: string): string[] => (text.match(/\{\w+\}|<\w+>/g) ?? []).sort();
    const wrong = [...texts].filter(
      ([text, translated]) => String([...new Set(marks(text))]) !== String([...new Set(marks(translated))]),
    );
    expect(wrong).toEqual([]);
  });
});

/** The texts of all providers for the pages on which channels are added and connected. */
function textsOfProviders(): string[] {
  const texts = providers.flatMap(({ setup, settings, examples, sendOptions, connecting }) => [
    ...setup('{url}'),
    ...settings.flatMap(({ description, group }) => [description, group ?? '']),
    ...examples.flatMap(({ title, notes }) => [title, ...notes]),
    ...Object.values((sendOptions['properties'] ?? {}) as Record<string, { description?: string }>).map(
      ({ description }) => description ?? '',
    ),
    'absent' in connecting ? connecting.absent : '',
  ]);
  return [...new Set(texts)].filter((text) => text !== '');
}

/** The source of everything that writes such texts. */
function sentencesInSource(): string[] {
  return ['src/providers', 'src/pipeline/channels'].flatMap((folder) =>
    readdirSync(join(projectFolder, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => readFileSync(join(projectFolder, folder, name), 'utf8')),
  );
}
