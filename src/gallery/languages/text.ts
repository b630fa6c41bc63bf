/**
 * The texts of the pages in the language of the user. `t` reads a signal, so that a component that uses it is
 * drawn again when the language changes.
 */
import { computed, signal } from '@preact/signals';

import { ownValue } from '../../domain/own-value.js';
import { catalogueAddress, loadCatalogue } from './catalogue.js';
import { localeFor, type Language } from '../../domain/language.js';
import { fillIn, parseMessage, type Piece } from './message.js';
import english from './messages/en.json' with { type: 'json' };
import { keepLanguage, storedLanguage } from './stored-language.js';

export type MessageId = keyof typeof english;
export type Values<Value = string | number> = Readonly<Record<string, Value>>;

type Texts = Readonly<Partial<Record<MessageId, string>>>;

interface Current {
  readonly language: Language;
  readonly texts: Texts;
}

const current = signal<Current>({ language: 'en', texts: english });

export const language = computed(() => current.value.language);
export const locale = computed(() => localeFor(language.value, navigator.languages));

/** A text with its placeholders filled in. Numbers are written as the language writes them. */
export function t(id: MessageId, values: Values = {}): string {
  return piecesOf<string | number>(id, values)
    .map((piece) => ('words' in piece ? piece.words : shown(piece.value)))
    .join('');
}

function shown(value: string | number): string {
  return typeof value === 'number' ? value.toLocaleString(locale.value) : value;
}

/** The pieces of a text, for values that are more than text. */
export function piecesOf<Value>(id: MessageId, values: Values<Value>): Piece<Value>[] {
  const text = ownValue(current.value.texts, id) ?? english[id];
  return fillIn(parseMessage(text), {
    values: new Map(Object.entries(values)),
    locale: locale.value,
  });
}

/** Whether there is a text with this id, which another version of the service may have sent. */
export function isMessageId(id: string): id is MessageId {
  return Object.hasOwn(english, id);
}

/** Shows the pages in the language of the user, or in English if its texts cannot be loaded. */
export async function startLanguage(): Promise<void> {
  await show(storedLanguage()).catch(() => undefined);
  document.documentElement.lang = language.value;
}

/** Shows the pages in another language from now on. */
export async function changeLanguage(chosen: Language): Promise<void> {
  await show(chosen);
  keepLanguage(chosen);
  document.documentElement.lang = chosen;
}

async function show(chosen: Language): Promise<void> {
  const address = catalogueAddress('messages', chosen);
  if (address === undefined) current.value = { language: 'en', texts: english };
  else current.value = { language: chosen, texts: await loadCatalogue(address) };
}
