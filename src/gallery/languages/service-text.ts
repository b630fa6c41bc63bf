/**
 * Texts that the service writes for people, such as the steps in the console of a provider. The service writes
 * them in English; the catalogue of a language has them by their English words.
 */
import { signal } from '@preact/signals';

import { catalogueAddress, loadCatalogue } from './catalogue.js';
import type { Language } from '../../domain/language.js';
import { language } from './text.js';

type Texts = ReadonlyMap<string, string>;

const none: Texts = new Map();
const loaded = signal<{ readonly language: Language; readonly texts: Texts }>({
  language: 'en',
  texts: none,
});

/** The texts in the language of the user. They are loaded when they are needed first. */
function textsNow(): Texts {
  const wanted = language.value;
  if (loaded.value.language === wanted) return loaded.value.texts;
  void load(wanted);
  return none;
}

let loading: Language | undefined;

async function load(wanted: Language): Promise<void> {
  if (loading === wanted) return;
  loading = wanted;
  const address = catalogueAddress('service', wanted);
  // Without the file, the texts stay in English until the page is loaded again.
  const texts = address === undefined ? {} : await loadCatalogue(address).catch(() => ({}));
  if (loading !== wanted) return;
  loading = undefined;
  loaded.value = { language: wanted, texts: new Map(Object.entries(texts)) };
}

/** The text in the language of the user, or in English if the catalogue does not have it. */
export function serviceText(text: string): string {
  const texts = textsNow();
  const found = texts.get(text);
  if (found !== undefined) return found;
  for (const [english, translated] of texts) {
    const values = valuesIn(english, text);
    if (values)
      return translated.replaceAll(/\{(\w+)\}/g, (mark, name: string) => {
        const value = values.get(name) ?? mark;
        return texts.get(value) ?? value;
      });
  }
  return text;
}

const patterns = new Map<string, RegExp | undefined>();

/** The values of the placeholders of a text in another one; undefined if it is not the same text. */
function valuesIn(english: string, text: string): ReadonlyMap<string, string> | undefined {
  if (!patterns.has(english)) patterns.set(english, patternOf(english));
  const groups = patterns.get(english)?.exec(text)?.groups;
  return groups && new Map(Object.entries(groups));
}

function patternOf(english: string): RegExp | undefined {
  if (!/\{\w+\}/.test(english)) return undefined;
  const seen = new Set<string>();
  const source = english.split(/(\{\w+\})/).map((part) => {
    const [, name] = /^\{(\w+)\}$/.exec(part) ?? [];
    if (name === undefined) return part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
    if (seen.has(name)) return String.raw`\k<${name}>`;
    seen.add(name);
    return `(?<${name}>.+?)`;
  });
  return new RegExp(`^${source.join('')}$`);
}
