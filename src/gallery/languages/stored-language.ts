/** The language of the pages: the one that the user has chosen here, or else that of the browser. */
import { store, stored } from '../storage.js';
import { languageFor, type Language } from '../../domain/language.js';

const key = 'inlet-language';

export function storedLanguage(): Language {
  return languageFor(stored(key), navigator.languages);
}

export function keepLanguage(language: Language): void {
  store(key, language);
}
